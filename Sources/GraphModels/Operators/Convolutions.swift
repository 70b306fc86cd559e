import Tensors

extension GraphOperator {
  static let convolutions = [
    GraphOperator(
      "Conv",
      2...3,
      ["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"]
    ) { context in
      let type = try context.operand(0).type
      let result = try Convolutions.convolution(
        context,
        try context.numbers(0),
        weight: try context.numbers(1),
        bias: context.optionalNumbers(2)
      )
      return [GraphValue(type, result)]
    },
    GraphOperator(
      "ConvTranspose",
      2...3,
      [
        "auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads",
        "strides",
      ]
    ) { context in
      [GraphValue(try context.operand(0).type, try Convolutions.transposed(context))]
    },
  ]
}

/// Convolutions by the engine's own, which know two and three axes and equal padding on both sides.
enum Convolutions {
  static func convolution(
    _ context: NodeContext,
    _ x: Tensor,
    weight: Tensor,
    bias: Tensor?
  ) throws -> Tensor {
    let groups = try checked(context, x, weight: weight, transposed: false)
    try context.require(
      bias.map { $0.shape == [weight.shape[0]] } ?? true,
      "the bias \(bias?.shape ?? []) does not fit the weights \(weight.shape)"
    )
    let kernel = Array(weight.shape.dropFirst(2))
    try context.require(
      try context.integerList("kernel_shape").map { $0 == kernel } ?? true,
      "the window is not that of the weights \(weight.shape)"
    )
    let window = try WindowGeometry(context, input: Array(x.shape.dropFirst(2)), kernel: kernel)
    let result = try context.bounded([x.shape[0], weight.shape[0]] + window.output)
    // No samples, such as regions of which none was found.
    if x.count == 0 { return Tensor([], shape: result) }
    // What both sides have in common is the convolution's own padding.
    let isOwn = zip(zip(window.before, window.after), window.reach).map { sides, reach in
      min(sides.0, sides.1) < reach
    }
    let common = isOwn.indices.map { isOwn[$0] ? min(window.before[$0], window.after[$0]) : 0 }
    var input = x
    let extraBefore = zip(window.before, common).map { $0 - $1 }
    let extraAfter = zip(window.after, common).map { $0 - $1 }
    if (extraBefore + extraAfter).contains(where: { $0 > 0 }) {
      let wide = (0..<common.count).map { x.shape[$0 + 2] + extraBefore[$0] + extraAfter[$0] }
      _ = try context.bounded(Array(x.shape.prefix(2)) + wide)
      input = padded(input, before: extraBefore, after: extraAfter)
    }
    let shape = ConvolutionShape(
      stride: window.stride,
      padding: common,
      dilation: window.dilation,
      groups: groups
    )
    return withTwoAxes(input, weight: weight, shape) { x, weight, shape in
      Tensors.convolution(x, weight: weight, bias: bias, shape: shape)
    }
  }

