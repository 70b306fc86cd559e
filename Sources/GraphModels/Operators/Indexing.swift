import Tensors

extension GraphOperator {
  static let indexing: [GraphOperator] = [
    GraphOperator("Gather", 2...2, ["axis"]) { context in
      let (x, indices) = (try context.operand(0), try context.operand(1))
      let axis = try context.axis(try context.integer("axis", 0), rank: x.rank)
      let size = x.shape[axis]
      let shape = try context.bounded(
        Array(x.shape[..<axis]) + indices.shape + Array(x.shape[(axis + 1)...])
      )
      if let places = indices.integers?.indices {
        let rows = try Indices.positive(places, size: size, context)
        return [
          try context.rearranged([x]) {
            $0[0].selecting(rows, axis: axis).reshaped(shape)
          }
        ]
      }
      // The indices depend on the input; those outside take the nearest row.
      let inner = x.shape[(axis + 1)...].reduce(1, *)
      let outer = x.shape[..<axis].reduce(1, *)
      let result = ElementMaps.compute(
        "gather",
        [x.tensor, indices.tensor],
        shape: shape
      ) { values in
        var result: [Float] = []
        result.reserveCapacity(shape.reduce(1, *))
        for group in 0..<outer {
          for place in values[1] {
            let start = (group * size + Indices.inside(place, size)) * inner
            result += values[0][start..<start + inner]
          }
        }
        return result
      }
      return [GraphValue(x.type, result)]
    },
    GraphOperator("GatherElements", 2...2, ["axis"]) { context in
      let (x, indices) = (try context.operand(0), try context.operand(1))
      let axis = try context.axis(try context.integer("axis", 0), rank: x.rank)
      try context.require(
        indices.rank == x.rank
          && x.shape.indices.allSatisfy { $0 == axis || indices.shape[$0] <= x.shape[$0] }
          && (x.shape[axis] > 0 || indices.count == 0),
        "indices \(indices.shape) for \(x.shape)"
      )
      if let known = indices.integers?.indices {
        let rows = try Indices.positive(known, size: x.shape[axis], context)
        return [
          try context.rearranged([x]) {
            $0[0].gathered(IndexTensor(rows, shape: indices.shape), axis: axis)
          }
        ]
      }
      let (steps, size, shape) = (ElementMaps.steps(x.shape), x.shape[axis], indices.shape)
      let result = ElementMaps.compute(
        "gather",
        [x.tensor, indices.tensor],
        shape: shape
      ) { values in
        var (result, place) = ([Float](), 0)
        ElementMaps.forEachIndex(shape) { cell in
          let start = cell.indices.reduce(0) { $0 + ($1 == axis ? 0 : cell[$1] * steps[$1]) }
          result.append(values[0][start + Indices.inside(values[1][place], size) * steps[axis]])
          place += 1
        }
        return result
      }
      return [GraphValue(x.type, result)]
    },
    GraphOperator("GatherND", 2...2, ["batch_dims"]) { context in
      let (x, indices) = (try context.operand(0), try context.operand(1))
      let (batch, shape) = (try context.integer("batch_dims", 0), indices.shape)
      guard let depth = shape.last, (0..<min(x.rank, shape.count)).contains(batch),
        (1...max(1, x.rank - batch)).contains(depth), x.shape[..<batch] == shape[..<batch]
      else { throw context.invalid("indices \(shape) for \(x.shape)") }
      let known = try context.integers(1)
      let inner = x.shape[(batch + depth)...].reduce(1, *)
      let steps = ElementMaps.steps(x.shape)
      let perBatch = shape[batch..<shape.count - 1].reduce(1, *)
      let rows = try (0..<known.count / depth).map { row -> Int in
        var place = 0
        for axis in 0..<depth {
          let index = try Indices.positive(
            [known[row * depth + axis]],
            size: x.shape[batch + axis],
            context
          )
          place += index[0] * steps[batch + axis]
        }
        let start = row / max(1, perBatch) * (batch > 0 ? steps[batch - 1] : 0)
        return (start + place) / max(1, inner)
      }
      let wanted = Array(shape.dropLast()) + x.shape[(batch + depth)...]
      if x.count == 0 { return [GraphValue(x.type, Tensor([], shape: wanted))] }
      return [
        try context.rearranged([x]) {
          $0[0].reshaped([x.count / max(1, inner), inner]).selecting(rows, axis: 0)
            .reshaped(wanted)
        }
      ]
    },
    GraphOperator("ScatterElements", 3...3, ["axis", "reduction"]) { context in
      try scatterElements(context)
    },
    GraphOperator("Scatter", 3...3, ["axis"]) { context in try scatterElements(context) },
    GraphOperator("ScatterND", 3...3, ["reduction"]) { context in
      let (x, updates) = (try context.operand(0), try context.operand(2))
      let (shape, known) = (try context.operand(1).shape, try context.integers(1))
      guard let depth = shape.last, depth >= 1, depth <= x.rank,
        updates.shape == Array(shape.dropLast()) + Array(x.shape[depth...])
      else { throw context.invalid("indices \(shape) and \(updates.shape) for \(x.shape)") }
      let (steps, inner) = (ElementMaps.steps(x.shape), x.shape[depth...].reduce(1, *))
      var places: [Int] = []
      for row in 0..<known.count / depth {
        var start = 0
        for axis in 0..<depth {
          let index = try Indices.positive(
            [known[row * depth + axis]],
            size: x.shape[axis],
            context
          )
          start += index[0] * steps[axis]
        }
        places += (0..<inner).map { start + $0 }
      }
      return [try Indices.scattered(x, updates, places, context)]
    },
    GraphOperator("OneHot", 3...3, ["axis"]) { context in
      let (indices, ends) = (try context.operand(0), try context.operand(2))
      let depths = try context.knownNumbers(1)
      guard depths.count == 1, let depth = Int(exactly: depths[0]),
        (0...1 << 24).contains(depth),
        ends.count == 2
      else { throw context.invalid("its depth is not one number") }
      let axis = try context.axis(try context.integer("axis", -1), rank: indices.rank + 1)
      let shape = try context.bounded(
        Array(indices.shape[..<axis]) + [depth] + Array(indices.shape[axis...])
      )
      let wide = indices.tensor.unsqueezed(axis)
      var line = [Int](repeating: 1, count: shape.count)
      line[axis] = depth
      let numbers = Tensor((0..<depth).map { Float($0) }, shape: line)
      let size = Float(depth)
      let mask = ElementMaps.map("one-hot", wide, numbers, shape: shape) {
        ($0 < 0 ? $0 + size : $0) == $1 ? 1 : 0
      }
      let pair = ends.tensor
      let result = selection(
        where: mask,
        pair.sliced(axis: 0, start: 1, end: 2).reshaped([]),
        pair.sliced(axis: 0, start: 0, end: 1).reshaped([])
      )
      return [GraphValue(ends.type, result)]
    },
    GraphOperator("Compress", 2...2, ["axis"]) { context in
      var x = try context.operand(0)
      let chosen = try context.integers(1).enumerated().filter { $0.element != 0 }.map(\.offset)
      let axis: Int
      if context.node.attributes["axis"] == nil {
        x = reshaped(x, [x.count])
        axis = 0
      } else {
        axis = try context.axis(try context.integer("axis", 0), rank: x.rank)
      }
      let rows = try Indices.positive(chosen, size: x.shape[axis], context)
      return [try context.rearranged([x]) { $0[0].selecting(rows, axis: axis) }]
    },
  ]

