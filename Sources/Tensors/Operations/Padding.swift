/// What stands outside the image.
public enum PaddingMode: Hashable, Sendable {
  /// One number.
  case constant(Float)
  /// The image mirrored at its border cells, which are not repeated.
  case reflect
  /// The border cells.
  case replicate
}

/// Puts cells around the spatial dimensions.
/// - Parameters:
///   - x: `[N, C, spatial…]`.
///   - before: Cells in front of each spatial axis, at least 0.
///   - after: Cells behind each spatial axis, at least 0.
///   - mode: What they hold.
/// - Returns: `[N, C, spatial + before + after…]`.
/// - Precondition: One number of each kind for each spatial axis, none negative; with `reflect`
///   fewer than the axis has cells.
public func padded(
  _ x: Tensor,
  before: [Int],
  after: [Int],
  mode: PaddingMode = .constant(0)
) -> Tensor {
  let input = Array(x.shape.dropFirst(2))
  precondition(
    before.count == input.count && after.count == input.count
      && (before + after).allSatisfy { $0 >= 0 },
    "padding of \(x.shape) by \(before) and \(after)"
  )
  if mode == .reflect {
    precondition(
      zip(input, zip(before, after)).allSatisfy { max($1.0, $1.1) < $0 },
      "\(input) cells cannot be mirrored to \(before) and \(after) outside"
    )
  }
  let size = input.indices.map { before[$0] + input[$0] + after[$0] }
  requireSpatial(x, size, "padding")
  var attributes: [String: StepAttribute] = [
    "before": .integers(before), "after": .integers(after),
  ]
  switch mode {
  case .constant(let value):
    attributes["mode"] = .text("constant")
    attributes["value"] = .number(value)
  case .reflect: attributes["mode"] = .text("reflect")
  case .replicate: attributes["mode"] = .text("edge")
  }
  return operation(
    "pad",
    on: [x],
    shape: Array(x.shape.prefix(2)) + size,
    attributes: attributes
  ) { operands in
    let x = operands[0]
    var fill: Float = 0
    if case .constant(let value) = mode { fill = value }
    if Kernels.current.isReference {
      let reference = SeparableReference(
        input: input,
        taps: input.indices.map {
          PaddingReference.taps(input[$0], before: before[$0], after: after[$0], mode)
        }
      )
      return reference.value(x.detached, outside: Double(fill)).recorded(from: [x]) {
        [reference.gradient($0)]
      }
    }
    let maps = input.indices.map { axis in
      AxisMap(
        input: input[axis],
        taps: (-before[axis]..<input[axis] + after[axis]).map { cell in
          insideCell(cell, input[axis], mode).map { [($0, 1)] } ?? []
        }
      )
    }
    return x.mapped(maps, fill: fill).recorded(from: [x]) { gradient in
      [gradient.mapped(maps.map(\.transposed))]
    }
  }
}

/// The cell that stands at a place in or outside of n cells; nil for the constant.
private func insideCell(_ cell: Int, _ count: Int, _ mode: PaddingMode) -> Int? {
  if (0..<count).contains(cell) { return cell }
  switch mode {
  case .constant: return nil
  case .replicate: return min(max(cell, 0), count - 1)
  case .reflect: return cell < 0 ? -cell : 2 * (count - 1) - cell
  }
}
