import Tensors

/// Layer normalisation over the last dimensions with a learned scale and shift for each value.
///
/// Ba, Kiros and Hinton 2016. The same in training and prediction.
public final class LayerNormalization: Layer {
  /// γ, of the shape of a row.
  public let weight: Parameter
  /// β, of the shape of a row.
  public let bias: Parameter
  /// Added to the variance.
  public let epsilon: Float

  /// Creates a layer with scale 1 and shift 0.
  /// - Parameters:
  ///   - shape: The trailing dimensions that share mean and variance, a row.
  ///   - epsilon: Added to the variance.
  public init(shape: [Int], epsilon: Float = 1e-5) {
    weight = Parameter(Tensor(repeating: 1, shape: shape))
    bias = Parameter(Tensor(repeating: 0, shape: shape))
    self.epsilon = epsilon
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("weight", weight), ("bias", bias)]
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: Any shape that ends in the shape of a row.
  ///   - context: To train or to predict.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    layerNormalization(
      x,
      dimensions: weight.shape.count,
      scale: weight.value(in: context),
      shift: bias.value(in: context),
      epsilon: epsilon
    )
  }
}
