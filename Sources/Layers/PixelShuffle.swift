import Tensors

/// Moves groups of channels into space, the sub-pixel upsampling of Shi and others (2016).
public final class PixelShuffle: Layer {
  /// How many times larger each spatial axis becomes.
  public let factor: Int

  /// Creates a layer.
  /// - Parameter factor: How many times larger each spatial axis becomes.
  public init(factor: Int) { self.factor = factor }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, C·rᵈ, spatial…]` with d spatial axes and the factor r.
  ///   - context: To train or to predict; without effect.
  /// - Returns: `[N, C, r·spatial…]`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    pixelShuffled(x, factor: factor)
  }
}
