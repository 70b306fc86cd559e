/// The weights of one layer and direction of a recurrence.
///
/// The gates' rows lie one below the other: input, forget, cell, output for an LSTM; reset, update,
/// new for a GRU, as in PyTorch.
public struct RecurrentWeights: Sendable {
  /// For the input, `[gates · width, inputs]`.
  public var input: Tensor
  /// For the hidden state, `[gates · width, width]`.
  public var hidden: Tensor
  /// Added to the input's part, `[gates · width]`; none when nil.
  public var inputBias: Tensor?
  /// Added to the hidden state's part, `[gates · width]`; none when nil.
  public var hiddenBias: Tensor?

  /// Creates weights.
  /// - Parameters:
  ///   - input: `[gates · width, inputs]`.
  ///   - hidden: `[gates · width, width]`.
  ///   - inputBias: `[gates · width]`, or nil.
  ///   - hiddenBias: `[gates · width]`; nil when the other is.
  /// - Precondition: Both biases or none.
  public init(
    input: Tensor,
    hidden: Tensor,
    inputBias: Tensor? = nil,
    hiddenBias: Tensor? = nil
  ) {
    precondition((inputBias == nil) == (hiddenBias == nil), "one bias of two")
    self.input = input
    self.hidden = hidden
    self.inputBias = inputBias
    self.hiddenBias = hiddenBias
  }

  /// The tensors in PyTorch's order.
  var tensors: [Tensor] { [input, hidden] + [inputBias, hiddenBias].compactMap { $0 } }

  func requireFit(_ x: Tensor, _ hidden: Tensor, gates: Int) {
    let width = self.hidden.shape.last ?? 0
    let rows = gates * width
    precondition(
      x.rank == 3 && input.shape == [rows, x.shape[2]] && self.hidden.shape == [rows, width]
        && (inputBias.map { $0.shape == [rows] } ?? true)
        && (hiddenBias.map { $0.shape == [rows] } ?? true)
        && hidden.shape == [x.shape[1], width],
      "weights \(tensors.map(\.shape)) do not fit the input \(x.shape) and state \(hidden.shape)"
    )
  }
}

/// Long short-term memory over a sequence, in one or several layers.
///
/// Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000 and
/// PyTorch's formulae: i, f, o = σ(Wx + b + Uh + b′), g = tanh(…), c′ = f c + i g, h′ = o tanh c′.
/// Each layer reads the hidden states of the one below, both directions side by side. A long
/// sequence can be run in pieces that hand the state on; `detached` states cut its gradient.
/// - Parameters:
///   - x: `[T, N, inputs]`; T may be 0.
///   - weights: For each layer the forward direction, then the backward one if there are two.
///   - isBidirectional: Whether each layer also runs from the last step to the first.
///   - hidden: First hidden states, `[layers · directions, N, width]`; zeros when nil.
///   - cell: First cell states, of the same shape; zeros when nil.
///   - lengths: Steps of each sample, 0 to T, N of them; all have T when nil. After its end a sample's
///     state stays and its output is 0; the backward direction starts at its end, as with PyTorch's packed
///     sequences.
/// - Returns: Hidden states of the last layer, `[T, N, directions · width]`, and the last hidden and
///   cell states of all layers and directions.
/// - Precondition: The sizes fit.
public func lstm(
  _ x: Tensor,
  weights: [RecurrentWeights],
  isBidirectional: Bool = false,
  hidden: Tensor? = nil,
  cell: Tensor? = nil,
  lengths: [Int]? = nil
) -> (output: Tensor, hidden: Tensor, cell: Tensor) {
  let (output, states) = recurrence(x, weights, isBidirectional, [hidden, cell], lengths) {
    lstmSweep(
      $0,
      hidden: $2[0],
      cell: $2[1],
      weights: $1,
      isReversed: $3,
      lengths: lengths
    )
  }
  return (output, states[0], states[1])
}

