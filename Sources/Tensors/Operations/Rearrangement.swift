extension Tensor {
  /// The tensor with its axes in another order.
  /// - Parameter axes: For each axis of the result, the axis of this tensor; negative from the back.
  /// - Returns: Axis i as long as this tensor's axis `axes[i]`.
  /// - Precondition: Every axis once.
  public func transposed(_ axes: [Int]) -> Tensor {
    let order = axes.map { normalized(axis: $0, rank: rank) }
    precondition(
      order.sorted() == Array(0..<rank),
      "\(axes) is not an order of the axes of \(shape)"
    )
    let wanted = order.map { shape[$0] }
    return operation(
      "transpose",
      on: [self],
      shape: wanted,
      attributes: ["axes": .integers(order)]
    ) { operands in
      let x = operands[0].detached
      let shape = x.shape
      if usesReference {
        let place: @Sendable ([Int]) -> [Int] = { cell in
          var moved = cell
          for (axis, from) in order.enumerated() { moved[from] = cell[axis] }
          return moved
        }
        return ReferenceStructure.pick(x, shape: wanted, place).recorded(from: operands) {
          [ReferenceStructure.add($0, into: shape, place)]
        }
      }
      var inverse = order
      for (axis, from) in order.enumerated() { inverse[from] = axis }
      let back = inverse
      return x.permuted(order).recorded(from: operands) { [$0.permuted(back)] }
    }
  }

  /// The tensor with two axes exchanged.
  /// - Parameters:
  ///   - first: An axis, negative from the back.
  ///   - second: Another.
  /// - Returns: The shape with both sizes exchanged.
  public func transposed(_ first: Int, _ second: Int) -> Tensor {
    var order = Array(0..<rank)
    order.swapAt(normalized(axis: first, rank: rank), normalized(axis: second, rank: rank))
    return transposed(order)
  }

  /// The tensor repeated along axes of size 1 and new leading axes, by NumPy's broadcasting.
  /// - Parameter wanted: The shape.
  /// - Returns: The values in that shape.
  /// - Precondition: The tensor's shape can be broadcast to it.
  public func broadcasted(to wanted: [Int]) -> Tensor {
    precondition(
      rank <= wanted.count
        && zip(shape, wanted.suffix(rank)).allSatisfy { $0 == 1 || $0 == $1 },
      "\(shape) cannot be broadcast to \(wanted)"
    )
    return operation("broadcast", on: [self], shape: wanted) { operands in
      let x = operands[0].detached
      let shape = x.shape
      if usesReference {
        let place: @Sendable ([Int]) -> [Int] = { cell in
          zip(cell.suffix(shape.count), shape).map { $1 == 1 ? 0 : $0 }
        }
        return ReferenceStructure.pick(x, shape: wanted, place).recorded(from: operands) {
          [ReferenceStructure.add($0, into: shape, place)]
        }
      }
      return x.expanded(to: wanted).recorded(from: operands) { [summed($0, to: shape)] }
    }
  }

  /// The tensor without an axis of size 1.
  /// - Parameter axis: The axis, negative from the back.
  /// - Returns: The same values.
  /// - Precondition: The axis has size 1.
  public func squeezed(_ axis: Int) -> Tensor {
    let axis = normalized(axis: axis, rank: rank)
    precondition(shape[axis] == 1, "axis \(axis) of \(shape) is not 1")
    return reshaped(droppedShape(shape, [axis]))
  }

  /// The tensor without its axes of size 1.
  public func squeezed() -> Tensor { reshaped(shape.filter { $0 != 1 }) }

  /// The tensor with a new axis of size 1.
  /// - Parameter axis: Where the axis is in the result, negative from the back.
  /// - Returns: The same values.
  public func unsqueezed(_ axis: Int) -> Tensor {
    var wanted = shape
    wanted.insert(1, at: normalized(axis: axis, rank: rank + 1))
    return reshaped(wanted)
  }

  /// The tensor with neighbouring axes merged.
  /// - Parameters:
  ///   - first: The first axis to merge, negative from the back.
  ///   - last: The last axis to merge, negative from the back.
  /// - Returns: The same values in row-major order; a tensor without axes gets one.
  /// - Precondition: `first ≤ last`.
  public func flattened(from first: Int = 0, to last: Int = -1) -> Tensor {
    if rank == 0 { return reshaped([1]) }
    let (first, last) =
      (normalized(axis: first, rank: rank), normalized(axis: last, rank: rank))
    precondition(first <= last, "axes \(first) to \(last) of \(shape)")
    let merged = shape[first...last].reduce(1, *)
    return reshaped(shape[..<first] + [merged] + shape[(last + 1)...])
  }

  /// The whole tensor, several times along each axis.
  /// - Parameter counts: How often, for each of the last axes; new leading axes come for more.
  /// - Returns: Each axis times its count.
  public func tiled(_ counts: [Int]) -> Tensor {
    let rank = max(self.rank, counts.count)
    let sizes = [Int](repeating: 1, count: rank - self.rank) + shape
    let times = [Int](repeating: 1, count: rank - counts.count) + counts
    return reshaped(sizes.flatMap { [1, $0] })
      .broadcasted(to: zip(times, sizes).flatMap { [$0, $1] })
      .reshaped(zip(times, sizes).map { $0 * $1 })
  }

  /// Every value several times in a row along an axis.
  /// - Parameters:
  ///   - count: How often.
  ///   - axis: The axis, negative from the back.
  /// - Returns: The axis `count` times as long.
  public func repeated(_ count: Int, axis: Int) -> Tensor {
    let axis = normalized(axis: axis, rank: rank)
    var (wide, wanted) = (shape, shape)
    wide.insert(count, at: axis + 1)
    wanted[axis] *= count
    return unsqueezed(axis + 1).broadcasted(to: wide).reshaped(wanted)
  }
}
