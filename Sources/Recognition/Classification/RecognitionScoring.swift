import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// What networks for whole images say of many of them.
package enum RecognitionScoring {
  /// Images that a network sees at once.
  package static let batchSize = 32

  /// The last layer's scores, divided by nothing yet.
  /// - Parameters:
  ///   - network: The network.
  ///   - images: The images.
  ///   - interruption: Looked at between batches.
  /// - Returns: For each image its scores.
  /// - Throws: `RecognitionError.infiniteScores`; `SupportError.interrupted`; `NetworksError`.
  package static func scores(
    of network: any Network,
    _ images: FittedImages,
    interruption: Interruption
  ) throws -> [[Float]] {
    try rows(of: PlannedNetwork(network), images, interruption: interruption)
  }

  /// The classes' probabilities: a softmax over the scores, or a sigmoid of each where findings are told.
  package static func probabilities(
    of network: any Network,
    _ images: FittedImages,
    interruption: Interruption
  ) throws -> [[Double]] {
    try scores(of: network, images, interruption: interruption).map {
      images.plan.probabilities($0)
    }
  }

  /// The embeddings, of length 1.
  package static func embeddings(
    of network: any Network,
    _ images: FittedImages,
    interruption: Interruption
  ) throws -> [[Float]] {
    guard let vectors = network as? any VectorNetwork else {
      preconditionFailure("a network without an embedding")
    }
    return try rows(
      of: PlannedNetwork(EmbeddingOnly(vectors)),
      images,
      interruption: interruption
    ).map(unit)
  }

  /// A vector of length 1 in the same direction; nothing for one of zeros.
  package static func unit(_ vector: [Float]) -> [Float] {
    let norm = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
    return norm > 0 ? vector.map { $0 / norm } : vector
  }

  /// The last layer's scores of a network that is planned already.
  static func scores(
    of network: PlannedNetwork,
    _ images: FittedImages,
    interruption: Interruption
  ) throws -> [[Float]] {
    try rows(of: network, images, interruption: interruption)
  }

  private static func rows(
    of network: PlannedNetwork,
    _ images: FittedImages,
    interruption: Interruption
  ) throws -> [[Float]] {
    var result: [[Float]] = []
    for start in stride(from: 0, to: images.count, by: batchSize) {
      try interruption.check()
      // Always as many, so that one plan serves and rounding does not depend on the neighbours.
      let indices = (start..<start + batchSize).map { min($0, images.count - 1) }
      let output = network(images.batch(indices))
      let width = output.shape[1]
      let values = output.values
      guard values.allSatisfy(\.isFinite) else {
        throw RecognitionError.infiniteScores(model: "the network")
      }
      for place in 0..<min(batchSize, images.count - start) {
        result.append(Array(values[place * width..<(place + 1) * width]))
      }
    }
    return result
  }
}

/// A network without its last layer.
private final class EmbeddingOnly: Network {
  private let network: any VectorNetwork

  init(_ network: any VectorNetwork) { self.network = network }

  var children: [(name: String, layer: any Layer)] { network.children }
  var ownParameters: [(name: String, parameter: Parameter)] { network.ownParameters }
  var sizeMultiple: Int { network.sizeMultiple }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    network.embedding(of: network.features(x, in: context), in: context)
  }
}

extension RecognitionPlan {
  /// Probabilities of scores: a softmax at the plan's temperature, or a sigmoid of each for findings.
  /// - Parameter scores: The last layer's output.
  /// - Returns: One number for each class.
  package func probabilities(_ scores: [Float]) -> [Double] {
    let scaled = scores.map { Double($0) / temperature }
    if task == .findings { return scaled.map { 1 / (1 + exp(-$0)) } }
    let largest = scaled.max() ?? 0
    let powers = scaled.map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// The least probability at which a class is told.
  package func threshold(_ label: Int) -> Double {
    thresholds.count > 1 ? thresholds[label] : thresholds[0]
  }
}
