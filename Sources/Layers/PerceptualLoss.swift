import Tensors

/// Distance of features instead of pixels.
///
/// Johnson et al. 2016, "Perceptual losses for real-time style transfer and super-resolution", equation
/// 2: the mean squared (or absolute) difference of a fixed network's feature maps, summed over maps.
public struct PerceptualLoss: Sendable {
  /// How two feature maps are compared.
  public enum Distance: String, Codable, Sendable, CaseIterable {
    /// Mean absolute difference.
    case absolute
    /// Mean squared difference.
    case squared
  }

  private let weights: [Float]?
  private let distance: Distance
  private let features: @Sendable (Tensor) -> [Tensor]

  /// Creates a loss.
  /// - Parameters:
  ///   - weights: A factor for each feature map, or nil for 1.
  ///   - distance: How two feature maps are compared.
  ///   - features: Computes feature maps of an image; run it in inference mode, so that its own
  ///     parameters are not trained.
  public init(
    weights: [Float]? = nil,
    distance: Distance = .squared,
    features: @escaping @Sendable (Tensor) -> [Tensor]
  ) {
    self.weights = weights
    self.distance = distance
    self.features = features
  }

  /// The distance of two images.
  /// - Parameters:
  ///   - x: The image that gradients go back to.
  ///   - target: The image that it should look like; no gradient goes back.
  /// - Returns: One number.
  /// - Precondition: There is a feature map, and a weight for each when there are weights.
  public func callAsFunction(_ x: Tensor, target: Tensor) -> Tensor {
    of(features(x), target: features(target.detached))
  }

  /// The distance of feature maps that were computed before.
  ///
  /// Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.1, match maps of the critic
  /// in a game; Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with
  /// Conditional GANs", equation 4, the maps of all its layers.
  /// - Parameters:
  ///   - found: The maps of the image that gradients go back to.
  ///   - target: The maps of the image that it should look like; no gradient goes back.
  /// - Returns: One number.
  /// - Precondition: There is a feature map, and a weight for each when there are weights.
  public func of(_ found: [Tensor], target: [Tensor]) -> Tensor {
    let wanted = target.map(\.detached)
    precondition(
      !found.isEmpty && found.count == wanted.count
        && (weights == nil || weights?.count == found.count),
      "\(weights?.count ?? found.count) weights for \(found.count) feature maps"
    )
    let parts = found.indices.map { index -> Tensor in
      let part =
        switch distance {
        case .absolute: absoluteLoss(found[index], target: wanted[index])
        case .squared: squaredLoss(found[index], target: wanted[index])
        }
      return weights.map { part * $0[index] } ?? part
    }
    return parts.dropFirst().reduce(parts[0], +)
  }
}