  static func transposed(_ context: NodeContext) throws -> Tensor {
    let (x, weight) = (try context.numbers(0), try context.numbers(1))
    let bias = context.optionalNumbers(2)
    let groups = try checked(context, x, weight: weight, transposed: true)
    let outputs = weight.shape[1] * groups
    try context.require(
      bias.map { $0.shape == [outputs] } ?? true,
      "the bias \(bias?.shape ?? []) does not fit the weights \(weight.shape)"
    )
    let (rank, input) = (x.rank - 2, Array(x.shape.dropFirst(2)))
    func list(_ name: String, _ standard: Int, count: Int) throws -> [Int] {
      let values = try context.integerList(name) ?? [Int](repeating: standard, count: count)
      try context.require(
        values.count == count && values.allSatisfy { (0...1 << 20).contains($0) },
        "\(name) are \(values)"
      )
      return values
    }
    let stride = try list("strides", 1, count: rank)
    let dilation = try list("dilations", 1, count: rank)
    let extra = try list("output_padding", 0, count: rank)
    let pads = try list("pads", 0, count: 2 * rank)
    try context.require(
      (stride + dilation).allSatisfy { $0 >= 1 } && input.allSatisfy { $0 >= 1 },
      "steps of \(stride) and \(dilation) for \(input)"
    )
    let full = (0..<rank).map { (axis: Int) -> Int in
      let reach = (weight.shape[axis + 2] - 1) * dilation[axis] + 1
      return (input[axis] - 1) * stride[axis] + reach
    }
    let mode = try context.text("auto_pad", "NOTSET")
    var wanted: [Int]?
    if let given = try context.integerList("output_shape") {
      wanted = Array(given.suffix(rank))
    } else if mode.hasPrefix("SAME") {
      wanted = zip(input, stride).map { (size: Int, step: Int) -> Int in size * step }
    }
    // Cells cut off in front of and behind each axis; negative ones are added.
    var (before, after) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    for axis in 0..<rank {
      if let wanted {
        try context.require(wanted.count == rank, "output_shape is \(wanted)")
        let total = full[axis] + extra[axis] - wanted[axis]
        let half = total >= 0 ? total / 2 : 0
        before[axis] = mode == "SAME_UPPER" ? half : total - half
        if total < 0 { before[axis] = 0 }
        after[axis] = total - before[axis] - extra[axis]
      } else {
        (before[axis], after[axis]) =
          mode == "VALID" ? (0, -extra[axis]) : (pads[axis], pads[rank + axis] - extra[axis])
      }
    }
    let size = (0..<rank).map { full[$0] - before[$0] - after[$0] }
    try context.require(size.allSatisfy { $0 > 0 }, "the result would have the size \(size)")
    _ = try context.bounded([x.shape[0], outputs] + full)
    if x.count == 0 { return Tensor([], shape: [x.shape[0], outputs] + size) }
    let isEven = before == after && before.allSatisfy { $0 >= 0 }
    var shape = ConvolutionShape(
      stride: stride,
      padding: isEven ? before : before.map { _ in 0 },
      dilation: dilation,
      groups: groups
    )
    let fits = (0..<rank).allSatisfy { (axis: Int) -> Bool in
      let reach = (weight.shape[axis + 2] - 1) * dilation[axis] + 1
      return before[axis] < reach && 2 * before[axis] < full[axis]
    }
    if isEven, fits {
      return withTwoAxes(x, weight: weight, shape) { x, weight, shape in
        transposedConvolution(x, weight: weight, bias: bias, shape: shape)
      }
    }
    shape.padding = before.map { _ in 0 }
    let grows = (before + after).contains { $0 < 0 }
    var result = withTwoAxes(x, weight: weight, shape) { x, weight, shape in
      transposedConvolution(x, weight: weight, bias: grows ? nil : bias, shape: shape)
    }
    let whole = [AxisSlice.all, .all]
    result = result.sliced(
      whole
        + (0..<rank).map {
          AxisSlice(start: max(0, before[$0]), end: full[$0] - max(0, after[$0]))
        }
    )
    guard grows else { return result }
    result = padded(
      result,
      before: before.map { max(0, -$0) },
      after: after.map { max(0, -$0) }
    )
    guard let bias else { return result }
    return result + bias.reshaped([outputs] + [Int](repeating: 1, count: rank))
  }

  private static func checked(
    _ context: NodeContext,
    _ x: Tensor,
    weight: Tensor,
    transposed: Bool
  ) throws -> Int {
    guard (3...5).contains(x.rank) else {
      throw context.unsupported("the input has \(x.rank) axes")
    }
    let groups = try context.integer("group", 1)
    try context.require(
      weight.rank == x.rank && groups > 0 && !x.shape.dropFirst().contains(0) && weight.count > 0
        && x.shape[1] % groups == 0
        && (transposed
          ? weight.shape[0] == x.shape[1]
          : weight.shape[1] * groups == x.shape[1] && weight.shape[0] % groups == 0),
      "the weights \(weight.shape) in \(groups) groups do not fit the input \(x.shape)"
    )
    return groups
  }

  /// Runs a convolution along one axis as one along two.
  private static func withTwoAxes(
    _ x: Tensor,
    weight: Tensor,
    _ shape: ConvolutionShape,
    _ body: (Tensor, Tensor, ConvolutionShape) -> Tensor
  ) -> Tensor {
    guard x.rank == 3 else { return body(x, weight, shape) }
    let wide = ConvolutionShape(
      stride: [1] + shape.stride,
      padding: [0] + shape.padding,
      dilation: [1] + shape.dilation,
      groups: shape.groups
    )
    return body(x.unsqueezed(2), weight.unsqueezed(2), wide).squeezed(2)
  }
}
