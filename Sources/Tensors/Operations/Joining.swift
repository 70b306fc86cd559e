/// Joins tensors along an axis.
/// - Parameters:
///   - parts: Tensors whose other axes are equal; at least one.
///   - axis: The axis, negative from the back.
/// - Returns: The axis as long as all parts together, in the order given.
/// - Precondition: The other axes are equal.
public func concatenation(_ parts: [Tensor], axis: Int) -> Tensor {
  precondition(!parts.isEmpty, "nothing to concatenate")
  let axis = normalized(axis: axis, rank: parts[0].rank)
  var joined = parts[0].shape
  joined[axis] = 0
  for part in parts {
    var like = part.shape
    if axis < like.count { like[axis] = parts[0].shape[axis] }
    precondition(
      like == parts[0].shape,
      "cannot join \(part.shape) to \(parts[0].shape) along axis \(axis)"
    )
    joined[axis] += part.shape[axis]
  }
  let shape = joined
  let shapes = parts.map(\.shape)
  let starts = shapes.indices.map { index in shapes[..<index].reduce(0) { $0 + $1[axis] } }
  return operation(
    "concatenate",
    on: parts,
    shape: shape,
    attributes: ["axis": .integers([axis])]
  ) { operands in
    let tracked = operands.map(\.isTracked)
    let places: [@Sendable ([Int]) -> [Int]] = starts.map { start in
      { cell in
        var moved = cell
        moved[axis] += start
        return moved
      }
    }
    if usesReference {
      var values = [Float](repeating: 0, count: shape.reduce(1, *))
      for (part, place) in zip(operands, places) {
        let content = part.values
        for (index, cell) in GridIndices(part.shape).enumerated() {
          values[flat(place(cell), shape)] = content[index]
        }
      }
      return Tensor(values, shape: shape).recorded(from: operands) { gradient in
        shapes.indices.map {
          tracked[$0]
            ? ReferenceStructure.pick(gradient, shape: shapes[$0], places[$0]) : nil
        }
      }
    }
    let steps = rowMajorSteps(shape)
    let result = ElementLoops.empty(shape)
    for (part, start) in zip(operands, starts) {
      StridedCopy.put(part.plain, into: result, offset: start * steps[axis], steps: steps)
    }
    return result.recorded(from: operands) { gradient in
      let source = gradient.plain
      return shapes.indices.map { index in
        tracked[index]
          ? StridedCopy.gather(
            source,
            offset: starts[index] * steps[axis],
            steps: steps,
            shape: shapes[index]
          ) : nil
      }
    }
  }
}

/// Joins tensors along a new axis.
/// - Parameters:
///   - parts: Tensors of one shape; at least one.
///   - axis: Where the new axis is in the result, negative from the back.
/// - Returns: One axis more, as long as there are parts.
/// - Precondition: The shapes are equal.
public func stack(_ parts: [Tensor], axis: Int = 0) -> Tensor {
  precondition(!parts.isEmpty, "nothing to stack")
  for part in parts {
    precondition(
      part.shape == parts[0].shape,
      "cannot stack \(part.shape) on \(parts[0].shape)"
    )
  }
  let axis = normalized(axis: axis, rank: parts[0].rank + 1)
  return concatenation(parts.map { $0.unsqueezed(axis) }, axis: axis)
}
