import CKernels
import Support

/// The parts that the recurrences of one layer and direction share: matrix products over time.
///
/// Sequences are `[T, N, …]`; gates lie side by side as in the weights' rows.
struct RecurrentSweep: Sendable {
  let steps: Int
  let batch: Int
  let inputs: Int
  let width: Int
  /// The number of gates times `width`.
  let rows: Int
  /// Whether time runs from the last step to the first.
  let isReversed: Bool
  /// Steps of each sample, at others of which its state stays; all steps of all when nil.
  let lengths: AlignedBuffer<Int32>?
  let x: Tensor
  let hidden: Tensor
  let inputWeight: Tensor
  let hiddenWeight: Tensor

  /// - Parameters are plain: `[T, N, I]`, `[N, H]`, `[gates · H, I]` and `[gates · H, H]`.
  init(
    x: Tensor,
    hidden: Tensor,
    inputWeight: Tensor,
    hiddenWeight: Tensor,
    isReversed: Bool,
    lengths: [Int]?
  ) {
    (steps, batch, inputs) = (x.shape[0], x.shape[1], x.shape[2])
    (width, rows) = (hiddenWeight.shape[1], hiddenWeight.shape[0])
    self.isReversed = isReversed
    self.lengths = lengths.map { lengths in
      let buffer = AlignedBuffer<Int32>(uninitializedCount: lengths.count)
      for (index, length) in lengths.enumerated() { buffer.pointer[index] = Int32(length) }
      return buffer
    }
    self.x = x
    self.hidden = hidden
    self.inputWeight = inputWeight
    self.hiddenWeight = hiddenWeight
  }

  /// The steps in the order of time.
  func step(_ index: Int) -> Int { isReversed ? steps - 1 - index : index }

  /// x Wᵀ for all steps at once, `[T, N, rows]`.
  func inputGates() -> AlignedBuffer<Float> {
    MatrixLoops.product(
      x,
      inputWeight,
      secondTransposed: true,
      rows: steps * batch,
      columns: rows,
      inner: inputs
    ).storage
  }

  /// Runs a kernel over ranges of samples, each through the whole sequence, on the packed recurrent
  /// weights.
  /// - Parameters:
  ///   - isGradient: Whether the kernel runs from the end to the start.
  ///   - body: Calls the kernel.
  func forEachRange(
    isGradient: Bool,
    _ body: @Sendable (inout ck_recurrence, _ packed: AlignedBuffer<Float>, Range<Int>) -> Void
  ) {
    var shape = kernelShape
    let packed = AlignedBuffer<Float>(
      uninitializedCount: Int(ck_recurrence_packed(&shape, isGradient ? 1 : 0))
    )
    ck_recurrence_pack(&shape, hiddenWeight.storage.pointer, packed.pointer, isGradient ? 1 : 0)
    EngineThreads.forEachRange(batch, itemCost: steps * rows * width / 16) { range in
      var shape = kernelShape
      body(&shape, packed, range)
    }
  }

  private var kernelShape: ck_recurrence {
    ck_recurrence(
      steps: Int64(steps),
      batch: Int64(batch),
      width: Int64(width),
      gates: Int64(rows / width),
      lanes: Int64(FastKernels.preferredLayout.block),
      reversed: isReversed ? 1 : 0,
      lengths: lengths.map { UnsafePointer($0.pointer) }
    )
  }

  /// The hidden state before each step, `[T, N, H]`.
  private func previousStates(_ states: Tensor) -> Tensor {
    let size = batch * width
    let result = ElementLoops.empty([steps, batch, width])
    for index in 0..<steps {
      let source =
        index == 0 ? hidden.storage.pointer : states.storage.pointer + step(index - 1) * size
      (result.storage.pointer + step(index) * size).update(from: source, count: size)
    }
    return result
  }

  /// Gradients of the input, both weights and both biases from those of the gates before their
  /// activations, `[T, N, rows]`; the gates of the hidden side may have their own.
  func gradients(
    inputGates: AlignedBuffer<Float>,
    hiddenGates: AlignedBuffer<Float>,
    states: Tensor
  ) -> (x: Tensor, weights: [Tensor]) {
    let count = steps * batch
    let dInput = Tensor(shape: [count, rows], storage: inputGates)
    let dHidden = Tensor(shape: [count, rows], storage: hiddenGates)
    let dx = MatrixLoops.product(dInput, inputWeight, rows: count, columns: inputs, inner: rows)
    var weights = [
      MatrixLoops.product(
        dInput,
        x,
        firstTransposed: true,
        rows: rows,
        columns: inputs,
        inner: count
      ),
      MatrixLoops.product(
        dHidden,
        previousStates(states),
        firstTransposed: true,
        rows: rows,
        columns: width,
        inner: count
      ),
    ]
    let bias = ReductionLoops.sum(dInput, axes: [0])
    weights += [
      bias, inputGates === hiddenGates ? bias : ReductionLoops.sum(dHidden, axes: [0]),
    ]
    return (dx.withShape(x.shape), weights)
  }
}
