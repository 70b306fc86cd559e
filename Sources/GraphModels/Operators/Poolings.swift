import Tensors

extension GraphOperator {
  private static let windowAttributes: Set<String> = [
    "auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides",
  ]

  static let poolings = [
    GraphOperator("MaxPool", 1...1, windowAttributes.union(["storage_order"])) { context in
      let (x, window) = try Poolings.window(context)
      let type = try context.operand(0).type
      let result = GraphValue(type, Poolings.maximum(x, window))
      guard context.node.outputs.count > 1 else { return [result] }
      return [result, try Poolings.places(context, x, window)]
    },
    GraphOperator("AveragePool", 1...1, windowAttributes.union(["count_include_pad"])) { context in
      let (x, window) = try Poolings.window(context)
      let counts = try context.flag("count_include_pad", false)
      return [GraphValue(try context.operand(0).type, Poolings.mean(x, window, counts: counts))]
    },
    GraphOperator("LpPool", 1...1, windowAttributes.union(["p"])) { context in
      let (x, window) = try Poolings.window(context)
      let p = Float(try context.integer("p", 2))
      try context.require(p >= 1, "p is \(p)")
      let sums = Poolings.sum(power(x.magnitude(), p), window)
      return [GraphValue(try context.operand(0).type, power(sums, 1 / p))]
    },
    GraphOperator("MaxUnpool", 2...3, ["kernel_shape", "pads", "strides"]) { context in
      guard context.optional(2) == nil else { throw context.unsupported("of a given size") }
      let (x, places) = (try context.numbers(0), try context.numbers(1))
      let kernel = try context.integerList("kernel_shape") ?? []
      let rank = kernel.count
      let stride = try context.integerList("strides") ?? kernel.map { _ in 1 }
      let pads = try context.integerList("pads") ?? [Int](repeating: 0, count: 2 * rank)
      try context.require(
        rank > 0 && x.rank == rank + 2 && places.shape == x.shape && stride.count == rank
          && pads.count == 2 * rank && x.count > 0
          && (kernel + stride + pads).allSatisfy { (0...1 << 20).contains($0) },
        "windows of \(kernel) for \(x.shape)"
      )
      let size = (0..<rank).map { (axis: Int) -> Int in
        let full = (x.shape[axis + 2] - 1) * stride[axis] + kernel[axis]
        return full - pads[axis] - pads[rank + axis]
      }
      let shape = try context.bounded(Array(x.shape.prefix(2)) + size)
      let count = shape.reduce(1, *)
      try context.require(count > 0, "the result would have the shape \(shape)")
      let result = ElementMaps.compute("max-unpool", [x, places], shape: shape) { values in
        var result = [Float](repeating: 0, count: count)
        for (value, place) in zip(values[0], values[1]) {
          result[Indices.inside(place, count)] = value
        }
        return result
      }
      return [GraphValue(try context.operand(0).type, result)]
    },
    global("GlobalAveragePool") { x, axes, _ in x.mean(axes: axes, keepingAxes: true) },
    global("GlobalMaxPool") { x, axes, _ in x.maximum(axes: axes, keepingAxes: true) },
    global("GlobalLpPool") { x, axes, context in
      let p = Float(try context.integer("p", 2))
      try context.require(p >= 1, "p is \(p)")
      return power(power(x.magnitude(), p).sum(axes: axes, keepingAxes: true), 1 / p)
    },
  ]

  private static func global(
    _ name: String,
    _ body: @escaping @Sendable (Tensor, [Int], NodeContext) throws -> Tensor
  ) -> GraphOperator {
    GraphOperator(name, 1...1, ["p"]) { context in
      let x = try context.numbers(0)
      try context.require(x.rank >= 3 && x.count > 0, "the input has the shape \(x.shape)")
      return [
        GraphValue(try context.operand(0).type, try body(x, Array(2..<x.rank), context))
      ]
    }
  }
}

/// Windows of feature maps, by the engine's own pooling where it knows the window.
enum Poolings {
  static func window(_ context: NodeContext) throws -> (Tensor, WindowGeometry) {
    let x = try context.numbers(0)
    guard (3...5).contains(x.rank) else {
      throw context.unsupported("the input has \(x.rank) axes")
    }
    try context.require(x.count > 0, "the input is empty")
    guard let kernel = try context.integerList("kernel_shape") else {
      throw context.invalid("kernel_shape is missing")
    }
    let window = try WindowGeometry(
      context,
      input: Array(x.shape.dropFirst(2)),
      kernel: kernel,
      isCeiled: try context.flag("ceil_mode", false)
    )
    return (x, window)
  }

