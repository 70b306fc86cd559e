import Support
import Tensors

/// A linear map of the last axis: y = x Wᵀ + b.
public final class Linear: Layer {
  /// W, `[outputs, inputs]`.
  public let weight: Parameter
  /// b, `[outputs]`, or nil.
  public let bias: Parameter?

  /// Creates a layer whose weights and bias lie between ±1 / √inputs, PyTorch's choice.
  /// - Parameters:
  ///   - inputs: The length of the input's last axis, at least 1.
  ///   - outputs: The length of the output's last axis.
  ///   - hasBias: Whether a bias is added.
  ///   - random: The stream to draw weights from.
  public init(inputs: Int, outputs: Int, hasBias: Bool = true, random: inout RandomStream) {
    let limit = 1 / Double(inputs).squareRoot()
    weight = .uniform([outputs, inputs], limit: limit, random: &random)
    bias = hasBias ? .uniform([outputs], limit: limit, random: &random) : nil
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("weight", weight)] + (bias.map { [("bias", $0)] } ?? [])
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[…, inputs]`.
  ///   - context: To train or to predict.
  /// - Returns: `[…, outputs]`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    linear(x, weight: weight.value(in: context), bias: bias?.value(in: context))
  }
}
