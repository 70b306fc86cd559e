import Support
import Tensors

/// A table of learned vectors, of which each index picks one.
public final class Embedding: Layer {
  /// The vectors, `[count, width]`.
  public let weight: Parameter

  /// Creates a table of values of the standard normal distribution, PyTorch's choice.
  /// - Parameters:
  ///   - count: The number of vectors.
  ///   - width: The length of a vector.
  ///   - random: The stream to draw from.
  public init(count: Int, width: Int, random: inout RandomStream) {
    let values = (0..<count * width).map { _ in Float(random.normal()) }
    weight = Parameter(Tensor(values, shape: [count, width]))
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] { [("weight", weight)] }

  /// Picks vectors.
  /// - Parameters:
  ///   - x: Whole numbers below `count`, any shape; they get no gradient.
  ///   - context: To train or to predict.
  /// - Returns: The shape of `x` and `width` as the last axis.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    embedding(x, weight: weight.value(in: context))
  }

  /// Picks vectors.
  /// - Parameters:
  ///   - indices: Indices below `count`, any shape.
  ///   - context: To train or to predict.
  /// - Returns: The shape of the indices and `width` as the last axis.
  public func callAsFunction(_ indices: IndexTensor, in context: Context) -> Tensor {
    embedding(indices, weight: weight.value(in: context))
  }
}
