/// Convolutions, poolings and normalisations.
extension TensorFlowConverter {
  /// The numbers of the spatial axes of an attribute that has one for every axis.
  private func spatial(
    _ node: TensorFlowGraph.Node,
    _ key: String,
    rank: Int,
    standard: Int? = nil
  ) throws -> [Int] {
    if node.attributes[key] == nil, let standard {
      return [Int](repeating: standard, count: rank - 2)
    }
    guard let all = node.integers(key), all.count == rank, all[0] == 1, all[rank - 1] == 1,
      all.allSatisfy({ (1...4096).contains($0) })
    else { throw unsupported(node, "its \(key)") }
    return Array(all[1..<rank - 1])
  }

  private func checkLayout(_ node: TensorFlowGraph.Node) throws {
    let format = node.text("data_format") ?? "NHWC"
    guard ["NHWC", "NDHWC"].contains(format) else {
      throw unsupported(node, "the layout \(format)")
    }
  }

  private func paddingRule(_ node: TensorFlowGraph.Node) throws -> ChannelsLastPadding {
    switch node.text("padding") {
    case "VALID": .valid
    case "SAME": .same
    default: throw unsupported(node, "its padding")
    }
  }

  /// Weights `[window…, a, b]` as `[b, a, window…]`.
  private mutating func kernel(
    _ node: TensorFlowGraph.Node,
    _ index: Int,
    rank: Int
  ) throws -> (name: String, shape: [Int]) {
    guard case .constant(let name, let shape) = try operand(node, index), shape.count == rank else {
      throw unsupported(node, "its weights are no constant of \(rank) axes")
    }
    let order = [rank - 1, rank - 2] + Array(0..<rank - 2)
    return (
      emit("Transpose", [name], node.name + "/kernel", ["perm": .integers(order)]), shape
    )
  }

  mutating func convolution(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    try checkLayout(node)
    let map = try map(node, 0)
    let strides = try spatial(node, "strides", rank: map.rank)
    let dilations = try spatial(node, "dilations", rank: map.rank, standard: 1)
    var (weights, shape) = try kernel(node, 1, rank: map.rank)
    let window = Array(shape.prefix(map.rank - 2))
    let inputs = shape[map.rank - 2]
    var outputs = shape[map.rank - 1]
    var groups = 1
    if node.operation == "DepthwiseConv2dNative" {
      // [window…, channel, multiple]: the results of a channel lie side by side.
      groups = inputs
      outputs *= inputs
      guard case .constant(let name, _) = try operand(node, 1) else { return .dead }
      let order = [map.rank - 2, map.rank - 1] + Array(0..<map.rank - 2)
      let turned = emit("Transpose", [name], node.name + "/depth", ["perm": .integers(order)])
      let sizes = store(StoredTensor(integers: [outputs, 1] + window), node.name + "/shape")
      weights = emit("Reshape", [turned, sizes], node.name + "/kernel")
    } else if let channels = map.channels {
      guard inputs > 0, channels % inputs == 0 else {
        throw unsupported(node, "weights \(shape) for \(channels) channels")
      }
      groups = channels / inputs
    }
    let pads = try paddingRule(node)
      .attributes(window: window, strides: strides, dilations: dilations)
    let name = emit(
      "Conv",
      [map.name, weights],
      node.name,
      [
        "kernel_shape": .integers(window), "strides": .integers(strides),
        "dilations": .integers(dilations), "group": .integer(groups),
      ].merging(pads) { $1 }
    )
    return .map(Map(name: name, rank: map.rank, channels: outputs))
  }

  mutating func transposedConvolution(_ node: TensorFlowGraph.Node) throws
    -> TensorFlowValue
  {
    try checkLayout(node)
    let map = try map(node, 2)
    let strides = try spatial(node, "strides", rank: map.rank)
    guard try spatial(node, "dilations", rank: map.rank, standard: 1).allSatisfy({ $0 == 1 }) else {
      throw unsupported(node, "a dilation")
    }
    // [window…, O, I] becomes [I, O, window…], as graphs have it.
    let (weights, shape) = try kernel(node, 1, rank: map.rank)
    let window = Array(shape.prefix(map.rank - 2))
    let attributes = try paddingRule(node)
      .transposedAttributes(window: window, strides: strides)
      .merging(["kernel_shape": .integers(window), "strides": .integers(strides)]) { $1 }
    let name = emit("ConvTranspose", [map.name, weights], node.name, attributes)
    return .map(Map(name: name, rank: map.rank, channels: shape[map.rank - 2]))
  }

  mutating func pooling(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    try checkLayout(node)
    let map = try map(node, 0)
    let window = try spatial(node, "ksize", rank: map.rank)
    let strides = try spatial(node, "strides", rank: map.rank)
    let name = emit(
      node.operation.hasPrefix("Max") ? "MaxPool" : "AveragePool",
      [map.name],
      node.name,
      try paddingRule(node).attributes(window: window, strides: strides)
        .merging(["kernel_shape": .integers(window), "strides": .integers(strides)]) { $1 }
    )
    return .map(renamed(map, name))
  }

  mutating func batchNormalization(_ node: TensorFlowGraph.Node) throws
    -> TensorFlowValue
  {
    try checkLayout(node)
    guard node.truth("is_training") == false else {
      throw unsupported(node, "statistics of the batch, as in training")
    }
    let map = try map(node, 0)
    let operands = try (1...4).map { index -> String in
      guard case .constant(let name, _) = try operand(node, index) else {
        throw unsupported(node, "its operand \(index) is no constant")
      }
      return name
    }
    let name = emit(
      "BatchNormalization",
      [map.name] + operands,
      node.name,
      ["epsilon": .number(node.number("epsilon") ?? 1e-4)]
    )
    return .map(renamed(map, name))
  }
}
