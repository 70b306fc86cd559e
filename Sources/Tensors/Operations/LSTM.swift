import Foundation
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
  isReversed: Bool
) -> (output: Tensor, states: [Tensor]) {
  weights.requireFit(x, hidden, gates: 4)
  let steps = x.shape[0]
  let shape = [steps + 2] + hidden.shape
  let packed = operation("lstm", on: [x, hidden, cell] + weights.tensors, shape: shape) {
    operands in
    let tensors = operands.map(\.plain)
    if usesReference {
      let sweep = ReferenceLSTM(tensors, isReversed: isReversed)
      return sweep.packed.recorded(from: operands) { sweep.gradients($0) }
    }
    let sweep = LSTMSweep(tensors, isReversed: isReversed)
    return sweep.packed.recorded(from: operands) { sweep.gradients($0.plain) }
  }
  return (
    packed.sliced(axis: 0, end: steps),
    [steps, steps + 1].map { packed.sliced(axis: 0, start: $0, end: $0 + 1).squeezed(0) }
  )
}

/// σ(x) = 1 / (1 + e⁻ˣ).
@inline(__always)
func logistic(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

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

  init(_ operands: [Tensor], isReversed: Bool) {
    let sweep = RecurrentSweep(
      x: operands[0],
      hidden: operands[1],
      inputWeight: operands[3],
      hiddenWeight: operands[4],
      isReversed: isReversed
    )
    let first = operands[2]
    let bias = operands.count > 5 ? (operands[5] + operands[6]).values : []
    let (batch, width) = (sweep.batch, sweep.width)
    let size = batch * width
    let gates = sweep.inputGates(bias: bias)
    let cells = AlignedBuffer<Float>(uninitializedCount: sweep.steps * size)
    let result = ElementLoops.empty([sweep.steps + 2, batch, width])
    let states = result.storage
    for index in 0..<sweep.steps {
      let step = sweep.step(index)
      sweep.addHidden(before: index, states: states, to: gates, at: step)
      let before = index == 0 ? first.storage : cells
      let offset = index == 0 ? 0 : sweep.step(index - 1) * size
      EngineThreads.forEachRange(batch, itemCost: width * 64) { range in
        for sample in range {
          let gate = gates.pointer + (step * batch + sample) * 4 * width
          let old = before.pointer + offset + sample * width
          let place = step * size + sample * width
          for unit in 0..<width {
            let (i, f) = (logistic(gate[unit]), logistic(gate[width + unit]))
            let (g, o) = (tanh(gate[2 * width + unit]), logistic(gate[3 * width + unit]))
            let c = f * old[unit] + i * g
            gate[unit] = i
            gate[width + unit] = f
            gate[2 * width + unit] = g
            gate[3 * width + unit] = o
            cells.pointer[place + unit] = c
            states.pointer[place + unit] = o * tanh(c)
          }
        }
      }
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
    let (gates, cells) = (gates, cells)
    for index in (0..<common.steps).reversed() {
      let step = common.step(index)
      let before = index == 0 ? cell.storage : cells
      let offset = index == 0 ? 0 : common.step(index - 1) * size
      EngineThreads.forEachRange(batch, itemCost: width * 32) { range in
        for sample in range {
          let start = (step * batch + sample) * 4 * width
          let (gate, dGate) = (gates.pointer + start, dGates.pointer + start)
          for unit in 0..<width {
            let place = sample * width + unit
            let (i, f) = (gate[unit], gate[width + unit])
            let (g, o) = (gate[2 * width + unit], gate[3 * width + unit])
            let bent = tanh(cells.pointer[step * size + place])
            let down = dh.pointer[place] + arriving.pointer[step * size + place]
            let along = dc.pointer[place] + down * o * (1 - bent * bent)
            dGate[unit] = along * g * i * (1 - i)
            dGate[width + unit] = along * before.pointer[offset + place] * f * (1 - f)
            dGate[2 * width + unit] = along * i * (1 - g * g)
            dGate[3 * width + unit] = down * bent * o * (1 - o)
            dc.pointer[place] = along * f
            dh.pointer[place] = 0
          }
        }
      }
      common.addHiddenGradient(dGates, step: step, to: dh)
    }
    let found = common.gradients(inputGates: dGates, hiddenGates: dGates, states: packed)
    return ([found.x, dHidden, dCell] + found.weights).prefix(operandCount).map { $0 }
  }
}
