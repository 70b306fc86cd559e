import Support
import Tensors

/// An LSTM over maps, whose products are convolutions, so that a state keeps its place.
///
/// Shi et al. 2015, "Convolutional LSTM network", equation 3 without the peepholes: with ∗ for
/// convolution, i, f, o = σ(W ∗ x + b + U ∗ h), g = tanh(…), c′ = f c + i g, h′ = o tanh c′. Windows are
/// odd and padded by zeros, so that maps keep their size.
public final class ConvolutionalLSTM: Layer {
  /// Hidden and cell state, each `[N, width, H, W]`.
  public struct State: Sendable {
    /// h.
    public var hidden: Tensor
    /// c.
    public var cell: Tensor

    /// Creates a state.
    /// - Parameters:
    ///   - hidden: `[N, width, H, W]`.
    ///   - cell: The same shape.
    public init(hidden: Tensor, cell: Tensor) {
      self.hidden = hidden
      self.cell = cell
    }
  }

  /// Channels of the state.
  public let width: Int
  /// W and b; gates input, forget, cell, output one after the other, as in `LSTM`.
  public let input: Convolution
  /// U, which has no bias.
  public let hidden: Convolution

  /// Creates a layer whose forget gate's bias is 1.
  ///
  /// Jozefowicz, Zaremba and Sutskever 2015, "An empirical exploration of recurrent network architectures",
  /// section 2.2.
  /// - Parameters:
  ///   - inputChannels: Channels of a step.
  ///   - width: Channels of the state.
  ///   - kernelSize: Rows and columns of the windows, odd.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The window is odd.
  public init(
    inputChannels: Int,
    width: Int,
    kernelSize: Int = 3,
    random: inout RandomStream
  ) {
    precondition(kernelSize % 2 == 1, "a window of \(kernelSize) has no middle")
    self.width = width
    let window = [kernelSize, kernelSize]
    input = Convolution(
      inputChannels: inputChannels,
      outputChannels: 4 * width,
      kernelSize: window,
      random: &random
    )
    input.bias?.value = Tensor(
      (0..<4 * width).map { $0 / width == 1 ? 1 : 0 },
      shape: [4 * width]
    )
    hidden = Convolution(
      inputChannels: width,
      outputChannels: 4 * width,
      kernelSize: window,
      hasBias: false,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("input", input), ("hidden", hidden)]
  }

  /// Runs over sequences from zero states.
  /// - Parameters:
  ///   - x: `[N, inputChannels, T, H, W]`, T at least 1.
  ///   - context: To train or to predict.
  /// - Returns: The hidden states, `[N, width, T, H, W]`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(x, from: nil, in: context).output
  }

  /// Runs over sequences.
  /// - Parameters:
  ///   - x: `[N, inputChannels, T, H, W]`, T at least 1.
  ///   - state: The first state; zeros when nil.
  ///   - isReversed: Whether time runs from the last step to the first.
  ///   - context: To train or to predict.
  /// - Returns: The hidden states in the order of the steps, `[N, width, T, H, W]`, and the state after
  ///   the run.
  public func callAsFunction(
    _ x: Tensor,
    from state: State?,
    isReversed: Bool = false,
    in context: Context
  ) -> (output: Tensor, state: State) {
    precondition(x.rank == 5 && x.shape[2] > 0, "maps over time \(x.shape)")
    let (steps, size) = (x.shape[2], Array(x.shape[3...]))
    var state =
      state
      ?? {
        let zeros = Tensor(repeating: 0, shape: [x.shape[0], width] + size)
        return State(hidden: zeros, cell: zeros)
      }()
    var outputs: [Tensor] = []
    for index in 0..<steps {
      let step = isReversed ? steps - 1 - index : index
      let map = x.sliced(axis: 2, start: step, end: step + 1).squeezed(2)
      let gates = (input(map, in: context) + hidden(state.hidden, in: context))
        .split(sizes: [width, width, width, width], axis: 1)
      let cell = sigmoid(gates[1]) * state.cell + sigmoid(gates[0]) * tanh(gates[2])
      state = State(hidden: sigmoid(gates[3]) * tanh(cell), cell: cell)
      outputs.append(state.hidden)
    }
    return (stack(isReversed ? outputs.reversed() : outputs, axis: 2), state)
  }
}