/// Gated recurrent units over a sequence, in one or several layers.
///
/// Cho et al. 2014, with PyTorch's formulae: r, z = σ(Wx + b + Uh + b′),
/// n = tanh(Wx + b + r (Uh + b′)), h′ = (1 − z) n + z h.
/// - Parameters:
///   - x: `[T, N, inputs]`; T may be 0.
///   - weights: For each layer the forward direction, then the backward one if there are two.
///   - isBidirectional: Whether each layer also runs from the last step to the first.
///   - hidden: First hidden states, `[layers · directions, N, width]`; zeros when nil.
///   - lengths: Steps of each sample, 0 to T, N of them; all have T when nil. After its end a sample's
///     state stays and its output is 0; the backward direction starts at its end, as with PyTorch's packed
///     sequences.
/// - Returns: Hidden states of the last layer, `[T, N, directions · width]`, and the last hidden
///   states of all layers and directions.
/// - Precondition: The sizes fit.
public func gru(
  _ x: Tensor,
  weights: [RecurrentWeights],
  isBidirectional: Bool = false,
  hidden: Tensor? = nil,
  lengths: [Int]? = nil
) -> (output: Tensor, hidden: Tensor) {
  let (output, states) = recurrence(x, weights, isBidirectional, [hidden], lengths) {
    gruSweep($0, hidden: $2[0], weights: $1, isReversed: $3, lengths: lengths)
  }
  return (output, states[0])
}

/// Layers and directions around a sweep that returns all hidden states and the last states.
private func recurrence(
  _ x: Tensor,
  _ weights: [RecurrentWeights],
  _ isBidirectional: Bool,
  _ first: [Tensor?],
  _ lengths: [Int]?,
  _ sweep: (Tensor, RecurrentWeights, [Tensor], Bool) -> (output: Tensor, states: [Tensor])
) -> (output: Tensor, states: [Tensor]) {
  let directions = isBidirectional ? 2 : 1
  precondition(
    x.rank == 3 && !weights.isEmpty && weights.count % directions == 0,
    "\(weights.count) weights for \(directions) directions over \(x.shape)"
  )
  if let lengths {
    precondition(
      lengths.count == x.shape[1] && lengths.allSatisfy((0...x.shape[0]).contains),
      "lengths \(lengths) for sequences \(x.shape)"
    )
  }
  let seen = lengths.map { lengths in
    Tensor(
      (0..<x.shape[0]).flatMap { step in lengths.map { step < $0 ? Float(1) : 0 } },
      shape: [x.shape[0], lengths.count, 1]
    )
  }
  let width = weights[0].hidden.shape.last ?? 0
  let stateShape = [weights.count, x.shape[1], width]
  for state in first.compactMap({ $0 }) {
    precondition(state.shape == stateShape, "states \(state.shape), not \(stateShape)")
  }
  var output = x
  var last = first.map { _ in [Tensor]() }
  for layer in stride(from: 0, to: weights.count, by: directions) {
    var outputs: [Tensor] = []
    for direction in 0..<directions {
      let states = first.map { state in
        state.map { $0.sliced(axis: 0, start: layer + direction, end: layer + direction + 1) }?
          .squeezed(0) ?? Tensor(repeating: 0, shape: [x.shape[1], width])
      }
      let (hidden, after) = sweep(output, weights[layer + direction], states, direction == 1)
      outputs.append(seen.map { hidden * $0 } ?? hidden)
      for (index, state) in after.enumerated() { last[index].append(state) }
    }
    output = directions == 1 ? outputs[0] : concatenation(outputs, axis: 2)
  }
  return (output, last.map { stack($0) })
}

/// What a sweep knows beside its operands.
func sweepAttributes(_ isReversed: Bool, _ lengths: [Int]?) -> [String: StepAttribute] {
  var result: [String: StepAttribute] = ["reversed": .integers([isReversed ? 1 : 0])]
  if let lengths { result["lengths"] = .integers(lengths) }
  return result
}
