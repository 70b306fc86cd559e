import Support

/// The product of matrices, or of batches of them.
/// - Parameters:
///   - a: `[…, M, K]`.
///   - b: `[…, K, N]`; the leading axes are broadcast with those of `a`.
/// - Returns: `[…, M, N]`; zeros when K is 0.
/// - Precondition: Two axes at least, and K equal.
public func matrixProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
  precondition(
    a.rank >= 2 && b.rank >= 2 && a.shape[a.rank - 1] == b.shape[b.rank - 2],
    "no matrix product of \(a.shape) and \(b.shape)"
  )
  let batch = Broadcasting.shape(
    [Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2))],
    for: "matrix product"
  )
  let shape = batch + [a.shape[a.rank - 2], b.shape[b.rank - 1]]
  return operation("matrix-product", on: [a, b], shape: shape) { operands in
    let (a, b) = (operands[0].plain, operands[1].plain)
    let (needsA, needsB) = (operands[0].isTracked, operands[1].isTracked)
    if usesReference {
      return ReferenceMatrixProduct.product(a, b, shape: shape).recorded(from: operands) {
        let found = ReferenceMatrixProduct.gradients($0, a, b)
        return [found.0, found.1]
      }
    }
    return batchProduct(a, b, batch).recorded(from: operands) { gradient in
      let g = gradient.plain
      return [
        needsA ? summed(batchProduct(g, b, batch, secondTransposed: true), to: a.shape) : nil,
        needsB ? rightGradient(g, a, b.shape, batch) : nil,
      ]
    }
  }
}

/// Σ aᵀ g over what `b` was repeated to.
private func rightGradient(_ g: Tensor, _ a: Tensor, _ shape: [Int], _ batch: [Int]) -> Tensor {
  let (inner, columns) = (shape[shape.count - 2], shape[shape.count - 1])
  let isOneMatrix = shape.dropLast(2).allSatisfy { $0 == 1 }
  if isOneMatrix, a.shape.dropLast(2).reduce(1, *) == batch.reduce(1, *) {
    // One long product instead of many that are added.
    let rows = g.shape.dropLast().reduce(1, *)
    return MatrixLoops.product(
      a,
      g,
      firstTransposed: true,
      rows: inner,
      columns: columns,
      inner: rows
    ).withShape(shape)
  }
  return summed(batchProduct(a, g, batch, firstTransposed: true), to: shape)
}

/// a b of plain tensors for every index of the batch, either one transposed.
private func batchProduct(
  _ a: Tensor,
  _ b: Tensor,
  _ batch: [Int],
  firstTransposed: Bool = false,
  secondTransposed: Bool = false
) -> Tensor {
  let (aRows, aColumns) = (a.shape[a.rank - 2], a.shape[a.rank - 1])
  let (bRows, bColumns) = (b.shape[b.rank - 2], b.shape[b.rank - 1])
  let rows = firstTransposed ? aColumns : aRows
  let inner = firstTransposed ? aRows : aColumns
  let columns = secondTransposed ? bRows : bColumns
  let count = batch.reduce(1, *)
  if b.count == bRows * bColumns, !firstTransposed, a.count == count * rows * inner {
    // One matrix for all: the batch is only more rows.
    return MatrixLoops.product(
      a,
      b,
      secondTransposed: secondTransposed,
      rows: count * rows,
      columns: columns,
      inner: inner
    ).withShape(batch + [rows, columns])
  }
  let result = ElementLoops.empty(batch + [rows, columns])
  let aSteps = Broadcasting.steps(Array(a.shape.dropLast(2)), in: batch)
  let bSteps = Broadcasting.steps(Array(b.shape.dropLast(2)), in: batch)
  var starts: [(a: Int, b: Int, c: Int)] = []
  for (place, index) in GridIndices(batch).enumerated() {
    let aIndex = zip(index, aSteps).reduce(0) { $0 + $1.0 * $1.1 }
    let bIndex = zip(index, bSteps).reduce(0) { $0 + $1.0 * $1.1 }
    starts.append((aIndex * aRows * aColumns, bIndex * bRows * bColumns, place * rows * columns))
  }
  MatrixLoops.multiply(
    MatrixView(storage: a.storage, step: aColumns, isTransposed: firstTransposed),
    MatrixView(storage: b.storage, step: bColumns, isTransposed: secondTransposed),
    into: MatrixView(storage: result.storage, step: columns),
    rows: rows,
    columns: columns,
    inner: inner,
    starts: starts
  )
  return result
}

/// A linear map of the last axis: y = x Wᵀ + b.
/// - Parameters:
///   - x: `[…, inputs]`.
///   - weight: `[outputs, inputs]`.
///   - bias: `[outputs]`, or nil.
/// - Returns: `[…, outputs]`.
/// - Precondition: The sizes fit.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
  precondition(
    weight.rank == 2 && x.shape.last == weight.shape[1]
      && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
    "weights \(weight.shape) and bias \(bias?.shape ?? []) do not fit \(x.shape)"
  )
  let shape = Array(x.shape.dropLast()) + [weight.shape[0]]
  let all = [x, weight] + (bias.map { [$0] } ?? [])
  return operation("linear", on: all, shape: shape) { operands in
    let (x, weight) = (operands[0].plain, operands[1].plain)
    let bias = operands.count > 2 ? operands[2].plain : nil
    let tracked = operands.map(\.isTracked)
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let rows = shape.dropLast().reduce(1, *)
    if usesReference {
      return ReferenceMatrixProduct.linear(x, weight, bias, shape: shape)
        .recorded(from: operands) { gradient in
          let found = ReferenceMatrixProduct.linearGradients(gradient, x, weight)
          return [found.x, found.weight, found.bias].prefix(tracked.count).map { $0 }
        }
    }
    let result = ElementLoops.empty(shape)
    let target = result.storage
    if let bias = bias?.storage {
      EngineThreads.forEachRange(rows, itemCost: outputs) { range in
        for row in range {
          (target.pointer + row * outputs).update(from: bias.pointer, count: outputs)
        }
      }
    }
    MatrixLoops.multiply(
      MatrixView(storage: x.storage, step: inputs),
      MatrixView(storage: weight.storage, step: inputs, isTransposed: true),
      into: MatrixView(storage: target, step: outputs),
      rows: rows,
      columns: outputs,
      inner: inputs,
      adding: bias != nil
    )
    return result.recorded(from: operands) { gradient in
      let g = gradient.withShape([rows, outputs])
      let dx =
        tracked[0]
        ? MatrixLoops.product(g, weight, rows: rows, columns: inputs, inner: outputs)
          .withShape(x.shape) : nil
      let dw =
        tracked[1]
        ? MatrixLoops.product(
          g,
          x,
          firstTransposed: true,
          rows: outputs,
          columns: inputs,
          inner: rows
        ) : nil
      let db = tracked.count > 2 && tracked[2] ? ReductionLoops.sum(g, axes: [0]) : nil
      return [dx, dw, db].prefix(tracked.count).map { $0 }
    }
  }
}
