import Tensors

extension GraphOperator {
  static let quantization: [GraphOperator] = [
    GraphOperator("DequantizeLinear", 2...3, ["axis", "block_size", "output_dtype"]) { context in
      let x = try context.operand(0)
      let axis = try context.integer("axis", 1)
      let (scale, zero) = try Quantization.parameters(
        context,
        x.shape,
        scale: 1,
        zero: 2,
        axis: axis
      )
      let shifted = zero.map { x.tensor - $0 } ?? x.tensor
      return [GraphValue(try context.operand(1).type, shifted * scale)]
    },
    GraphOperator(
      "QuantizeLinear",
      2...3,
      ["axis", "block_size", "output_dtype", "precision", "saturate"]
    ) { context in
      let x = try context.operand(0)
      let axis = try context.integer("axis", 1)
      let (scale, zero) = try Quantization.parameters(
        context,
        x.shape,
        scale: 1,
        zero: 2,
        axis: axis
      )
      let wanted = try context.integer("output_dtype", 0)
      let type = context.optional(2)?.type ?? GraphNumberType(rawValue: wanted) ?? .uint8
      return [try Quantization.quantized(context, x.tensor, scale, zero, type)]
    },
    GraphOperator("DynamicQuantizeLinear", 1...1) { context in
      let x = try context.numbers(0)
      let low = Tensors.minimum(x.minimum(), Tensor([0], shape: []))
      let high = Tensors.maximum(x.maximum(), Tensor([0], shape: []))
      let scale = (high - low) * (1 / 255)
      let zero = ElementMaps.map("saturate", -low / scale) {
        min(255, max(0, $0.rounded(.toNearestOrEven)))
      }
      return [
        try Quantization.quantized(context, x, scale, zero, .uint8), GraphValue(scale),
        GraphValue(.uint8, zero),
      ]
    },
    GraphOperator(
      "QLinearConv",
      8...9,
      ["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"]
    ) { context in
      let x = try Quantization.real(context, 0, axis: 1)
      let weight = try Quantization.real(context, 3, axis: 0)
      let scales = (try context.numbers(1), try context.numbers(4))
      let shapes = [scales.0.shape, scales.1.shape, context.optionalNumbers(8)?.shape ?? []]
      _ = try context.broadcast(shapes)
      let bias = context.optionalNumbers(8).map { $0 * (scales.0 * scales.1) }
      let result = try Convolutions.convolution(context, x, weight: weight, bias: bias)
      return [try Quantization.result(context, result, at: 6)]
    },
    GraphOperator("QLinearMatMul", 8...8) { context in
      let a = try Quantization.real(context, 0, axis: -2)
      let b = try Quantization.real(context, 3, axis: -1)
      return [try Quantization.result(context, try matmul(context, a, b), at: 6)]
    },
    GraphOperator(
      "ConvInteger",
      2...4,
      ["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"]
    ) { context in
      let zeros = [context.optionalNumbers(2), context.optionalNumbers(3)]
      let weight = try context.numbers(1)
      try context.require(
        zeros[0].map { $0.count == 1 } ?? true && weight.rank >= 3
          && zeros[1].map { [1, weight.shape[0]].contains($0.count) } ?? true,
        "zeros that do not fit the weights \(weight.shape)"
      )
      let x = try context.numbers(0) - (zeros[0]?.reshaped([]) ?? Tensor([0], shape: []))
      let shift = zeros[1].map {
        $0.count == 1
          ? $0.reshaped([]) : $0.reshaped([$0.count] + [Int](repeating: 1, count: weight.rank - 1))
      }
      let result = try Convolutions.convolution(
        context,
        x,
        weight: shift.map { weight - $0 } ?? weight,
        bias: nil
      )
      return [GraphValue(.int32, ElementMaps.map("round", result) { $0.rounded() })]
    },
    GraphOperator("MatMulInteger", 2...4) { context in
      let zero = Tensor([0], shape: [])
      let a = try context.numbers(0)
      var first = context.optionalNumbers(2) ?? zero
      if first.rank == 1, first.count > 1 { first = first.unsqueezed(1) }
      let b = try context.numbers(1)
      _ = try context.broadcast([a.shape, first.shape])
      let second = context.optionalNumbers(3) ?? zero
      _ = try context.broadcast([b.shape, second.shape])
      return [GraphValue(.int32, try matmul(context, a - first, b - second))]
    },
  ]
}

/// Whole numbers that stand for scale · (number − zero).
private enum Quantization {
  /// Scale and zero brought to the shape of what they belong to.
  static func parameters(
    _ context: NodeContext,
    _ shape: [Int],
    scale: Int,
    zero: Int,
    axis: Int
  ) throws -> (scale: Tensor, zero: Tensor?) {
    func placed(_ tensor: Tensor) throws -> Tensor {
      if tensor.count == 1 { return tensor.reshaped([]) }
      if tensor.rank == 1 {
        let place = try context.axis(axis, rank: shape.count)
        try context.require(tensor.count == shape[place], "scales \(tensor.shape) for \(shape)")
        var wide = [Int](repeating: 1, count: shape.count)
        wide[place] = tensor.count
        return tensor.reshaped(wide)
      }
      // Blocks along an axis share a scale.
      let place = try context.axis(axis, rank: shape.count)
      try context.require(
        tensor.rank == shape.count && tensor.shape[place] > 0
          && shape.indices.allSatisfy { $0 == place || tensor.shape[$0] == shape[$0] },
        "scales \(tensor.shape) for \(shape)"
      )
      let size = try context.integer("block_size", 0)
      let block = size > 0 ? size : (shape[place] + tensor.shape[place] - 1) / tensor.shape[place]
      try context.require(
        (shape[place] + block - 1) / block == tensor.shape[place],
        "blocks of \(block) for \(shape)"
      )
      return tensor.repeated(block, axis: place).sliced(axis: place, start: 0, end: shape[place])
    }
    return (
      try placed(try context.numbers(scale)),
      try context.optionalNumbers(zero).map { try placed($0) }
    )
  }

  /// What quantised numbers stand for; scale and zero are the next two operands.
  static func real(_ context: NodeContext, _ index: Int, axis: Int) throws -> Tensor {
    let x = try context.numbers(index)
    let (scale, zero) = try parameters(
      context,
      x.shape,
      scale: index + 1,
      zero: index + 2,
      axis: axis
    )
    return (zero.map { x - $0 } ?? x) * scale
  }

  static func quantized(
    _ context: NodeContext,
    _ x: Tensor,
    _ scale: Tensor,
    _ zero: Tensor?,
    _ type: GraphNumberType
  ) throws -> GraphValue {
    guard let range = type.range, type != .bool else {
      throw context.unsupported("to the type \(type)")
    }
    let (low, high) = (Float(range.lowerBound), Float(range.upperBound))
    let ratio = x / scale
    let rounded = ElementMaps.map("round", ratio) { $0.rounded(.toNearestOrEven) }
    let shifted = zero.map { rounded + $0 } ?? rounded
    return GraphValue(type, shifted.clamped(low: low, high: high))
  }

  /// A result whose scale and zero are operands.
  static func result(_ context: NodeContext, _ x: Tensor, at index: Int) throws -> GraphValue {
    let (scale, zero) = try parameters(context, x.shape, scale: index, zero: index + 1, axis: 1)
    return try quantized(context, x, scale, zero, try context.operand(index + 1).type)
  }
}