  private static func scatterElements(_ context: NodeContext) throws -> [GraphValue] {
    let (x, indices, updates) = (
      try context.operand(0), try context.operand(1), try context.operand(2)
    )
    let axis = try context.axis(try context.integer("axis", 0), rank: x.rank)
    try context.require(
      indices.rank == x.rank && updates.shape == indices.shape
        && x.shape.indices.allSatisfy { $0 == axis || indices.shape[$0] <= x.shape[$0] },
      "indices \(indices.shape) and \(updates.shape) for \(x.shape)"
    )
    let rows = try Indices.positive(try context.integers(1), size: x.shape[axis], context)
    let steps = ElementMaps.steps(x.shape)
    var places: [Int] = []
    places.reserveCapacity(rows.count)
    ElementMaps.forEachIndex(indices.shape) { cell in
      let row = rows[places.count]
      places.append(
        cell.indices.reduce(0) { $0 + ($1 == axis ? row : cell[$1]) * steps[$1] }
      )
    }
    return [try Indices.scattered(x, updates, places, context)]
  }
}

/// Indices as nodes give them.
enum Indices {
  /// Indices counted from the front; outside ones are an error.
  static func positive(_ indices: [Int], size: Int, _ context: NodeContext) throws -> [Int] {
    try indices.map { index in
      let place = index < 0 ? index + size : index
      guard (0..<size).contains(place) else {
        throw context.invalid("the index \(index) for \(size) rows")
      }
      return place
    }
  }

  /// An index that the input gave, moved inside.
  static func inside(_ number: Float, _ size: Int) -> Int {
    let index = Int(exactly: number.rounded()) ?? 0
    return min(max(index < 0 ? index + size : index, 0), size - 1)
  }

  /// The tensor with numbers put, or combined, at places.
  static func scattered(
    _ x: GraphValue,
    _ updates: GraphValue,
    _ places: [Int],
    _ context: NodeContext
  ) throws -> GraphValue {
    let reduction = try context.text("reduction", "none")
    let combine: @Sendable (Float, Float) -> Float
    switch reduction {
    case "none": combine = { $1 }
    case "add": combine = { $0 + $1 }
    case "mul": combine = { $0 * $1 }
    case "max": combine = { max($0, $1) }
    case "min": combine = { min($0, $1) }
    default: throw context.unsupported("the reduction \(reduction)")
    }
    if reduction == "none", let known = x.integers, let new = updates.integers {
      var values = known.indices
      for (index, place) in places.enumerated() { values[place] = new.indices[index] }
      return GraphValue(x.type, values, x.shape)
    }
    let result = ElementMaps.compute(
      "scatter",
      [x.tensor, updates.tensor],
      shape: x.shape
    ) { values in
      var result = values[0]
      for (index, place) in places.enumerated() {
        result[place] = combine(result[place], values[1][index])
      }
      return result
    }
    return GraphValue(x.type, result)
  }
}
