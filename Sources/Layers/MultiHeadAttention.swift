import Support
import Tensors

/// Attention in several heads, each on its own part of the features.
///
/// Vaswani et al. 2017, section 3.2.2. Weights lie as in PyTorch's `MultiheadAttention`: those of
/// queries, keys and values one below the other.
public final class MultiHeadAttention: Layer {
  /// For queries, keys and values, `[3 · width, width]`.
  public let inputWeight: Parameter
  /// For queries, keys and values, `[3 · width]`.
  public let inputBias: Parameter
  /// Maps the heads' results, side by side, to the output.
  public let output: Linear
  /// The number of heads.
  public let heads: Int

  /// Creates a layer: input weights after Glorot and Bengio 2010, biases 0.
  /// - Parameters:
  ///   - width: The length of queries, keys, values and results.
  ///   - heads: The number of heads.
  ///   - random: The stream to draw weights from.
  /// - Precondition: `width` is a multiple of `heads`.
  public init(width: Int, heads: Int, random: inout RandomStream) {
    precondition(width % heads == 0, "a width of \(width) in \(heads) heads")
    // Equation 16 with 3 · width outputs and width inputs.
    let limit = (6 / Double(4 * width)).squareRoot()
    inputWeight = .uniform([3 * width, width], limit: limit, random: &random)
    inputBias = Parameter(Tensor(repeating: 0, shape: [3 * width]))
    output = Linear(inputs: width, outputs: width, random: &random)
    output.bias?.value = Tensor(repeating: 0, shape: [width])
    self.heads = heads
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("in_proj_weight", inputWeight), ("in_proj_bias", inputBias)]
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] { [("out_proj", output)] }

  /// Attention of a sequence to itself.
  /// - Parameters:
  ///   - x: `[N, L, width]`.
  ///   - context: To train or to predict.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(query: x, key: x, value: x, in: context)
  }

  /// Attention of one sequence to another.
  /// - Parameters:
  ///   - query: `[N, L, width]`.
  ///   - key: `[N, S, width]`.
  ///   - value: `[N, S, width]`.
  ///   - mask: Not 0 where a query may see a key (PyTorch's layer has it the other way round), of a
  ///     shape that can be broadcast to `[N, heads, L, S]`.
  ///   - isCausal: Whether query i sees only keys 0 to i.
  ///   - context: To train or to predict.
  /// - Returns: `[N, L, width]`.
  public func callAsFunction(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor? = nil,
    isCausal: Bool = false,
    in context: Context
  ) -> Tensor {
    let width = inputWeight.shape[1]
    let weights = inputWeight.value(in: context).split(sizes: [width, width, width], axis: 0)
    let biases = inputBias.value(in: context).split(sizes: [width, width, width], axis: 0)
    let parts = [query, key, value].enumerated().map { index, x in
      precondition(
        x.rank == 3 && x.shape[2] == width,
        "attention of width \(width) to \(x.shape)"
      )
      return linear(x, weight: weights[index], bias: biases[index])
        .reshaped([x.shape[0], x.shape[1], heads, width / heads])
        .transposed(1, 2)
    }
    let seen = scaledDotProductAttention(
      query: parts[0],
      key: parts[1],
      value: parts[2],
      mask: mask,
      isCausal: isCausal
    )
    let joined = seen.transposed(1, 2).reshaped([query.shape[0], query.shape[1], width])
    return output(joined, in: context)
  }
}
