import Tensors

/// Enlarges feature maps by whole factors.
public final class Upsampling: Layer {
  /// How many times larger each spatial axis becomes.
  public let factors: [Int]
  /// How values between cells are found.
  public let interpolation: FeatureInterpolation
  /// Whether the centres of the corner cells, instead of their outer corners, coincide.
  public let alignCorners: Bool

  /// Creates a layer.
  /// - Parameters:
  ///   - factors: How many times larger each spatial axis becomes.
  ///   - interpolation: How values between cells are found.
  ///   - alignCorners: Whether the centres of the corner cells coincide.
  public init(
    factors: [Int],
    interpolation: FeatureInterpolation = .nearest,
    alignCorners: Bool = false
  ) {
    precondition(factors.allSatisfy { $0 > 0 }, "upsampling by \(factors)")
    self.factors = factors
    self.interpolation = interpolation
    self.alignCorners = alignCorners
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, C, spatial…]`.
  ///   - context: To train or to predict; without effect.
  /// - Returns: `[N, C, factor · spatial…]`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(x.rank == factors.count + 2, "\(x.shape) upsampled by \(factors)")
    return upsampled(
      x,
      to: zip(x.shape.dropFirst(2), factors).map { $0 * $1 },
      interpolation: interpolation,
      alignCorners: alignCorners
    )
  }
}
