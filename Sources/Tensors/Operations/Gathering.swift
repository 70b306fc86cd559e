import Support

extension Tensor {
  /// Values picked along an axis, each place by its own index (PyTorch's `gather`).
  ///
  /// y[…, i, …] = x[…, indices[…, i, …], …]. Gradients of a value picked often are added in
  /// row-major order.
  /// - Parameters:
  ///   - indices: As many axes as the tensor; the others at most as long as the tensor's.
  ///   - axis: The axis, negative from the back.
  /// - Returns: The shape of the indices.
  /// - Precondition: The shapes fit, and every index is one of the axis.
  public func gathered(_ indices: IndexTensor, axis: Int) -> Tensor {
    let axis = checked(indices, axis, shape, "gather")
    return operation("gather", on: [self], shape: indices.shape) { operands in
      let x = operands[0].detached
      return picked(x, indices, axis).recorded(from: operands) { gradient in
        [added(gradient, indices, axis, onto: Tensor(repeating: 0, shape: x.shape))]
      }
    }
  }

  /// The tensor with values added along an axis, each at its own index (PyTorch's `scatter_add`).
  ///
  /// y = x, then y[…, indices[…, i, …], …] += values[…, i, …], in row-major order.
  /// - Parameters:
  ///   - values: What to add.
  ///   - indices: Of the same shape; other axes at most as long as the tensor's.
  ///   - axis: The axis, negative from the back.
  /// - Returns: The same shape.
  /// - Precondition: The shapes fit, and every index is one of the axis.
  public func scatterAdding(_ values: Tensor, at indices: IndexTensor, axis: Int) -> Tensor {
    let axis = checked(indices, axis, shape, "scatter")
    precondition(
      values.shape == indices.shape,
      "values \(values.shape) do not fit indices \(indices.shape)"
    )
    return operation("scatter-add", on: [self, values], shape: shape) { operands in
      let (x, values) = (operands[0].detached, operands[1].detached)
      return added(values, indices, axis, onto: x).recorded(from: operands) { gradient in
        [gradient, picked(gradient, indices, axis)]
      }
    }
  }

  /// Rows picked along an axis (PyTorch's `index_select`).
  ///
  /// Gradients of a row picked often are added in the order of the indices.
  /// - Parameters:
  ///   - indices: The rows, in any order, each as often as wanted.
  ///   - axis: The axis, negative from the back.
  /// - Returns: The axis as long as there are indices.
  /// - Precondition: Every index is one of the axis.
  public func selecting(_ indices: [Int], axis: Int) -> Tensor {
    let axis = normalized(axis: axis, rank: rank)
    let size = shape[axis]
    for index in indices {
      precondition((0..<size).contains(index), "index \(index) of axis \(axis) of \(shape)")
    }
    let wanted = shape.replacing(axis, indices.count)
    return operation(
      "select-rows",
      on: [self],
      shape: wanted,
      attributes: ["indices": .integers(indices), "axis": .integers([axis])]
    ) { operands in
      let shape = operands[0].shape
      if usesReference {
        let place: @Sendable ([Int]) -> [Int] = { cell in
          var moved = cell
          moved[axis] = indices[cell[axis]]
          return moved
        }
        return ReferenceStructure.pick(operands[0], shape: wanted, place)
          .recorded(from: operands) { [ReferenceStructure.add($0, into: shape, place)] }
      }
      return RowSelection(shape: shape, axis: axis, indices: indices)
        .recordedRows(of: operands[0])
    }
  }
}

/// Rows of a table, one for each index: the values of words or classes.
/// - Parameters:
///   - indices: The rows, any shape.
///   - weight: The table, `[rows, width]`.
/// - Returns: The shape of the indices and `width` as the last axis.
/// - Precondition: Every index is a row.
public func embedding(_ indices: IndexTensor, weight: Tensor) -> Tensor {
  precondition(weight.rank == 2, "a table of \(weight.shape)")
  return weight.selecting(indices.indices, axis: 0)
    .reshaped(indices.shape + [weight.shape[1]])
}

/// Rows of a table, one for each number of a tensor, which a plan may depend on.
/// - Parameters:
///   - indices: Whole numbers, any shape; exact up to 2²⁴ (2⁸ in bfloat16). They get no gradient.
///   - weight: The table, `[rows, width]`.
/// - Returns: The shape of the indices and `width` as the last axis.
/// - Precondition: Every number is a row.
public func embedding(_ indices: Tensor, weight: Tensor) -> Tensor {
  precondition(weight.rank == 2, "a table of \(weight.shape)")
  let wanted = indices.shape + [weight.shape[1]]
  return operation("embedding", on: [indices, weight], shape: wanted) { operands in
    let rows = operands[0].values.map { number in
      Int(exactly: number) ?? -1
    }
    let table = operands[1]
    // The table's graph goes on through the selection; the numbers take no part in it.
    return embedding(IndexTensor(rows, shape: operands[0].shape), weight: table)
  }
}

/// Vectors that are 1 at an index and else 0.
/// - Parameters:
///   - indices: Any shape.
///   - count: The length of a vector.
/// - Returns: The shape of the indices and `count` as the last axis.
/// - Precondition: Every index is below `count`.
public func oneHot(_ indices: IndexTensor, count: Int) -> Tensor {
  var values = [Float](repeating: 0, count: indices.indices.count * count)
  for (place, index) in indices.indices.enumerated() {
    precondition((0..<count).contains(index), "index \(index) of \(count)")
    values[place * count + index] = 1
  }
  return Tensor(values, shape: indices.shape + [count])
}

