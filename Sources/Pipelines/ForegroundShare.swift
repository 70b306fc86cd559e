import Support

/// Which samples of a batch must show a structure.
///
/// Isensee et al. 2021, methods, "Training procedure": the last third of a batch. nnU-Net rounds the
/// number of the others, halves to even; batches of one are left to chance.
package struct ForegroundShare: Sendable {
  private let share: Double
  private let free: Int
  private let batchSize: Int

  /// - Parameters:
  ///   - share: Share of the samples, 0 to 1.
  ///   - batchSize: Samples of a batch.
  package init(_ share: Double, batchSize: Int) {
    self.share = share
    self.batchSize = batchSize
    free = Int((Double(batchSize) * (1 - share)).rounded(.toNearestOrEven))
  }

  /// Whether a sample is forced to show a structure.
  /// - Parameters:
  ///   - index: The sample's place in its batch.
  ///   - random: The sample's random numbers; one is drawn only for batches of one.
  /// - Returns: Whether it is.
  package func isForced(_ index: Int, _ random: inout RandomStream) -> Bool {
    batchSize == 1 ? random.chance(share) : index >= free
  }
}

extension TrainingConfiguration {
  /// Which samples of its batches must show a structure.
  var foreground: ForegroundShare { ForegroundShare(foregroundShare, batchSize: batchSize) }
}
