import Support
import Tensors

/// A weight divided by its largest singular value.
///
/// Miyato et al. 2018, "Spectral normalization for generative adversarial networks", algorithm 1,
/// with the convention of PyTorch's parametrisation: the weight is a matrix whose rows are its
/// output axis; each use while training first improves the estimated singular vectors, which the
/// gradient takes as constant.
public final class SpectralNormalization: Sendable {
  /// The weight as it is trained.
  public let original: Parameter
  /// u, the estimated left singular vector, `[rows]`; not trainable.
  public let leftVector: Parameter
  /// v, the estimated right singular vector, `[columns]`; not trainable.
  public let rightVector: Parameter
  /// The weight's output axis: 0, or 1 for a transposed convolution.
  public let axis: Int
  /// How often the vectors are improved at each use while training.
  public let iterations: Int
  /// The smallest norm that a vector is divided by.
  public let epsilon: Float

  /// Wraps a weight; random vectors are improved 15 times, PyTorch's choice.
  /// - Parameters:
  ///   - original: The weight, at least two axes.
  ///   - axis: The weight's output axis: 0, or 1 for a transposed convolution.
  ///   - iterations: How often the vectors are improved at each use while training.
  ///   - epsilon: The smallest norm that a vector is divided by.
  ///   - random: The stream to draw the first vectors from.
  public init(
    of original: Parameter,
    axis: Int = 0,
    iterations: Int = 1,
    epsilon: Float = 1e-12,
    random: inout RandomStream
  ) {
    precondition(
      original.shape.count >= 2 && original.shape.indices.contains(axis),
      "no rows along axis \(axis) of a weight \(original.shape)"
    )
    self.original = original
    self.axis = axis
    self.iterations = iterations
    self.epsilon = epsilon
    let rows = original.shape[axis]
    let columns = original.shape.reduce(1, *) / max(1, rows)
    func vector(_ count: Int) -> Parameter {
      let values = (0..<count).map { _ in Float(random.normal()) }
      return Parameter(
        Self.unit(Tensor(values, shape: [count, 1]), epsilon).reshaped([count]),
        isTrainable: false
      )
    }
    leftVector = vector(rows)
    rightVector = vector(columns)
    improve(times: 15)
  }

  /// Weight and vectors under PyTorch's names.
  /// - Parameter name: The name of the wrapped weight.
  /// - Returns: `parametrizations.NAME.original`, `….0._u` and `….0._v`.
  public func parameters(for name: String) -> [(name: String, parameter: Parameter)] {
    let prefix = "parametrizations." + name
    return [
      (prefix + ".original", original), (prefix + ".0._u", leftVector),
      (prefix + ".0._v", rightVector),
    ]
  }

  /// The weight over uᵀ W v; improves the vectors first while training, unless a part runs again.
  /// - Parameter context: The mode.
  /// - Returns: The weight's shape, tracked while training.
  public func value(in context: Context) -> Tensor {
    if context.mode == .training, !context.isAgain { improve(times: iterations) }
    let weight = original.value(in: context)
    let left = leftVector.value.unsqueezed(0)
    let right = rightVector.value.unsqueezed(1)
    let norm = matrixProduct(left, matrixProduct(matrix(weight), right)).reshaped([])
    return weight / norm
  }

  /// u ← W v / ‖W v‖, v ← Wᵀ u / ‖Wᵀ u‖.
  private func improve(times: Int) {
    let weight = matrix(original.value)
    let transposed = weight.transposed(0, 1)
    for _ in 0..<times {
      let left = Self.unit(matrixProduct(weight, rightVector.value.unsqueezed(1)), epsilon)
      leftVector.value = left.squeezed(1)
      rightVector.value = Self.unit(matrixProduct(transposed, left), epsilon).squeezed(1)
    }
  }

  /// The weight as `[rows, columns]`.
  private func matrix(_ weight: Tensor) -> Tensor {
    let others = weight.shape.indices.filter { $0 != axis }
    let turned = axis == 0 ? weight : weight.transposed([axis] + others)
    return turned.flattened(from: 1)
  }

  private static func unit(_ vector: Tensor, _ epsilon: Float) -> Tensor {
    vector / max(vector.squared().sum.squareRoot().scalar, epsilon)
  }
}
