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
  let x: Tensor
  let hidden: Tensor
  let inputWeight: Tensor
  let hiddenWeight: Tensor

  /// - Parameters are plain: `[T, N, I]`, `[N, H]`, `[gates · H, I]` and `[gates · H, H]`.
  init(x: Tensor, hidden: Tensor, inputWeight: Tensor, hiddenWeight: Tensor, isReversed: Bool) {
    (steps, batch, inputs) = (x.shape[0], x.shape[1], x.shape[2])
    (width, rows) = (hiddenWeight.shape[1], hiddenWeight.shape[0])
    self.isReversed = isReversed
    self.x = x
    self.hidden = hidden
    self.inputWeight = inputWeight
    self.hiddenWeight = hiddenWeight
  }

  /// The steps in the order of time.
  func step(_ index: Int) -> Int { isReversed ? steps - 1 - index : index }

  /// bias + x Wᵀ for all steps at once, `[T, N, rows]`.
  func inputGates(bias: [Float]) -> AlignedBuffer<Float> {
    let gates = Self.repeated(bias, times: steps * batch, width: rows)
    MatrixLoops.multiply(
      MatrixView(storage: x.storage, step: inputs),
      MatrixView(storage: inputWeight.storage, step: inputs, isTransposed: true),
      into: MatrixView(storage: gates, step: rows),
      rows: steps * batch,
      columns: rows,
      inner: inputs,
      adding: true
    )
    return gates
  }

  /// Copies of a row, or zeros for no row.
  static func repeated(_ row: [Float], times: Int, width: Int) -> AlignedBuffer<Float> {
    if row.isEmpty { return AlignedBuffer(repeating: 0, count: times * width) }
    let result = AlignedBuffer<Float>(uninitializedCount: times * width)
    for time in 0..<times {
      for column in 0..<width { result.pointer[time * width + column] = row[column] }
    }
    return result
  }

  /// gates[at] += h Wᵀ for the hidden state before a step, which is a row of `states` or the first.
  func addHidden(
    before index: Int,
    states: AlignedBuffer<Float>,
    to gates: AlignedBuffer<Float>,
    at row: Int
  ) {
    let size = batch * width
    let previous =
      index == 0
      ? MatrixView(storage: hidden.storage, step: width)
      : MatrixView(storage: states, offset: step(index - 1) * size, step: width)
    MatrixLoops.multiply(
      previous,
      MatrixView(storage: hiddenWeight.storage, step: width, isTransposed: true),
      into: MatrixView(storage: gates, offset: row * batch * rows, step: rows),
      rows: batch,
      columns: rows,
      inner: width,
      adding: true
    )
  }

  /// dh += dgates[step] W.
  func addHiddenGradient(
    _ gates: AlignedBuffer<Float>,
    step: Int,
    to gradient: AlignedBuffer<Float>
  ) {
    MatrixLoops.multiply(
      MatrixView(storage: gates, offset: step * batch * rows, step: rows),
      MatrixView(storage: hiddenWeight.storage, step: width),
      into: MatrixView(storage: gradient, step: width),
      rows: batch,
      columns: width,
      inner: rows,
      adding: true
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
    let weights = [
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
      ReductionLoops.sum(dInput, axes: [0]), ReductionLoops.sum(dHidden, axes: [0]),
    ]
    return (dx.withShape(x.shape), weights)
  }
}