/// The axis, after checks of indices that pick or place values of a shape.
private func checked(_ indices: IndexTensor, _ axis: Int, _ shape: [Int], _ name: String) -> Int {
  let axis = normalized(axis: axis, rank: shape.count)
  precondition(
    indices.shape.count == shape.count
      && shape.indices.allSatisfy { $0 == axis || indices.shape[$0] <= shape[$0] },
    "\(name): indices \(indices.shape) do not fit \(shape) along axis \(axis)"
  )
  for index in indices.indices {
    precondition((0..<shape[axis]).contains(index), "\(name): index \(index) in \(shape)")
  }
  return axis
}

/// y[cell] = x[cell with its index].
private func picked(_ x: Tensor, _ indices: IndexTensor, _ axis: Int) -> Tensor {
  if usesReference {
    return ReferenceStructure.pick(x, shape: indices.shape) { cell in
      cell.replacing(axis, indices.indices[flat(cell, indices.shape)])
    }
  }
  let source = x.plain
  let result = ElementLoops.empty(indices.shape)
  let places = IndexedPlaces(indices, axis: axis, of: x.shape)
  let (from, to) = (source.storage, result.storage)
  places.nest.run { place, offsets, count in
    for i in 0..<count {
      let row = indices.indices[place + i] * places.step
      to.pointer[place + i] = from.pointer[offsets[0] + i * places.nest.innerSteps[0] + row]
    }
  }
  return result
}

/// y = x, then y[cell with its index] += values[cell], in row-major order.
private func added(
  _ values: Tensor,
  _ indices: IndexTensor,
  _ axis: Int,
  onto x: Tensor
) -> Tensor {
  if usesReference {
    let sums = ReferenceStructure.add(values, into: x.shape) { cell in
      cell.replacing(axis, indices.indices[flat(cell, indices.shape)])
    }
    return Tensor(zip(x.values, sums.values).map { $0 + $1 }, shape: x.shape)
  }
  let result = Tensor(x.plain.values, shape: x.shape)
  let places = IndexedPlaces(indices, axis: axis, of: x.shape)
  let source = values.plain
  let (from, to) = (source.storage, result.storage)
  // One thread: indices of different rows may name the same place.
  Parallelism.$threadCount.withValue(1) {
    places.nest.run { place, offsets, count in
      for i in 0..<count {
        let row = indices.indices[place + i] * places.step
        to.pointer[offsets[0] + i * places.nest.innerSteps[0] + row] += from.pointer[place + i]
      }
    }
  }
  return result
}

/// Where indexed values lie: the place of a cell without its own axis, plus index times `step`.
private struct IndexedPlaces {
  let nest: LoopNest
  let step: Int

  init(_ indices: IndexTensor, axis: Int, of shape: [Int]) {
    var steps = rowMajorSteps(shape)
    step = steps[axis]
    steps[axis] = 0
    nest = LoopNest(shape: indices.shape, steps: [steps])
  }
}

/// Copies of rows along an axis and sums back into them.
private struct RowSelection: Sendable {
  let shape: [Int]
  let axis: Int
  let indices: [Int]
  private let outer: Int
  private let inner: Int

  init(shape: [Int], axis: Int, indices: [Int]) {
    (self.shape, self.axis, self.indices) = (shape, axis, indices)
    outer = shape[..<axis].reduce(1, *)
    inner = shape[(axis + 1)...].reduce(1, *)
  }

  func recordedRows(of x: Tensor) -> Tensor {
    let source = x.plain
    let result = ElementLoops.empty(shape.replacing(axis, indices.count))
    let (from, to) = (source.storage, result.storage)
    let (size, count) = (shape[axis], indices.count)
    EngineThreads.forEachRange(outer * count, itemCost: inner) { range in
      for item in range {
        let row = item / count * size + indices[item % count]
        (to.pointer + item * inner).update(from: from.pointer + row * inner, count: inner)
      }
    }
    return result.recorded(from: [x]) { [sums(of: $0.plain)] }
  }

  /// Each thread owns columns or outer groups, and adds rows in the order of the indices.
  private func sums(of gradient: Tensor) -> Tensor {
    let result = Tensor(repeating: 0, shape: shape)
    let (from, to) = (gradient.storage, result.storage)
    let (size, count) = (shape[axis], indices.count)
    @Sendable func add(_ group: Int, _ columns: Range<Int>) {
      for (place, index) in indices.enumerated() {
        let source = from.pointer + (group * count + place) * inner
        let target = to.pointer + (group * size + index) * inner
        for column in columns { target[column] += source[column] }
      }
    }
    if outer == 1 {
      EngineThreads.forEachRange(inner, itemCost: count) { add(0, $0) }
    } else {
      EngineThreads.forEachRange(outer, itemCost: count * inner) { groups in
        for group in groups { add(group, 0..<inner) }
      }
    }
    return result
  }
}

extension [Int] {
  /// The list with one entry exchanged.
  func replacing(_ index: Int, _ value: Int) -> [Int] {
    var changed = self
    changed[index] = value
    return changed
  }
}
