import CKernels
import Support

/// One layer and direction of an LSTM.
///
/// One operation gives hidden states, last hidden and last cell state, one below the other; they are
/// cut apart after it.
func lstmSweep(
  _ x: Tensor,
  hidden: Tensor,
  cell: Tensor,
  weights: RecurrentWeights,
  isReversed: Bool,
  lengths: [Int]?
) -> (output: Tensor, states: [Tensor]) {
  weights.requireFit(x, hidden, gates: 4)
  let steps = x.shape[0]
  let shape = [steps + 2] + hidden.shape
  let packed = operation(
    "lstm",
    on: [x, hidden, cell] + weights.tensors,
    shape: shape,
    attributes: sweepAttributes(isReversed, lengths)
  ) { operands in
    let tensors = operands.map(\.plain)
    if usesReference {
      let sweep = ReferenceLSTM(tensors, isReversed: isReversed, lengths: lengths)
      return sweep.packed.recorded(from: operands) { sweep.gradients($0) }
    }
    let sweep = LSTMSweep(tensors, isReversed: isReversed, lengths: lengths)
    return sweep.packed.recorded(from: operands) { sweep.gradients($0.plain) }
  }
  return (
    packed.sliced(axis: 0, end: steps),
    [steps, steps + 1].map { packed.sliced(axis: 0, start: $0, end: $0 + 1).squeezed(0) }
  )
}

/// The values of a sweep and what its gradient needs.
private struct LSTMSweep: Sendable {
  /// Hidden states, the last one and the last cell state: `[T + 2, N, H]`.
  let packed: Tensor
  private let common: RecurrentSweep
  private let cell: Tensor
  /// i, f, g and o after their activations, `[T, N, 4H]`.
  private let gates: AlignedBuffer<Float>
  /// Cell states, `[T, N, H]`.
  private let cells: AlignedBuffer<Float>
  private let operandCount: Int

  init(_ operands: [Tensor], isReversed: Bool, lengths: [Int]?) {
    let sweep = RecurrentSweep(
      x: operands[0],
      hidden: operands[1],
      inputWeight: operands[3],
      hiddenWeight: operands[4],
      isReversed: isReversed,
      lengths: lengths
    )
    let first = operands[2]
    let (batch, width) = (sweep.batch, sweep.width)
    let size = batch * width
    let bias =
      operands.count > 5
      ? (operands[5] + operands[6]).plain : Tensor(repeating: 0, shape: [4 * width])
    let gates = sweep.inputGates()
    let cells = AlignedBuffer<Float>(uninitializedCount: sweep.steps * size)
    let result = ElementLoops.empty([sweep.steps + 2, batch, width])
    let states = result.storage
    sweep.forEachRange(isGradient: false) { shape, packed, range in
      ck_lstm(
        &shape,
        packed.pointer,
        bias.storage.pointer,
        sweep.hidden.storage.pointer,
        first.storage.pointer,
        gates.pointer,
        cells.pointer,
        states.pointer,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    let end = states.pointer + sweep.steps * size
    if sweep.steps == 0 {
      end.update(from: operands[1].storage.pointer, count: size)
      (end + size).update(from: first.storage.pointer, count: size)
    } else {
      let last = sweep.step(sweep.steps - 1) * size
      end.update(from: states.pointer + last, count: size)
      (end + size).update(from: cells.pointer + last, count: size)
    }
    packed = result
    common = sweep
    cell = first
    self.gates = gates
    self.cells = cells
    operandCount = operands.count
  }

  /// For all operands, from the gradient of `packed`.
  func gradients(_ gradient: Tensor) -> [Tensor?] {
    let (batch, width) = (common.batch, common.width)
    let size = batch * width
    let arriving = gradient.storage
    let dGates = AlignedBuffer<Float>(uninitializedCount: gates.count)
    let dHidden = ElementLoops.empty([batch, width])
    let dCell = ElementLoops.empty([batch, width])
    let (dh, dc) = (dHidden.storage, dCell.storage)
    dh.pointer.update(from: arriving.pointer + common.steps * size, count: size)
    dc.pointer.update(from: arriving.pointer + (common.steps + 1) * size, count: size)
    let (gates, cells, cell) = (gates, cells, cell)
    common.forEachRange(isGradient: true) { shape, packed, range in
      ck_lstm_gradient(
        &shape,
        packed.pointer,
        cell.storage.pointer,
        gates.pointer,
        cells.pointer,
        arriving.pointer,
        dGates.pointer,
        dh.pointer,
        dc.pointer,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    let found = common.gradients(inputGates: dGates, hiddenGates: dGates, states: packed)
    return ([found.x, dHidden, dCell] + found.weights).prefix(operandCount).map { $0 }
  }
}
