import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// What networks say of many sequences of one shape.
enum SequenceScoring {
  /// Sequences that a network sees at once.
  private static let batchSize = 64

  /// The last layer's scores.
  /// - Parameters:
  ///   - network: The network.
  ///   - count: The number of sequences.
  ///   - shape: The shape of one.
  ///   - interruption: Looked at between batches.
  ///   - values: The values of each.
  /// - Returns: For each sequence its scores.
  /// - Throws: `SequencesError.infiniteScores`; `SupportError.interrupted`.
  static func scores(
    of network: any Network,
    count: Int,
    shape: [Int],
    interruption: Interruption,
    _ values: (Int) -> [Float]
  ) throws -> [[Float]] {
    var result: [[Float]] = []
    for start in stride(from: 0, to: count, by: batchSize) {
      try interruption.check()
      let range = start..<min(count, start + batchSize)
      let output = network(
        Tensor(range.flatMap(values), shape: [range.count] + shape),
        in: .inference
      )
      result += try rows(output)
    }
    return result
  }

  /// The rows of scores.
  /// - Throws: `SequencesError.infiniteScores`.
  static func rows(_ output: Tensor) throws(SequencesError) -> [[Float]] {
    let (values, width) = (output.values, output.shape[1])
    guard values.allSatisfy(\.isFinite) else { throw .infiniteScores(model: "the network") }
    return (0..<output.shape[0]).map { Array(values[$0 * width..<($0 + 1) * width]) }
  }
}

extension SequencePlan {
  /// How scores become probabilities and classes.
  var scoring: RecognitionPlan {
    var plan = RecognitionPlan(task: .classification, imageSize: [8, 8], channels: 1)
    plan.temperature = temperature
    return plan
  }
}
