import Tensors

/// Lists of tensors within a graph, whose lengths are known while it is traced.
extension GraphOperator {
  static let sequences: [GraphOperator] = [
    GraphOperator("SequenceEmpty", 0...0, ["dtype"]) { context in
      let number = try context.integer("dtype", 1)
      guard let type = GraphNumberType(rawValue: number), type != .text else {
        throw context.unsupported("of the type \(number) of ONNX")
      }
      return [GraphValue(sequence: [], type)]
    },
    GraphOperator("SequenceConstruct", 1...4096) { context in
      let items = try context.operands.indices.map { try context.operand($0) }
      return [GraphValue(sequence: items, items[0].type)]
    },
    GraphOperator("SequenceInsert", 2...3, takesSequences: true) { context in
      let (type, items) = try sequence(context)
      let item = try context.operand(1)
      try context.require(item.sequence == nil, "a sequence within a sequence")
      var all = items
      all.insert(item, at: try place(context, 2, items.count + 1) ?? items.count)
      return [GraphValue(sequence: all, type)]
    },
    GraphOperator("SequenceErase", 1...2, takesSequences: true) { context in
      let (type, items) = try sequence(context)
      try context.require(!items.isEmpty, "nothing is left to take away")
      var all = items
      all.remove(at: try place(context, 1, items.count) ?? items.count - 1)
      return [GraphValue(sequence: all, type)]
    },
    GraphOperator("SequenceAt", 2...2, takesSequences: true) { context in
      let items = try sequence(context).items
      guard let place = try place(context, 1, items.count) else {
        throw context.invalid("operand 1 is missing")
      }
      return [items[place]]
    },
    GraphOperator("SequenceLength", 1...1, takesSequences: true) { context in
      [GraphValue(.int64, [try sequence(context).items.count], [])]
    },
    GraphOperator("ConcatFromSequence", 1...1, ["axis", "new_axis"], takesSequences: true) {
      context in
      let items = try sequence(context).items
      guard let first = items.first else { throw context.invalid("its sequence is empty") }
      let place = try context.integer("axis", 0)
      if try context.flag("new_axis", false) {
        let unknown = OperatorGraph.Value("", dimensions: nil)
        return [try context.stacked(items, axis: place, declared: unknown)]
      }
      let axis = try context.axis(place, rank: first.rank)
      var shape = first.shape
      for item in items {
        var like = item.shape
        try context.require(like.count == shape.count, "shapes \(items.map(\.shape))")
        like[axis] = shape[axis]
        try context.require(like == shape, "shapes \(items.map(\.shape)) along axis \(axis)")
      }
      shape[axis] = items.reduce(0) { $0 + $1.shape[axis] }
      _ = try context.bounded(shape)
      let parts = items.filter { $0.count > 0 }
      if parts.isEmpty { return [GraphValue(first.type, Tensor([], shape: shape))] }
      if parts.count == 1 { return [parts[0]] }
      return [try context.rearranged(parts) { concatenation($0, axis: axis) }]
    },
    GraphOperator("SplitToSequence", 1...2, ["axis", "keepdims"]) { context in
      let x = try context.operand(0)
      let axis = try context.axis(try context.integer("axis", 0), rank: x.rank)
      let size = x.shape[axis]
      var keepsAxis = true
      let sizes: [Int]
      if let given = try context.optionalIntegers(1) {
        if try context.operand(1).rank == 0, let part = given.first {
          try context.require(part > 0, "parts of \(part)")
          sizes = stride(from: 0, to: size, by: part).map { min(part, size - $0) }
        } else {
          sizes = given
        }
      } else {
        sizes = [Int](repeating: 1, count: size)
        keepsAxis = try context.flag("keepdims", true)
      }
      try context.require(
        sizes.allSatisfy { (0...size).contains($0) } && sizes.reduce(0, +) == size
          && sizes.count <= 1 << 16,
        "parts of \(sizes.prefix(8)) of \(size)"
      )
      var start = 0
      let items = try sizes.map { part in
        defer { start += part }
        var shape = x.shape
        shape[axis] = part
        if !keepsAxis { shape.remove(at: axis) }
        let wanted = shape
        return try context.rearranged([x]) {
          $0[0].sliced(axis: axis, start: start, end: start + part).reshaped(wanted)
        }
      }
      return [GraphValue(sequence: items, x.type)]
    },
  ]

  private static func sequence(
    _ context: NodeContext
  ) throws -> (type: GraphNumberType, items: [GraphValue]) {
    let value = try context.operand(0)
    guard let items = value.sequence else { throw context.invalid("operand 0 is no sequence") }
    return (value.type, items)
  }

  /// A place in a list, counted from the front; nil when it is left out.
  private static func place(_ context: NodeContext, _ index: Int, _ count: Int) throws -> Int? {
    guard let given = try context.optionalIntegers(index) else { return nil }
    try context.require(given.count == 1, "operand \(index) is not one number")
    // Behind the last item lies the end, which can be named when something is put in.
    let items = index == 2 ? count - 1 : count
    let place = given[0] < 0 ? given[0] + items : given[0]
    try context.require((0..<count).contains(place), "the place \(given[0]) of \(items)")
    return place
  }
}
