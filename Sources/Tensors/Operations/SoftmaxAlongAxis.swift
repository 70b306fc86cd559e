import CKernels
import Support

/// Softmax over any axis: eˣⁱ / Σ eˣᵏ, shifted by the maximum against overflow.
/// - Parameters:
///   - x: Any shape.
///   - axis: The axis whose values sum to 1; negative ones count from the end.
/// - Returns: The shape of `x`.
/// - Precondition: `x` has the axis.
public func softmax(_ x: Tensor, axis: Int) -> Tensor {
  softmax(x, axis: axis, logarithm: false)
}

/// Logarithm of the softmax over any axis: xᵢ − log Σ eˣᵏ.
///
/// Exact where the softmax itself rounds to 0.
/// - Parameters:
///   - x: Any shape.
///   - axis: The axis; negative ones count from the end.
/// - Returns: The shape of `x`, values of at most 0.
/// - Precondition: `x` has the axis.
public func logSoftmax(_ x: Tensor, axis: Int) -> Tensor {
  softmax(x, axis: axis, logarithm: true)
}

private func softmax(_ x: Tensor, axis wanted: Int, logarithm: Bool) -> Tensor {
  let axis = wanted < 0 ? wanted + x.rank : wanted
  precondition((0..<x.rank).contains(axis), "\(x.shape) has no axis \(wanted)")
  let name = logarithm ? "log-softmax" : "softmax"
  return operation(name, on: [x], shape: x.shape, attributes: ["axis": .integers([axis])]) {
    operands in
    let x = operands[0]
    let input = x.plain
    if Kernels.current.isReference {
      let reference = SoftmaxReference(shape: x.shape, axis: axis, logarithm: logarithm)
      let result = reference.value(input)
      return result.recorded(from: [x]) { [reference.gradient($0, output: result)] }
    }
    let rows = AxisRows(shape: input.shape, axis: axis)
    let result = input.emptyLike()
    let (source, target) = (input.storage, result.storage)
    rows.forEachRange { range in
      ck_softmax(
        source.pointer,
        target.pointer,
        Int64(rows.size),
        Int64(rows.inner),
        logarithm ? 1 : 0,
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result.recorded(from: [x]) { gradient in
      let arriving = gradient.plain
      let back = result.emptyLike()
      let (y, dy, dx) = (result.storage, arriving.storage, back.storage)
      rows.forEachRange { range in
        ck_softmax_gradient(
          y.pointer,
          dy.pointer,
          dx.pointer,
          Int64(rows.size),
          Int64(rows.inner),
          logarithm ? 1 : 0,
          Int64(range.lowerBound),
          Int64(range.upperBound)
        )
      }
      return [back]
    }
  }
}

/// A plain tensor seen as outer x axis x inner.
private struct AxisRows: Sendable {
  let outer: Int
  let size: Int
  let inner: Int

  init(shape: [Int], axis: Int) {
    outer = shape.prefix(axis).reduce(1, *)
    size = shape[axis]
    inner = shape.suffix(from: axis + 1).reduce(1, *)
  }

  func forEachRange(_ body: @Sendable (Range<Int>) -> Void) {
    guard size > 0, inner > 0 else { return }
    EngineThreads.forEachRange(outer, itemCost: 8 * size * inner, body)
  }
}
