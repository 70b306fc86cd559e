import Foundation
import Support

/// One layer and direction of a GRU.
///
/// One operation gives hidden states and the last one, one below the other; they are cut apart
/// after it.
func gruSweep(
  _ x: Tensor,
  hidden: Tensor,
  weights: RecurrentWeights,
  isReversed: Bool
) -> (output: Tensor, states: [Tensor]) {
  weights.requireFit(x, hidden, gates: 3)
  let steps = x.shape[0]
  let shape = [steps + 1] + hidden.shape
  let packed = operation("gru", on: [x, hidden] + weights.tensors, shape: shape) { operands in
    let tensors = operands.map(\.plain)
    if usesReference {
      let sweep = ReferenceGRU(tensors, isReversed: isReversed)
      return sweep.packed.recorded(from: operands) { sweep.gradients($0) }
    }
    let sweep = GRUSweep(tensors, isReversed: isReversed)
    return sweep.packed.recorded(from: operands) { sweep.gradients($0.plain) }
  }
  return (
    packed.sliced(axis: 0, end: steps), [packed.sliced(axis: 0, start: steps).squeezed(0)]
  )
}

/// The values of a sweep and what its gradient needs.
private struct GRUSweep: Sendable {
  /// Hidden states and the last one: `[T + 1, N, H]`.
  let packed: Tensor
  private let common: RecurrentSweep
  /// r, z and n after their activations, `[T, N, 3H]`.
  private let gates: AlignedBuffer<Float>
  /// What r weighs in n: U h + b′, `[T, N, H]`.
  private let recalled: AlignedBuffer<Float>
  private let operandCount: Int

  init(_ operands: [Tensor], isReversed: Bool) {
    let sweep = RecurrentSweep(
      x: operands[0],
      hidden: operands[1],
      inputWeight: operands[2],
      hiddenWeight: operands[3],
      isReversed: isReversed
    )
    let (batch, width) = (sweep.batch, sweep.width)
    let size = batch * width
    let hasBias = operands.count > 4
    let gates = sweep.inputGates(bias: hasBias ? operands[4].values : [])
    let hiddenBias = hasBias ? operands[5].values : []
    let recalled = AlignedBuffer<Float>(uninitializedCount: sweep.steps * size)
    let result = ElementLoops.empty([sweep.steps + 1, batch, width])
    let states = result.storage
    for index in 0..<sweep.steps {
      let step = sweep.step(index)
      let own = RecurrentSweep.repeated(hiddenBias, times: batch, width: 3 * width)
      sweep.addHidden(before: index, states: states, to: own, at: 0)
      let before = index == 0 ? sweep.hidden.storage : states
      let offset = index == 0 ? 0 : sweep.step(index - 1) * size
      EngineThreads.forEachRange(batch, itemCost: width * 48) { range in
        for sample in range {
          let gate = gates.pointer + (step * batch + sample) * 3 * width
          let from = own.pointer + sample * 3 * width
          let old = before.pointer + offset + sample * width
          let place = step * size + sample * width
          for unit in 0..<width {
            let r = logistic(gate[unit] + from[unit])
            let z = logistic(gate[width + unit] + from[width + unit])
            let memory = from[2 * width + unit]
            let n = tanh(gate[2 * width + unit] + r * memory)
            gate[unit] = r
            gate[width + unit] = z
            gate[2 * width + unit] = n
            recalled.pointer[place + unit] = memory
            states.pointer[place + unit] = (1 - z) * n + z * old[unit]
          }
        }
      }
    }
    let last =
      sweep.steps == 0
      ? sweep.hidden.storage.pointer
      : states.pointer + sweep.step(sweep.steps - 1) * size
    (states.pointer + sweep.steps * size).update(from: last, count: size)
    packed = result
    common = sweep
    self.gates = gates
    self.recalled = recalled
    operandCount = operands.count
  }

  /// For all operands, from the gradient of `packed`.
  func gradients(_ gradient: Tensor) -> [Tensor?] {
    let (batch, width) = (common.batch, common.width)
    let size = batch * width
    let (arriving, states) = (gradient.storage, packed.storage)
    let dInput = AlignedBuffer<Float>(uninitializedCount: gates.count)
    let dOwn = AlignedBuffer<Float>(uninitializedCount: gates.count)
    let dHidden = ElementLoops.empty([batch, width])
    let dh = dHidden.storage
    dh.pointer.update(from: arriving.pointer + common.steps * size, count: size)
    let (gates, recalled) = (gates, recalled)
    for index in (0..<common.steps).reversed() {
      let step = common.step(index)
      let before = index == 0 ? common.hidden.storage : states
      let offset = index == 0 ? 0 : common.step(index - 1) * size
      EngineThreads.forEachRange(batch, itemCost: width * 16) { range in
        for sample in range {
          let start = (step * batch + sample) * 3 * width
          let gate = gates.pointer + start
          let (toInput, toOwn) = (dInput.pointer + start, dOwn.pointer + start)
          for unit in 0..<width {
            let place = sample * width + unit
            let (r, z, n) = (gate[unit], gate[width + unit], gate[2 * width + unit])
            let down = dh.pointer[place] + arriving.pointer[step * size + place]
            let dn = down * (1 - z) * (1 - n * n)
            let dr = dn * recalled.pointer[step * size + place] * r * (1 - r)
            let dz = down * (before.pointer[offset + place] - n) * z * (1 - z)
            (toInput[unit], toOwn[unit]) = (dr, dr)
            (toInput[width + unit], toOwn[width + unit]) = (dz, dz)
            (toInput[2 * width + unit], toOwn[2 * width + unit]) = (dn, dn * r)
            dh.pointer[place] = down * z
          }
        }
      }
      common.addHiddenGradient(dOwn, step: step, to: dh)
    }
    let found = common.gradients(inputGates: dInput, hiddenGates: dOwn, states: packed)
    return ([found.x, dHidden] + found.weights).prefix(operandCount).map { $0 }
  }
}
