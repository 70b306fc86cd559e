import CKernels
import Support

/// One layer and direction of a GRU.
///
/// One operation gives hidden states and the last one, one below the other; they are cut apart
/// after it.
func gruSweep(
  _ x: Tensor,
  hidden: Tensor,
  weights: RecurrentWeights,
  isReversed: Bool,
  lengths: [Int]?
) -> (output: Tensor, states: [Tensor]) {
  weights.requireFit(x, hidden, gates: 3)
  let steps = x.shape[0]
  let shape = [steps + 1] + hidden.shape
  let packed = operation(
    "gru",
    on: [x, hidden] + weights.tensors,
    shape: shape,
    attributes: sweepAttributes(isReversed, lengths)
  ) { operands in
    let tensors = operands.map(\.plain)
    if usesReference {
      let sweep = ReferenceGRU(tensors, isReversed: isReversed, lengths: lengths)
      return sweep.packed.recorded(from: operands) { sweep.gradients($0) }
    }
    let sweep = GRUSweep(tensors, isReversed: isReversed, lengths: lengths)
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

  init(_ operands: [Tensor], isReversed: Bool, lengths: [Int]?) {
    let sweep = RecurrentSweep(
      x: operands[0],
      hidden: operands[1],
      inputWeight: operands[2],
      hiddenWeight: operands[3],
      isReversed: isReversed,
      lengths: lengths
    )
    let (batch, width) = (sweep.batch, sweep.width)
    let size = batch * width
    let bias = Self.biases(operands, width: width)
    let gates = sweep.inputGates()
    let recalled = AlignedBuffer<Float>(uninitializedCount: sweep.steps * size)
    let result = ElementLoops.empty([sweep.steps + 1, batch, width])
    let states = result.storage
    sweep.forEachRange(isGradient: false) { shape, packed, range in
      ck_gru(
        &shape,
        packed.pointer,
        bias.pointer,
        sweep.hidden.storage.pointer,
        gates.pointer,
        recalled.pointer,
        states.pointer,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
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

  /// Of reset and update both sides' sum; of new the hidden side's, then the input side's.
  private static func biases(_ operands: [Tensor], width: Int) -> AlignedBuffer<Float> {
    let bias = AlignedBuffer<Float>(repeating: 0, count: 4 * width)
    guard operands.count > 4 else { return bias }
    let (input, hidden) = (operands[4].storage.pointer, operands[5].storage.pointer)
    for unit in 0..<2 * width { bias.pointer[unit] = input[unit] + hidden[unit] }
    for unit in 0..<width {
      bias.pointer[2 * width + unit] = hidden[2 * width + unit]
      bias.pointer[3 * width + unit] = input[2 * width + unit]
    }
    return bias
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
    let (gates, recalled, first) = (gates, recalled, common.hidden)
    common.forEachRange(isGradient: true) { shape, packed, range in
      ck_gru_gradient(
        &shape,
        packed.pointer,
        first.storage.pointer,
        gates.pointer,
        recalled.pointer,
        states.pointer,
        arriving.pointer,
        dInput.pointer,
        dOwn.pointer,
        dh.pointer,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    let found = common.gradients(inputGates: dInput, hiddenGates: dOwn, states: packed)
    return ([found.x, dHidden] + found.weights).prefix(operandCount).map { $0 }
  }
}
