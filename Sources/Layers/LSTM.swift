import Support
import Tensors

/// Long short-term memory, in one or several layers, in one or both directions.
///
/// Hochreiter and Schmidhuber 1997; gates and formulae are PyTorch's, see `lstm(_:weights:…)`.
public final class LSTM: Layer {
  /// Hidden and cell states of all layers and directions, each `[layers · directions, N, width]`.
  public struct State: Sendable {
    /// h.
    public var hidden: Tensor
    /// c.
    public var cell: Tensor

    /// Creates a state.
    /// - Parameters:
    ///   - hidden: `[layers · directions, N, width]`.
    ///   - cell: The same shape.
    public init(hidden: Tensor, cell: Tensor) {
      self.hidden = hidden
      self.cell = cell
    }

    /// The state without a past, to go on with the next piece of a long sequence.
    public var detached: State { State(hidden: hidden.detached, cell: cell.detached) }
  }

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
      gates: 4,
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
  ///   - state: The first states; zeros when nil.
  ///   - lengths: Steps of each sequence; all steps when nil. The output after them is 0.
  ///   - context: To train or to predict.
  /// - Returns: The last layer's hidden states, `directions · width` in place of `inputs`, and the
  ///   last states.
  public func callAsFunction(
    _ x: Tensor,
    from state: State?,
    lengths: [Int]? = nil,
    in context: Context
  ) -> (output: Tensor, state: State) {
    let (output, hidden, cell) = lstm(
      batchFirst ? x.transposed(0, 1) : x,
      weights: parameters.weights(in: context),
      isBidirectional: isBidirectional,
      hidden: state?.hidden,
      cell: state?.cell,
      lengths: lengths
    )
    return (batchFirst ? output.transposed(0, 1) : output, State(hidden: hidden, cell: cell))
  }
}