  /// Whether the engine's pooling does exactly this.
  private static func isPlain(_ x: Tensor, _ window: WindowGeometry) -> Bool {
    let input = Array(x.shape.dropFirst(2))
    return x.rank >= 4 && window.before == window.after && window.dilation.allSatisfy { $0 == 1 }
      && window.kernel.reduce(1, *) <= 256
      && zip(window.before, window.kernel).allSatisfy { $0 < $1 }
      && input.indices.allSatisfy {
        (input[$0] + 2 * window.before[$0] - window.kernel[$0]) / window.stride[$0] + 1
          == window.output[$0]
      }
  }

  private static func shape(_ window: WindowGeometry) -> PoolingShape {
    PoolingShape(kernel: window.kernel, stride: window.stride, padding: window.before)
  }

  static func maximum(_ x: Tensor, _ window: WindowGeometry) -> Tensor {
    if isPlain(x, window) { return maxPooling(x, shape: shape(window)) }
    return separable(x, window, fill: -.infinity) { Tensors.maximum($0, $1) }
  }

  static func sum(_ x: Tensor, _ window: WindowGeometry) -> Tensor {
    separable(x, window, fill: 0) { $0 + $1 }
  }

  static func mean(_ x: Tensor, _ window: WindowGeometry, counts: Bool) -> Tensor {
    let isUnpadded = (window.before + window.after).allSatisfy { $0 == 0 }
    if isPlain(x, window), !counts || isUnpadded {
      return averagePooling(x, shape: shape(window))
    }
    let input = Array(x.shape.dropFirst(2))
    // Cells that count: those of the image, or with its padding, but none beyond that.
    var factors = Tensor([1], shape: [Int](repeating: 1, count: x.rank))
    for axis in input.indices {
      let inside = (0..<window.output[axis]).map { cell -> Float in
        let start = cell * window.stride[axis] - window.before[axis]
        let number = (0..<window.kernel[axis]).filter { tap in
          let place = start + tap * window.dilation[axis]
          return counts
            ? place < input[axis] + window.after[axis] : (0..<input[axis]).contains(place)
        }.count
        return 1 / Float(max(1, number))
      }
      var shape = [Int](repeating: 1, count: x.rank)
      shape[axis + 2] = inside.count
      factors = factors * Tensor(inside, shape: shape)
    }
    return sum(x, window) * factors
  }

  /// Combines the cells of each window axis by axis.
  private static func separable(
    _ x: Tensor,
    _ window: WindowGeometry,
    fill: Float,
    _ combine: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    let input = Array(x.shape.dropFirst(2))
    let reach = window.reach
    let ends = input.indices.map { axis in
      let last = (window.output[axis] - 1) * window.stride[axis] + reach[axis]
      return max(0, last - window.before[axis] - input[axis])
    }
    var result = x
    if (window.before + ends).contains(where: { $0 > 0 }) {
      result = padded(result, before: window.before, after: ends, mode: .constant(fill))
    }
    for axis in input.indices {
      let span = (window.output[axis] - 1) * window.stride[axis] + 1
      func tap(_ index: Int) -> Tensor {
        let start = index * window.dilation[axis]
        return result.sliced(
          axis: axis + 2,
          start: start,
          end: start + span,
          step: window.stride[axis]
        )
      }
      var combined = tap(0)
      for index in 1..<max(1, window.kernel[axis]) { combined = combine(combined, tap(index)) }
      result = combined
    }
    return result
  }

  /// Where each maximum was, counted in numbers from the tensor's start.
  static func places(
    _ context: NodeContext,
    _ x: Tensor,
    _ window: WindowGeometry
  ) throws -> GraphValue {
    let isColumnMajor = try context.flag("storage_order", false)
    let (input, rank) = (Array(x.shape.dropFirst(2)), x.rank - 2)
    let shape = Array(x.shape.prefix(2)) + window.output
    let cells = input.reduce(1, *)
    let orderedSteps =
      isColumnMajor
      ? Array(ElementMaps.steps(Array(input.reversed())).reversed()) : ElementMaps.steps(input)
    let result = ElementMaps.compute("max-pool-places", [x], shape: shape) { values in
      let source = values[0]
      let steps = ElementMaps.steps(input)
      var places: [Float] = []
      for plane in 0..<shape[0] * shape[1] {
        ElementMaps.forEachIndex(window.output) { cell in
          var best: (value: Float, place: Int) = (-.infinity, 0)
          ElementMaps.forEachIndex(window.kernel) { tap in
            var (from, place) = (plane * cells, plane * cells)
            for axis in 0..<rank {
              let index =
                cell[axis] * window.stride[axis] - window.before[axis]
                + tap[axis] * window.dilation[axis]
              guard (0..<input[axis]).contains(index) else { return }
              from += index * steps[axis]
              place += index * orderedSteps[axis]
            }
            if source[from] > best.value { best = (source[from], place) }
          }
          places.append(Float(best.place))
        }
      }
      return places
    }
    return GraphValue(.int64, result)
  }
}
