import Tensors

extension GraphOperator {
  static let structure: [GraphOperator] = [
    GraphOperator("Concat", 1...4096, ["axis"]) { context in
      let all = try context.operands.indices.map { try context.operand($0) }
      let rank = all[0].rank
      let axis = try context.axis(
        try context.integer("axis", context.opset < 4 ? 1 : 0),
        rank: rank
      )
      var like = all[0].shape
      for value in all {
        var shape = value.shape
        try context.require(shape.count == rank, "shapes \(all.map(\.shape)) along axis \(axis)")
        shape[axis] = like[axis]
        try context.require(shape == like, "shapes \(all.map(\.shape)) along axis \(axis)")
      }
      like[axis] = all.reduce(0) { $0 + $1.shape[axis] }
      _ = try context.bounded(like)
      let parts = all.filter { $0.shape[axis] > 0 || $0.count > 0 }
      if parts.isEmpty { return [all[0]] }
      if parts.count == 1 { return [parts[0]] }
      return [
        try context.rearranged(parts) { tensors in
          // Joined channels stay where they are in plans.
          let isMaps = (4...5).contains(rank) && axis == 1 && tensors.allSatisfy { $0.count > 0 }
          return isMaps ? concatenation(tensors) : concatenation(tensors, axis: axis)
        }
      ]
    },
    GraphOperator("Split", 1...2, ["axis", "num_outputs", "split"]) { context in
      let x = try context.operand(0)
      let axis = try context.axis(try context.integer("axis", 0), rank: x.rank)
      let size = x.shape[axis]
      let count = try context.integer("num_outputs", context.node.outputs.count)
      try context.require((1...4096).contains(count), "\(count) parts")
      let sizes =
        try context.optionalIntegers(1) ?? context.integerList("split")
        ?? {
          let part = (size + count - 1) / count
          return (0..<count).map { min(part, max(0, size - $0 * part)) }
        }()
      try context.require(
        sizes.allSatisfy { $0 >= 0 } && sizes.reduce(0, +) == size
          && sizes.count >= context.node.outputs.count,
        "parts of \(sizes) of \(size)"
      )
      var start = 0
      return try sizes.map { part in
        defer { start += part }
        return try context.rearranged([x]) {
          $0[0].sliced(axis: axis, start: start, end: start + part)
        }
      }
    },
    GraphOperator("Slice", 1...5, ["axes", "ends", "starts"]) { context in try slice(context) },
    GraphOperator("Transpose", 1...1, ["perm"]) { context in
      let x = try context.operand(0)
      let order = try context.integerList("perm") ?? Array((0..<x.rank).reversed())
      try context.require(order.sorted() == Array(0..<x.rank), "the order \(order) of \(x.shape)")
      // Axes of one cell may change places without moving anything.
      let wanted = order.map { x.shape[$0] }
      let moving = order.filter { x.shape[$0] != 1 }
      if moving == moving.sorted() {
        return [try context.rearranged([x]) { $0[0].reshaped(wanted) }]
      }
      return [try context.rearranged([x]) { $0[0].transposed(order) }]
    },
    GraphOperator("Reshape", 1...2, ["allowzero", "shape"]) { context in
      let x = try context.operand(0)
      let given = try context.optionalIntegers(1) ?? context.integerList("shape") ?? []
      let allowsZero = try context.flag("allowzero", false)
      try context.require(given.count <= 16 && given.allSatisfy { $0 >= -1 }, "the shape \(given)")
      var shape = try given.enumerated().map { index, size in
        guard size == 0, !allowsZero else { return size }
        try context.require(index < x.rank, "the shape \(given) for \(x.shape)")
        return x.shape[index]
      }
      if let free = shape.firstIndex(of: -1) {
        shape[free] = 1
        let rest = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        try context.require(
          rest > 0 && !shape.contains(-1) && x.count % rest == 0,
          "the shape \(given) for \(x.shape)"
        )
        shape[free] = x.count / rest
      }
      try context.require(
        StoredTensor.count(shape) == x.count,
        "the shape \(given) for \(x.shape)"
      )
      return [reshaped(x, shape)]
    },
    GraphOperator("Flatten", 1...1, ["axis"]) { context in
      let x = try context.operand(0)
      let given = try context.integer("axis", 1)
      let axis = try context.axis(given < 0 ? given + x.rank : given, rank: x.rank + 1)
      return [reshaped(x, [x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)])]
    },
    GraphOperator("Squeeze", 1...2, ["axes"]) { context in
      let x = try context.operand(0)
      let given = try context.optionalIntegers(1) ?? context.integerList("axes")
      let axes =
        try given?.map { try context.axis($0, rank: x.rank) }
        ?? x.shape.indices.filter { x.shape[$0] == 1 }
      try context.require(axes.allSatisfy { x.shape[$0] == 1 }, "axes \(axes) of \(x.shape)")
      return [reshaped(x, x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })]
    },
    GraphOperator("Unsqueeze", 1...2, ["axes"]) { context in
      let x = try context.operand(0)
      let given = try context.optionalIntegers(1) ?? context.integerList("axes") ?? []
      let rank = x.rank + given.count
      let axes = try given.map { try context.axis($0, rank: rank) }
      try context.require(Set(axes).count == axes.count && rank <= 16, "axes \(axes)")
      var rest = x.shape[...]
      return [reshaped(x, (0..<rank).map { axes.contains($0) ? 1 : rest.popFirst() ?? 1 })]
    },
    GraphOperator("Expand", 2...2) { context in
      let x = try context.operand(0)
      let wanted = try context.integers(1)
      try context.require(wanted.allSatisfy { $0 >= 0 } && wanted.count <= 16, "to \(wanted)")
      let shape = try context.broadcast([x.shape, wanted])
      return [try context.rearranged([x]) { $0[0].broadcasted(to: shape) }]
    },
    GraphOperator("Tile", 2...2) { context in
      let (x, counts) = (try context.operand(0), try context.integers(1))
      try context.require(
        counts.count == x.rank && counts.allSatisfy { (0...1 << 30).contains($0) },
        "\(counts) times \(x.shape)"
      )
      _ = try context.bounded(
        zip(counts, x.shape).map { $0.multipliedReportingOverflow(by: $1).partialValue }
      )
      if x.rank == 0 { return [x] }
      return [try context.rearranged([x]) { $0[0].tiled(counts) }]
    },
    GraphOperator("DepthToSpace", 1...1, ["blocksize", "mode"]) { context in
      let (x, size) = (try context.operand(0), try context.integer("blocksize", 0))
      try context.require(
        x.rank == 4 && (1...1024).contains(size) && x.shape[1] % (size * size) == 0,
        "\(x.shape) in blocks of \(size)"
      )
      let (n, c, h, w) = (x.shape[0], x.shape[1] / (size * size), x.shape[2], x.shape[3])
      let isColumnFirst = try context.text("mode", "DCR") == "CRD"
      return [
        try context.rearranged([x]) { tensors in
          if isColumnFirst { return pixelShuffled(tensors[0], factor: size) }
          return tensors[0].reshaped([n, size, size, c, h, w]).transposed([0, 3, 4, 1, 5, 2])
            .reshaped([n, c, h * size, w * size])
        }
      ]
    },
    GraphOperator("SpaceToDepth", 1...1, ["blocksize", "mode"]) { context in
      let (x, size) = (try context.operand(0), try context.integer("blocksize", 0))
      try context.require(
        x.rank == 4 && (1...1024).contains(size) && x.shape[2] % size == 0
          && x.shape[3] % size == 0,
        "\(x.shape) in blocks of \(size)"
      )
      let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / size, x.shape[3] / size)
      let isColumnFirst = try context.text("mode", "DCR") == "CRD"
      return [
        try context.rearranged([x]) {
          $0[0].reshaped([n, c, h, size, w, size])
            .transposed(isColumnFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4])
            .reshaped([n, size * size * c, h, w])
        }
      ]
    },
    GraphOperator("Trilu", 1...2, ["upper"]) { context in
      let x = try context.operand(0)
      let diagonal = try context.optionalIntegers(1)?.first ?? 0
      let isUpper = try context.flag("upper", true)
      try context.require(x.rank >= 2, "the shape \(x.shape)")
      let (rows, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
      let limit = max(-rows - columns, min(rows + columns, diagonal))
      let mask = (0..<rows * columns).map { place in
        let offset = place % columns - place / columns
        return isUpper ? offset >= limit : offset <= limit
      }
      if let known = x.integers {
        let result = known.indices.enumerated().map {
          mask[$0.offset % max(1, mask.count)] ? $0.element : 0
        }
        return [GraphValue(x.type, result, x.shape)]
      }
      let factors = Tensor(mask.map { $0 ? 1 : 0 }, shape: [rows, columns])
      let zero = Tensor([0], shape: [])
      return [GraphValue(x.type, selection(where: factors, x.tensor, zero))]
    },
    GraphOperator("ReverseSequence", 2...2, ["batch_axis", "time_axis"]) { context in
      let (x, lengths) = (try context.operand(0), try context.integers(1))
      let (batch, time) = (
        try context.integer("batch_axis", 1), try context.integer("time_axis", 0)
      )
      try context.require(
        Set([batch, time]) == [0, 1] && x.rank >= 2 && lengths.count == x.shape[batch]
          && lengths.allSatisfy { (0...x.shape[time]).contains($0) },
        "lengths \(lengths) for \(x.shape)"
      )
      return [
        try context.rearranged([x]) { tensors in
          let parts = lengths.enumerated().map { index, length in
            let row = tensors[0].sliced(axis: batch, start: index, end: index + 1)
            let front = row.sliced(axis: time, start: 0, end: length).flipped(axes: [time])
            let back = row.sliced(axis: time, start: length)
            return concatenation([front, back].filter { $0.shape[time] > 0 }, axis: time)
          }
          return concatenation(parts, axis: batch)
        }
      ]
    },
  ]

  /// The same numbers in another shape.
  static func reshaped(_ x: GraphValue, _ shape: [Int]) -> GraphValue {
    if let known = x.integers { return GraphValue(x.type, known.indices, shape) }
    return GraphValue(x.type, x.shape == shape ? x.tensor : x.tensor.reshaped(shape))
  }

  private static func slice(_ context: NodeContext) throws -> [GraphValue] {
    let x = try context.operand(0)
    let starts = try context.integerList("starts") ?? context.integers(1)
    let ends = try context.integerList("ends") ?? context.integers(2)
    let axes =
      try context.integerList("axes") ?? context.optionalIntegers(3) ?? Array(starts.indices)
    let steps =
      try context.optionalIntegers(4) ?? [Int](repeating: 1, count: starts.count)
    try context.require(
      starts.count == ends.count && axes.count == starts.count && steps.count == starts.count
        && !steps.contains(0),
      "from \(starts) to \(ends) by \(steps) along \(axes)"
    )
    var slices = [AxisSlice](repeating: .all, count: x.rank)
    for index in starts.indices {
      let axis = try context.axis(axes[index], rank: x.rank)
      let (size, step) = (x.shape[axis], steps[index])
      func resolved(_ place: Int, _ limits: ClosedRange<Int>) -> Int {
        let positive = place < 0 ? max(place, -size - 1) + size : place
        return min(max(positive, limits.lowerBound), limits.upperBound)
      }
      if step > 0 {
        let start = resolved(starts[index], 0...size)
        slices[axis] = AxisSlice(
          start: start,
          end: max(start, resolved(ends[index], 0...size)),
          step: min(step, max(1, size))
        )
      } else if size > 0 {
        let start = resolved(starts[index], 0...size - 1)
        let end = resolved(ends[index], -1...size - 1)
        slices[axis] = AxisSlice(
          start: start,
          end: end < 0 ? nil : min(start, end),
          step: max(step, -size)
        )
      }
    }
    return [try context.rearranged([x]) { $0[0].sliced(slices) }]
  }
}
