import Tensors

extension GraphOperator {
  static let sizes: [GraphOperator] = [
    GraphOperator("Shape", 1...1, ["end", "start"]) { context in
      let shape = try context.operand(0).shape
      func place(_ name: String, _ standard: Int) throws -> Int {
        let index = try context.integer(name, standard)
        return min(max(index < 0 ? index + shape.count : index, 0), shape.count)
      }
      let (start, end) = (try place("start", 0), try place("end", shape.count))
      let part = start < end ? Array(shape[start..<end]) : []
      return [GraphValue(.int64, part, [part.count])]
    },
    GraphOperator("Size", 1...1) { context in
      [GraphValue(.int64, [try context.operand(0).count], [])]
    },
    GraphOperator(
      "Constant",
      0...0,
      [
        "sparse_value", "value", "value_float", "value_floats", "value_int", "value_ints",
        "value_string", "value_strings",
      ]
    ) { context in
      guard let (_, attribute) = context.node.attributes.first else {
        throw context.invalid("it has no value")
      }
      switch attribute {
      case .tensor(let stored): return [GraphValue(stored)]
      case .number(let value): return [GraphValue(.float32, Tensor([value], shape: []))]
      case .numbers(let values):
        return [GraphValue(.float32, Tensor(values, shape: [values.count]))]
      case .integer(let value): return [GraphValue(.int64, [value], [])]
      case .integers(let values): return [GraphValue(.int64, values, [values.count])]
      case .text, .texts, .graph, .other:
        throw context.unsupported("its value is a text or sparse")
      }
    },
    GraphOperator("ConstantOfShape", 1...1, ["value"]) { context in
      let shape = try context.bounded(try context.integers(0))
      guard let attribute = context.node.attributes["value"] else {
        return [GraphValue(.float32, Tensor(repeating: 0, shape: shape))]
      }
      guard case .tensor(let stored) = attribute, stored.count == 1 else {
        throw context.invalid("its value is not one number")
      }
      if stored.type.isFloating {
        return [GraphValue(stored.type, Tensor(repeating: stored.tensor.scalar, shape: shape))]
      }
      let count = shape.reduce(1, *)
      try context.require(count <= 1 << 26, "\(count) whole numbers")
      return [
        GraphValue(
          stored.type,
          [Int](repeating: stored.integers.first ?? 0, count: count),
          shape
        )
      ]
    },
    GraphOperator("Range", 3...3) { context in
      let type = try context.operand(0).type
      if type.isFloating {
        let values = try (0..<3).map { index -> Double in
          let list = try context.knownNumbers(index)
          try context.require(list.count == 1 && list[0].isFinite, "limits that are not numbers")
          return Double(list[0])
        }
        let count = ((values[1] - values[0]) / values[2]).rounded(.up)
        try context.require(values[2] != 0 && count <= 0x400_0000, "from \(values)")
        let numbers = (0..<Int(max(0, count))).map { Float(values[0] + Double($0) * values[2]) }
        return [GraphValue(type, Tensor(numbers, shape: [numbers.count]))]
      }
      let values = try (0..<3).map { index -> Int in
        let list = try context.integers(index)
        try context.require(
          list.count == 1 && (-(1 << 40)...1 << 40).contains(list[0]),
          "limits that are not numbers"
        )
        return list[0]
      }
      try context.require(values[2] != 0, "a step of 0")
      let numbers = stride(from: values[0], to: values[1], by: values[2])
      try context.require(
        abs((values[1] - values[0]) / values[2]) <= 1 << 26,
        "from \(values[0]) to \(values[1]) by \(values[2])"
      )
      let list = Array(numbers)
      return [GraphValue(type, list, [list.count])]
    },
    GraphOperator("EyeLike", 1...1, ["dtype", "k"]) { context in
      let x = try context.operand(0)
      try context.require(x.rank == 2, "the shape \(x.shape)")
      let number = try context.integer("dtype", x.type.rawValue)
      guard let type = GraphNumberType(rawValue: number), type != .text else {
        throw context.unsupported("of the type \(number) of ONNX")
      }
      let diagonal = try context.integer("k", 0)
      let (rows, columns) = (x.shape[0], x.shape[1])
      let values = (0..<rows * columns).map {
        $0 % columns - $0 / columns == diagonal ? Float(1) : 0
      }
      return [GraphValue(type, Tensor(values, shape: x.shape))]
    },
    GraphOperator("Identity", 1...1, takesSequences: true) { context in [try context.operand(0)] },
    GraphOperator("Dropout", 1...3, ["is_test", "ratio", "seed"]) { context in
      let x = try context.operand(0)
      let ratio = context.optional(1) == nil ? 0.5 : try context.knownNumbers(1).first ?? 0
      guard context.optional(2)?.integers?.indices.first ?? 0 == 0 || ratio == 0 else {
        throw context.unsupported("it drops values, as while training")
      }
      guard context.node.outputs.count > 1 else { return [x] }
      let type: GraphNumberType = context.opset >= 10 ? .bool : x.type
      return [x, GraphValue(type, Tensor(repeating: 1, shape: x.shape))]
    },
  ]
}
