import Tensors

/// How far a picture is from another's style and from its own content.
///
/// Gatys, Ecker and Bethge 2016, "Image style transfer using convolutional neural networks",
/// equations 1 to 7. Every term is divided by its target's sum of squares, so that weights mean the same
/// for any features.
public struct StyleLoss: Sendable {
  /// What the terms are multiplied with.
  public struct Weights: Codable, Sendable, Equatable {
    /// Of the content.
    public var content: Double
    /// Of the style.
    public var style: Double
    /// Of differences of neighbouring pixels.
    public var variation: Double

    /// Creates weights.
    /// - Parameters:
    ///   - content: Of the content.
    ///   - style: Of the style.
    ///   - variation: Of differences of neighbouring pixels.
    public init(content: Double = 1, style: Double = 10, variation: Double = 1) {
      (self.content, self.style, self.variation) = (content, style, variation)
    }
  }

  private let features: StyleFeatures
  private let weights: Weights
  private let grams: [Tensor]

  /// Creates the loss for a style, or one for each picture.
  /// - Parameters:
  ///   - style: `[1, 3, H, W]`, or as many as there will be pictures, 0 to 1.
  ///   - features: Gives the maps.
  ///   - weights: Of the terms.
  package init(style: Tensor, features: StyleFeatures, weights: Weights) {
    self.features = features
    self.weights = weights
    grams = features(style).prefix(features.styleCount).map { Self.gram($0).detached }
  }

  /// The maps that stand for a picture's content.
  /// - Parameter pictures: `[N, 3, H, W]`, 0 to 1.
  /// - Returns: `[N, C, H′, W′]`.
  package func content(of pictures: Tensor) -> Tensor {
    let maps = features(pictures.detached)
    return maps[maps.count - 1].detached
  }

  /// The loss.
  /// - Parameters:
  ///   - pictures: `[N, 3, H, W]`, 0 to 1.
  ///   - content: What `content(of:)` gave for the pictures that they come from.
  /// - Returns: One number.
  package func callAsFunction(_ pictures: Tensor, content: Tensor) -> Tensor {
    let maps = features(pictures)
    let styles = zip(maps, grams).map { Self.style(Self.gram($0), target: $1) }
    let style = styles.dropFirst().reduce(styles[0], +) * Float(weights.style / Double(grams.count))
    let kept = Self.relative(maps[maps.count - 1], target: content) * Float(weights.content)
    return style + kept + Self.variation(pictures) * Float(weights.variation)
  }

  /// Products of all pairs of maps, averaged over pixels.
  /// - Parameter maps: `[N, C, H, W]`.
  /// - Returns: `[N, C, C]`.
  package static func gram(_ maps: Tensor) -> Tensor {
    let area = maps.shape[2] * maps.shape[3]
    let flat = maps.reshaped([maps.shape[0], maps.shape[1], area])
    return matrixProduct(flat, flat.transposed(1, 2)) * (1 / Float(area))
  }

  /// The squared distance of Gram matrices, relative to the target, averaged over pictures.
  /// - Parameters:
  ///   - found: `[N, C, C]`.
  ///   - target: `[1, C, C]`, or `[N, C, C]` for a style of each picture.
  /// - Returns: One number.
  package static func style(_ found: Tensor, target: Tensor) -> Tensor {
    let count = Float(found.shape[0])
    let weights = (0..<target.shape[0]).map { place in
      let own = target.sliced(axis: 0, start: place, end: place + 1)
      return 1 / (max(Float(own.sumOfSquares), 1e-12) * count)
    }
    return ((found - target).squared() * Tensor(weights, shape: [weights.count, 1, 1])).sum
  }

  private static func relative(_ found: Tensor, target: Tensor) -> Tensor {
    (found - target).squared().sum * (1 / max(Float(target.sumOfSquares), 1e-12))
  }

  /// The mean of squared differences of neighbouring pixels.
  /// - Parameter pictures: `[N, C, H, W]`.
  /// - Returns: One number.
  package static func variation(_ pictures: Tensor) -> Tensor {
    let parts = [2, 3].map { axis in
      (pictures.sliced(axis: axis, start: 1) - pictures.sliced(axis: axis, end: -1)).squared().mean
    }
    return parts[0] + parts[1]
  }
}
