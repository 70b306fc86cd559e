import Tensors

/// Rectifier whose slope for negative values is learned.
///
/// He et al. 2015, "Delving deep into rectifiers"; PyTorch's PReLU.
public final class ParametricReLU: Layer {
  /// The slopes, `[channels]` or `[1]`.
  public let weight: Parameter

  /// Creates a layer of equal slopes.
  /// - Parameters:
  ///   - channels: One slope for each channel, or 1 for one slope of all.
  ///   - slope: The first value of every slope.
  public init(channels: Int = 1, slope: Float = 0.25) {
    weight = Parameter(Tensor(repeating: slope, shape: [channels]))
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] { [("weight", weight)] }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, channels, spatial…]`, or any shape with one slope.
  ///   - context: To train or to predict.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    parametricReLU(x, slope: weight.value(in: context))
  }
}
