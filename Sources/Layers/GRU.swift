import Support
import Tensors

/// Gated recurrent units, in one or several layers, in one or both directions.
///
/// Cho et al. 2014; gates and formulae are PyTorch's, see `gru(_:weights:…)`.
public final class GRU: Layer {
  /// Whether each layer also runs from the last step to the first.
  public let isBidirectional: Bool
  /// Whether sequences are `[N, T, …]`, else `[T, N, …]`.
  public let batchFirst: Bool
  private let parameters: RecurrentParameters

  /// Creates layers whose weights lie between ±1 / √width.
  /// - Parameters:
  ///   - inputs: The length of the input's last axis.
  ///   - width: The length of a direction's state.
  ///   - layers: How many lie one above the other.
  ///   - isBidirectional: Whether each layer also runs from the last step to the first.
  ///   - batchFirst: Whether sequences are `[N, T, …]`, else `[T, N, …]`.
  ///   - hasBias: Whether biases are added.
  ///   - random: The stream to draw weights from.
  public init(
    inputs: Int,
    width: Int,
    layers: Int = 1,
    isBidirectional: Bool = false,
    batchFirst: Bool = false,
    hasBias: Bool = true,
    random: inout RandomStream
  ) {
    self.isBidirectional = isBidirectional
    self.batchFirst = batchFirst
    parameters = RecurrentParameters(
      gates: 3,
      inputs: inputs,
      width: width,
      layers: layers,
      isBidirectional: isBidirectional,
      hasBias: hasBias,
      random: &random
    )
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] { parameters.named }

  /// Runs over sequences from zero states.
  /// - Parameters:
  ///   - x: `[T, N, inputs]`, or `[N, T, inputs]` with `batchFirst`.
  ///   - context: To train or to predict.
  /// - Returns: The last layer's hidden states, `directions · width` in place of `inputs`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(x, from: nil, in: context).output
  }

  /// Runs over sequences.
  /// - Parameters:
  ///   - x: `[T, N, inputs]`, or `[N, T, inputs]` with `batchFirst`; T may be 0.
  ///   - hidden: The first states, `[layers · directions, N, width]`; zeros when nil.
  ///   - lengths: Steps of each sequence; all steps when nil. The output after them is 0.
  ///   - context: To train or to predict.
  /// - Returns: The last layer's hidden states, `directions · width` in place of `inputs`, and the
  ///   last states.
  public func callAsFunction(
    _ x: Tensor,
    from hidden: Tensor?,
    lengths: [Int]? = nil,
    in context: Context
  ) -> (output: Tensor, hidden: Tensor) {
    let (output, last) = gru(
      batchFirst ? x.transposed(0, 1) : x,
      weights: parameters.weights(in: context),
      isBidirectional: isBidirectional,
      hidden: hidden,
      lengths: lengths
    )
    return (batchFirst ? output.transposed(0, 1) : output, last)
  }
}
