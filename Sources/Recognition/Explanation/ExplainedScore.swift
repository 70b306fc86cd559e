import Foundation
import Layers
import Networks
import Tensors

/// A number that a network gives, and how it depends on feature maps and on the input.
///
/// Evidence is what speaks for this number; `ImageExplainer` finds it by any method.
protocol ExplainedScore {
  /// Feature maps of one image, and the gradient of the score with respect to each value of them.
  /// - Parameter image: `[1, C, ...]`, as the network sees it.
  /// - Returns: Maps `[1, F, ...]` of one resolution or several; the gradients have the same shapes.
  func weighedMaps(of image: Tensor) -> [(maps: Tensor, slopes: [Float])]

  /// The gradient of the score with respect to each value of several images.
  /// - Parameter images: `[N, C, ...]`.
  /// - Returns: As many numbers as the images have.
  func inputSlopes(of images: Tensor) -> [Float]

  /// What changed images are judged by, 0 to 1.
  /// - Parameter images: `[N, C, ...]`.
  /// - Returns: One number for each image.
  /// - Throws: What judging throws.
  func probabilities(of images: Tensor) throws -> [Double]
}

/// The score of a class of whole images.
struct ClassScore: ExplainedScore {
  private let network: any VectorNetwork
  private let planned: PlannedNetwork
  private let label: Int
  private let probability: ([Float]) -> Double

  /// - Parameters:
  ///   - network: The network.
  ///   - label: The class's number.
  ///   - probability: What the scores of an image mean for the class, 0 to 1.
  /// - Throws: `NetworksError` never in single precision.
  init(
    _ network: any VectorNetwork,
    label: Int,
    probability: @escaping ([Float]) -> Double
  ) throws {
    self.network = network
    self.label = label
    self.probability = probability
    planned = try PlannedNetwork(network)
  }

  func weighedMaps(of image: Tensor) -> [(maps: Tensor, slopes: [Float])] {
    let key = GradientKey()
    let features = network.features(image, in: .inference).plain
    let tracked = features.tracked(by: key)
    let scores = network.scores(of: network.embedding(of: tracked, in: .inference), in: .inference)
    return [(features, slopes(score(scores), key, like: features))]
  }

  func inputSlopes(of images: Tensor) -> [Float] {
    let key = GradientKey()
    return slopes(score(network(images.tracked(by: key), in: .inference)), key, like: images)
  }

  func probabilities(of images: Tensor) -> [Double] {
    let output = planned(images)
    let width = output.shape[1]
    let values = output.values
    return (0..<output.shape[0]).map { probability(Array(values[$0 * width..<($0 + 1) * width])) }
  }

  private func score(_ scores: Tensor) -> Tensor {
    scores.sliced(axis: 1, start: label, end: label + 1).sum(axes: nil)
  }
}

/// A score that is made of a network's output, such as of a segmentation or of boxes.
struct OutputScore: ExplainedScore {
  private let network: any Network
  private let planned: PlannedNetwork
  private let explainsAllMaps: Bool
  private let score: (_ output: Tensor) -> Tensor
  private let judge: (_ output: Tensor) throws -> [Double]

  /// - Parameters:
  ///   - network: The network.
  ///   - explainsAllMaps: Whether all maps count, or the coarsest alone, which the others only refine.
  ///   - score: One number of the output, the sum over its images; differentiable.
  ///   - judge: What images are judged by, 0 to 1, one number for each of the output.
  /// - Throws: `NetworksError` never in single precision.
  init(
    _ network: any Network,
    explainsAllMaps: Bool,
    score: @escaping (_ output: Tensor) -> Tensor,
    judge: @escaping (_ output: Tensor) throws -> [Double]
  ) throws {
    self.network = network
    self.explainsAllMaps = explainsAllMaps
    self.score = score
    self.judge = judge
    planned = try PlannedNetwork(network)
  }

  /// Without maps for a network that is not cut in two.
  func weighedMaps(of image: Tensor) -> [(maps: Tensor, slopes: [Float])] {
    guard let network = network as? any StagedNetwork else { return [] }
    let maps = network.maps(image, in: .inference).map(\.plain)
    let keys = maps.map { _ in GradientKey() }
    let chosen = explainsAllMaps ? Array(maps.indices) : [maps.count - 1]
    let tracked = maps.indices.map {
      chosen.contains($0) ? maps[$0].tracked(by: keys[$0]) : maps[$0]
    }
    let found = gradients(of: score(network.output(of: tracked, in: .inference)))
    return chosen.map {
      (maps[$0], found[keys[$0]]?.values ?? [Float](repeating: 0, count: maps[$0].count))
    }
  }

  func inputSlopes(of images: Tensor) -> [Float] {
    let key = GradientKey()
    return slopes(score(network(images.tracked(by: key), in: .inference)), key, like: images)
  }

  func probabilities(of images: Tensor) throws -> [Double] { try judge(planned(images)) }
}

/// The gradient of a number with respect to a tracked tensor; 0 where it does not depend on it.
func slopes(_ number: Tensor, _ key: GradientKey, like tensor: Tensor) -> [Float] {
  gradients(of: number)[key]?.values ?? [Float](repeating: 0, count: tensor.count)
}
