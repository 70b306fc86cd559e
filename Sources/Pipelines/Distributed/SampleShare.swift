/// The samples of a step that one of several processes draws.
///
/// Process r of R draws the samples r·B to (r + 1)·B − 1 of a batch of R·B: together they see what a
/// process alone with the whole batch sees.
struct SampleShare: TrainingSampler {
  private let whole: any TrainingSampler
  private let rank: Int
  private let count: Int

  /// Takes a process's part.
  /// - Parameters:
  ///   - whole: Draws the whole batch.
  ///   - rank: The process's number from 0.
  ///   - count: The number of processes.
  /// - Throws: `PipelinesError.invalidPlan` when the batch has no equal parts.
  init(of whole: any TrainingSampler, rank: Int, count: Int) throws {
    guard whole.batchSize % count == 0 else {
      throw PipelinesError.invalidPlan(
        reason: "a batch of \(whole.batchSize) samples has no \(count) equal parts"
      )
    }
    self.whole = whole
    self.rank = rank
    self.count = count
  }

  var sampleShape: [Int] { whole.sampleShape }
  var batchSize: Int { whole.batchSize / count }

  func sample(step: Int, index: Int) -> TrainingSample {
    whole.sample(step: step, index: rank * batchSize + index)
  }
}
