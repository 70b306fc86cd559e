import Tensors

extension GraphOperator {
  static let normalizations = [
    GraphOperator(
      "BatchNormalization",
      5...5,
      ["consumed_inputs", "epsilon", "is_test", "momentum", "spatial", "training_mode"]
    ) { context in
      guard try !context.flag("training_mode", false), try context.flag("spatial", true),
        context.node.outputs.dropFirst().allSatisfy(\.isEmpty) || context.opset < 14
      else { throw context.unsupported("it trains, or has statistics for each cell") }
      let type = try context.operand(0).type
      let result = try Normalizations.batch(
        context,
        try context.numbers(0),
        try (1...4).map { try context.numbers($0) },
        epsilon: try context.number("epsilon", 1e-5)
      )
      return [GraphValue(type, result)]
    },
    GraphOperator("InstanceNormalization", 3...3, ["consumed_inputs", "epsilon"]) { context in
      let (x, scale, shift) = (
        try context.numbers(0), try context.numbers(1), try context.numbers(2)
      )
      try context.require(
        x.rank >= 3 && x.count > 0 && scale.shape == [x.shape[1]] && shift.shape == scale.shape,
        "scale \(scale.shape) and shift \(shift.shape) do not fit \(x.shape)"
      )
      let result = normalization(
        x,
        extent: .instance,
        scale: scale,
        shift: shift,
        epsilon: try context.number("epsilon", 1e-5)
      ).output
      return [GraphValue(try context.operand(0).type, result)]
    },
    GraphOperator("LayerNormalization", 2...3, ["axis", "epsilon", "stash_type"]) { context in
      try Normalizations.layer(context)
    },
    GraphOperator("GroupNormalization", 3...3, ["epsilon", "num_groups", "stash_type"]) { context in
      let (x, groups) = (try context.numbers(0), try context.integer("num_groups", 0))
      try context.require(
        x.rank >= 3 && x.count > 0 && groups > 0 && x.shape[1] % groups == 0,
        "\(x.shape) in \(groups) groups"
      )
      let channels = x.shape[1]
      // Before version 21 every group, not every channel, had a scale and a shift.
      let parts = try [1, 2].map { index -> Tensor in
        let values = try context.numbers(index)
        try context.require(
          values.rank == 1 && [channels, groups].contains(values.shape[0]),
          "\(values.shape) does not fit \(channels) channels in \(groups) groups"
        )
        return values.shape[0] == channels
          ? values : values.repeated(channels / groups, axis: 0)
      }
      let result = groupNormalization(
        x,
        groups: groups,
        scale: parts[0],
        shift: parts[1],
        epsilon: try context.number("epsilon", 1e-5)
      )
      return [GraphValue(try context.operand(0).type, result)]
    },
    GraphOperator("LpNormalization", 1...1, ["axis", "p"]) { context in
      let x = try context.numbers(0)
      let axis = try context.axis(try context.integer("axis", -1), rank: x.rank)
      let p = try context.integer("p", 2)
      guard p == 1 || p == 2 else { throw context.unsupported("p is \(p)") }
      let length =
        p == 1
        ? x.magnitude().sum(axes: [axis], keepingAxes: true)
        : x.squared().sum(axes: [axis], keepingAxes: true).squareRoot()
      let ratio = ElementMaps.map("ratio", x, length, shape: x.shape) { $1 == 0 ? 0 : $0 / $1 }
      return [GraphValue(try context.operand(0).type, ratio)]
    },
    GraphOperator("MeanVarianceNormalization", 1...1, ["axes"]) { context in
      let x = try context.numbers(0)
      let axes = try (try context.integerList("axes") ?? [0, 2, 3]).map {
        try context.axis($0, rank: x.rank)
      }
      let centred = x - x.mean(axes: axes, keepingAxes: true)
      let variance = centred.squared().mean(axes: axes, keepingAxes: true)
      return [GraphValue(try context.operand(0).type, centred / (variance.squareRoot() + 1e-9))]
    },
    GraphOperator("LRN", 1...1, ["alpha", "beta", "bias", "size"]) { context in
      let (x, size) = (try context.numbers(0), try context.integer("size", 0))
      try context.require(
        x.rank >= 3 && (1...4096).contains(size),
        "\(size) channels of \(x.shape)"
      )
      let (before, after) = ((size - 1) / 2, size - 1 - (size - 1) / 2)
      func zeros(_ count: Int) -> Tensor {
        Tensor(repeating: 0, shape: [x.shape[0], count] + x.shape.dropFirst(2))
      }
      let squares = concatenation(
        [zeros(before), x.squared(), zeros(after)].filter { $0.shape[1] > 0 },
        axis: 1
      )
      var sum = squares.sliced(axis: 1, start: 0, end: x.shape[1])
      for offset in 1..<max(1, size) {
        sum = sum + squares.sliced(axis: 1, start: offset, end: offset + x.shape[1])
      }
      let base =
        sum * (try context.number("alpha", 1e-4) / Float(size)) + (try context.number("bias", 1))
      let result = x / power(base, try context.number("beta", 0.75))
      return [GraphValue(try context.operand(0).type, result)]
    },
  ]
}

enum Normalizations {
  /// (x − μ) / √(σ² + ε) · γ + β with one of each for every channel; parts are γ, β, μ, σ².
  static func batch(
    _ context: NodeContext,
    _ x: Tensor,
    _ parts: [Tensor],
    epsilon: Float
  ) throws -> Tensor {
    try context.require(
      x.rank >= 2 && parts.allSatisfy { $0.shape == [x.shape[1]] },
      "\(parts.map(\.shape)) do not fit \(x.shape)"
    )
    if x.rank >= 3, x.count > 0, parts.allSatisfy({ $0.symbol == nil }) {
      return normalization(
        x,
        extent: .batch,
        scale: parts[0],
        shift: parts[1],
        epsilon: epsilon,
        statistics: NormalizationStatistics(mean: parts[2].values, variance: parts[3].values)
      ).output
    }
    let wide = parts.map { $0.reshaped([x.shape[1]] + [Int](repeating: 1, count: x.rank - 2)) }
    return (x - wide[2]) * (wide[0] / (wide[3] + epsilon).squareRoot()) + wide[1]
  }

  static func layer(_ context: NodeContext) throws -> [GraphValue] {
    let (x, scale, shift) = (
      try context.numbers(0), try context.numbers(1), context.optionalNumbers(2)
    )
    let axis = try context.axis(try context.integer("axis", -1), rank: x.rank)
    let epsilon = try context.number("epsilon", 1e-5)
    let type = try context.operand(0).type
    let inner = Array(x.shape[axis...])
    _ = try context.broadcast([x.shape, scale.shape, shift?.shape ?? []])
    if scale.shape == inner, shift.map({ $0.shape == inner }) ?? true,
      context.node.outputs.count == 1
    {
      let result = layerNormalization(
        x,
        dimensions: inner.count,
        scale: scale,
        shift: shift,
        epsilon: epsilon
      )
      return [GraphValue(type, result)]
    }
    let axes = Array(axis..<x.rank)
    let mean = x.mean(axes: axes, keepingAxes: true)
    let centred = x - mean
    let deviation =
      1 / (centred.squared().mean(axes: axes, keepingAxes: true) + epsilon).squareRoot()
    var result = centred * deviation * scale
    if let shift { result = result + shift }
    return [GraphValue(type, result), GraphValue(.float32, mean), GraphValue(.float32, deviation)]
  }
}
