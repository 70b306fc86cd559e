import Tensors

extension TensorFlowConverter {
  typealias Map = TensorFlowValue.Map
  typealias Attributes = [String: OperatorGraph.Attribute]

  /// Converts a node whose operands are converted.
  mutating func convertOperation(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    switch node.operation {
    case "Identity", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot",
      "PlaceholderWithDefault":
      return try operand(node, 0)
    case "Switch": return try operand(node, 0)
    case "Merge":
      let live = try node.inputs.map { try known($0) }.first {
        if case .dead = $0 { false } else { true }
      }
      guard let live else { throw unsupported(node, "no side of the branch is taken") }
      return live
    case "Conv2D", "Conv3D", "DepthwiseConv2dNative": return try convolution(node)
    case "Conv2DBackpropInput", "Conv3DBackpropInputV2": return try transposedConvolution(node)
    case "MaxPool", "MaxPool3D", "AvgPool", "AvgPool3D": return try pooling(node)
    case "BiasAdd": return try binary(node, "Add")
    case "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3":
      return try batchNormalization(node)
    case "ConcatV2": return try concatenation(node, axisFirst: false)
    case "Concat": return try concatenation(node, axisFirst: true)
    case "Mean", "Max", "Sum", "Min": return try reduction(node)
    case "Pad", "PadV2", "MirrorPad": return try padding(node)
    case "Softmax", "LogSoftmax":
      return try mapped(node, node.operation, ["axis": .integer(1)])
    case "LeakyRelu":
      return try unary(node, "LeakyRelu", ["alpha": .number(node.number("alpha") ?? 0.2)])
    case "Relu6":
      let map = try map(node, 0)
      let low = store(StoredTensor(Tensor([0], shape: [])), node.name + "/low")
      let high = store(StoredTensor(Tensor([6], shape: [])), node.name + "/high")
      return .map(renamed(map, emit("Clip", [map.name, low, high], node.name)))
    case "Rsqrt":
      guard case .map(let root) = try unary(node, "Sqrt") else {
        return try reciprocalRoot(node)
      }
      return .map(renamed(root, emit("Reciprocal", [root.name], node.name + "/inverse")))
    case "Square":
      switch try operand(node, 0) {
      case .map(let map): return .map(renamed(map, emit("Mul", [map.name, map.name], node.name)))
      case .constant(let name, let shape):
        return .constant(name: emit("Mul", [name, name], node.name), shape: shape)
      case .dead: return .dead
      }
    case "SquaredDifference":
      guard case .map(let map) = try binary(node, "Sub") else {
        throw unsupported(node, "constant operands")
      }
      return .map(renamed(map, emit("Mul", [map.name, map.name], node.name + "/square")))
    case "ResizeNearestNeighbor", "ResizeBilinear": return try resizing(node)
    case "Squeeze": return try squeezed(node)
    case "Reshape": return try reshaped(node)
    case "MatMul": return try product(node)
    default: break
    }
    if let name = Self.unaryOperators[node.operation] { return try unary(node, name) }
    if let name = Self.binaryOperators[node.operation] { return try binary(node, name) }
    throw GraphModelsError.unsupportedOperator(
      name: "TensorFlow \(node.operation)",
      node: node.name,
      opset: 17
    )
  }

  /// Operations on each number, with ONNX's names.
  private static let unaryOperators = [
    "Relu": "Relu", "Elu": "Elu", "Selu": "Selu", "Sigmoid": "Sigmoid", "Tanh": "Tanh",
    "Softplus": "Softplus", "Softsign": "Softsign", "Exp": "Exp", "Log": "Log", "Neg": "Neg",
    "Abs": "Abs", "Sqrt": "Sqrt", "Floor": "Floor", "Ceil": "Ceil", "Reciprocal": "Reciprocal",
    "Erf": "Erf",
  ]

  /// Operations on pairs of numbers, with ONNX's names.
  private static let binaryOperators = [
    "Add": "Add", "AddV2": "Add", "Sub": "Sub", "Mul": "Mul", "RealDiv": "Div", "Div": "Div",
    "Maximum": "Max", "Minimum": "Min", "Pow": "Pow",
  ]

  // MARK: Operands

  func unsupported(_ node: TensorFlowGraph.Node, _ reason: String) -> GraphModelsError {
    .unsupportedForm(operator: "TensorFlow \(node.operation)", node: node.name, reason: reason)
  }

  private func operand(_ node: TensorFlowGraph.Node, _ index: Int) throws -> TensorFlowValue {
    guard index < node.inputs.count else { throw unsupported(node, "operands are missing") }
    return try known(node.inputs[index])
  }

  private func map(_ node: TensorFlowGraph.Node, _ index: Int) throws -> Map {
    guard case .map(let map) = try operand(node, index) else {
      throw unsupported(node, "its operand \(index) depends on no image")
    }
    return map
  }

  /// A constant that is stored as such, not computed from others.
  private func stored(_ node: TensorFlowGraph.Node, _ index: Int) throws -> StoredTensor {
    guard case .constant(let name, _) = try operand(node, index), let tensor = constants[name]
    else {
      throw unsupported(node, "its operand \(index) is no constant")
    }
    return tensor
  }

  private func renamed(_ map: Map, _ name: String) -> Map {
    Map(name: name, rank: map.rank, channels: map.channels)
  }

  private mutating func mapped(
    _ node: TensorFlowGraph.Node,
    _ name: String,
    _ attributes: Attributes = [:]
  ) throws -> TensorFlowValue {
    let map = try map(node, 0)
    return .map(renamed(map, emit(name, [map.name], node.name, attributes)))
  }

  private mutating func unary(
    _ node: TensorFlowGraph.Node,
    _ name: String,
    _ attributes: Attributes = [:]
  ) throws -> TensorFlowValue {
    switch try operand(node, 0) {
    case .map: return try mapped(node, name, attributes)
    case .constant(let operand, let shape):
      return .constant(name: emit(name, [operand], node.name, attributes), shape: shape)
    case .dead: return .dead
    }
  }

  private mutating func reciprocalRoot(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    guard case .constant(let operand, let shape) = try operand(node, 0) else { return .dead }
    let root = emit("Sqrt", [operand], node.name + "/root")
    return .constant(name: emit("Reciprocal", [root], node.name), shape: shape)
  }

  private mutating func binary(
    _ node: TensorFlowGraph.Node,
    _ name: String
  ) throws -> TensorFlowValue {
    switch (try operand(node, 0), try operand(node, 1)) {
    case (.dead, _), (_, .dead): return .dead
    case (.constant(let a, let first), .constant(let b, let second)):
      let rank = max(first.count, second.count)
      func padded(_ shape: [Int]) -> [Int] {
        [Int](repeating: 1, count: rank - shape.count) + shape
      }
      return .constant(
        name: emit(name, [a, b], node.name),
        shape: zip(padded(first), padded(second)).map { max($0, $1) }
      )
    case (.map(let a), .map(let b)):
      guard a.rank == b.rank else {
        throw unsupported(node, "maps of \(a.rank) and \(b.rank) axes")
      }
      var result = renamed(a, emit(name, [a.name, b.name], node.name))
      result.channels = [a.channels, b.channels].compactMap { $0 }.max()
      return .map(result)
    case (.map(let map), .constant(let constant, let shape)):
      let other = try turned(constant, shape, rank: map.rank, node)
      return .map(renamed(map, emit(name, [map.name, other], node.name)))
    case (.constant(let constant, let shape), .map(let map)):
      let other = try turned(constant, shape, rank: map.rank, node)
      return .map(renamed(map, emit(name, [other, map.name], node.name)))
    }
  }

  /// A constant that is spread over a map whose channels are second.
  private mutating func turned(
    _ constant: String,
    _ shape: [Int],
    rank: Int,
    _ node: TensorFlowGraph.Node
  ) throws -> String {
    if shape.reduce(1, *) == 1, shape.count <= 1 { return constant }
    guard shape.count <= rank else { throw unsupported(node, "a constant of the shape \(shape)") }
    let full = [Int](repeating: 1, count: rank - shape.count) + shape
    // An axis of one number is the same wherever it stands.
    let order = [0, rank - 1] + Array(1..<max(1, rank - 1))
    if full.dropLast().allSatisfy({ $0 == 1 }) {
      let sizes = store(
        StoredTensor(integers: order.prefix(rank).map { full[$0] }),
        node.name + "/shape"
      )
      return emit("Reshape", [constant, sizes], node.name + "/spread")
    }
    let sizes = store(StoredTensor(integers: full), node.name + "/shape")
    let whole = emit("Reshape", [constant, sizes], node.name + "/spread")
    return emit("Transpose", [whole], node.name + "/turned", ["perm": .integers(order)])
  }

  // MARK: Windows

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

  /// "SAME" and "VALID" as a graph's padding.
  private func windowPadding(
    _ node: TensorFlowGraph.Node,
    window: [Int],
    strides: [Int],
    dilations: [Int]
  ) throws -> (key: String, value: OperatorGraph.Attribute) {
    switch node.text("padding") {
    case "VALID": return ("auto_pad", .text("VALID"))
    case "SAME":
      guard strides.allSatisfy({ $0 == 1 }) else { return ("auto_pad", .text("SAME_UPPER")) }
      // The same for every size: half before, the larger half behind.
      let all = zip(window, dilations).map { ($0 - 1) * $1 }
      return ("pads", .integers(all.map { $0 / 2 } + all.map { $0 - $0 / 2 }))
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

  private mutating func convolution(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
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
    let pads = try windowPadding(node, window: window, strides: strides, dilations: dilations)
    let name = emit(
      "Conv",
      [map.name, weights],
      node.name,
      [
        "kernel_shape": .integers(window), "strides": .integers(strides),
        "dilations": .integers(dilations), "group": .integer(groups), pads.key: pads.value,
      ]
    )
    return .map(Map(name: name, rank: map.rank, channels: outputs))
  }

  private mutating func transposedConvolution(_ node: TensorFlowGraph.Node) throws
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
    var attributes: Attributes = [
      "kernel_shape": .integers(window), "strides": .integers(strides),
      "output_padding": .integers(zip(window, strides).map { max($1 - $0, 0) }),
    ]
    switch node.text("padding") {
    case "SAME":
      // The result has the operand's size times the step.
      let surplus = zip(window, strides).map { max($0 - $1, 0) }
      attributes["pads"] = .integers(surplus.map { $0 / 2 } + surplus.map { $0 - $0 / 2 })
    case "VALID": break
    default: throw unsupported(node, "its padding")
    }
    let name = emit("ConvTranspose", [map.name, weights], node.name, attributes)
    return .map(Map(name: name, rank: map.rank, channels: shape[map.rank - 2]))
  }

  private mutating func pooling(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    try checkLayout(node)
    let map = try map(node, 0)
    let window = try spatial(node, "ksize", rank: map.rank)
    let strides = try spatial(node, "strides", rank: map.rank)
    let pads = try windowPadding(
      node,
      window: window,
      strides: strides,
      dilations: window.map { _ in 1 }
    )
    let name = emit(
      node.operation.hasPrefix("Max") ? "MaxPool" : "AveragePool",
      [map.name],
      node.name,
      [
        "kernel_shape": .integers(window), "strides": .integers(strides), pads.key: pads.value,
      ]
    )
    return .map(renamed(map, name))
  }

  // MARK: Others

  private mutating func batchNormalization(_ node: TensorFlowGraph.Node) throws
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

  /// Where an axis of TensorFlow lies in a map whose channels are second.
  private func place(_ axis: Int, rank: Int, _ node: TensorFlowGraph.Node) throws -> Int {
    let axis = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(axis) else { throw unsupported(node, "the axis \(axis)") }
    return axis == 0 ? 0 : axis == rank - 1 ? 1 : axis + 1
  }

  private mutating func concatenation(
    _ node: TensorFlowGraph.Node,
    axisFirst: Bool
  ) throws -> TensorFlowValue {
    let count = node.inputs.count
    let axis = try stored(node, axisFirst ? 0 : count - 1).integers
    let maps = try (axisFirst ? 1..<count : 0..<count - 1).map { try map(node, $0) }
    guard axis.count == 1, let first = maps.first, maps.allSatisfy({ $0.rank == first.rank }) else {
      throw unsupported(node, "maps of different axes")
    }
    let place = try place(axis[0], rank: first.rank, node)
    var result = renamed(
      first,
      emit("Concat", maps.map(\.name), node.name, ["axis": .integer(place)])
    )
    if place == 1 {
      let all = maps.map(\.channels)
      result.channels = all.contains { $0 == nil } ? nil : all.compactMap { $0 }.reduce(0, +)
    }
    return .map(result)
  }

  private mutating func reduction(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    let places = try stored(node, 1).integers.map { try place($0, rank: map.rank, node) }.sorted()
    let keeps = node.truth("keep_dims") ?? node.truth("keepdims") ?? false
    // Without its spatial axes a map is [N, C] in either order; with fewer gone it is none.
    guard keeps || places == Array(2..<map.rank) else {
      throw unsupported(node, "it drops other axes than the spatial ones")
    }
    var attributes: Attributes = ["keepdims": .integer(keeps ? 1 : 0)]
    var operands = [map.name]
    if node.operation == "Sum" {
      operands.append(store(StoredTensor(integers: places), node.name + "/axes"))
    } else {
      attributes["axes"] = .integers(places)
    }
    let name = emit("Reduce" + node.operation, operands, node.name, attributes)
    return .map(
      Map(
        name: name,
        rank: keeps ? map.rank : 2,
        channels: places.contains(1) ? 1 : map.channels
      )
    )
  }

  private mutating func padding(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    let pairs = try stored(node, 1)
    guard pairs.shape == [map.rank, 2] else { throw unsupported(node, "its paddings") }
    let numbers = pairs.integers
    var before = [Int](repeating: 0, count: map.rank)
    var after = before
    for axis in 0..<map.rank {
      let place = try place(axis, rank: map.rank, node)
      before[place] = numbers[2 * axis]
      after[place] = numbers[2 * axis + 1]
    }
    var operands = [map.name, store(StoredTensor(integers: before + after), node.name + "/pads")]
    var mode = "constant"
    if node.operation == "MirrorPad" {
      guard node.text("mode") == "REFLECT" else { throw unsupported(node, "its mode") }
      mode = "reflect"
    }
    if node.operation == "PadV2", case .constant(let value, _) = try operand(node, 2) {
      operands.append(value)
    }
    var result = renamed(map, emit("Pad", operands, node.name, ["mode": .text(mode)]))
    result.channels = map.channels.map { $0 + before[1] + after[1] }
    return .map(result)
  }

  private mutating func resizing(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    guard case .constant(let name, let shape) = try operand(node, 1), shape == [2],
      let size = constants[name]?.integers, let channels = map.channels
    else { throw unsupported(node, "a size that is no constant") }
    guard node.truth("align_corners") != true else { throw unsupported(node, "aligned corners") }
    let isCentred = node.truth("half_pixel_centers") ?? false
    let isNearest = node.operation == "ResizeNearestNeighbor"
    // A batch is one image, as everywhere in a plan.
    let sizes = store(StoredTensor(integers: [1, channels] + size), node.name + "/sizes")
    var attributes: Attributes = [
      "mode": .text(isNearest ? "nearest" : "linear"),
      "coordinate_transformation_mode": .text(isCentred ? "half_pixel" : "asymmetric"),
    ]
    if isNearest {
      // Centres: floor((i + 1/2) s) is the nearest of (i + 1/2) s - 1/2, halves upwards.
      attributes["nearest_mode"] = .text(isCentred ? "round_prefer_ceil" : "floor")
    }
    return .map(renamed(map, emit("Resize", [map.name, "", "", sizes], node.name, attributes)))
  }

  private mutating func squeezed(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    let places = try (node.integers("squeeze_dims") ?? []).map {
      try place($0, rank: map.rank, node)
    }
    guard places.sorted() == Array(2..<map.rank) else {
      throw unsupported(node, "it drops other axes than the spatial ones")
    }
    let axes = store(StoredTensor(integers: places.sorted()), node.name + "/axes")
    let name = emit("Squeeze", [map.name, axes], node.name)
    return .map(Map(name: name, rank: 2, channels: map.channels))
  }

  /// A map turned back to TensorFlow's order of axes and given another shape; only rows come of it.
  private mutating func reshaped(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    if case .constant(let name, _) = try operand(node, 0) {
      let sizes = try stored(node, 1).integers
      let stored = store(StoredTensor(integers: sizes), node.name + "/shape")
      guard sizes.allSatisfy({ $0 >= 0 }) else { throw unsupported(node, "its shape \(sizes)") }
      return .constant(name: emit("Reshape", [name, stored], node.name), shape: sizes)
    }
    let map = try map(node, 0)
    let sizes = try stored(node, 1).integers
    guard sizes.count == 2, sizes[1] > 0 || sizes[1] == -1, sizes[1] > 0 || sizes[0] > 0 else {
      throw unsupported(node, "its shape \(sizes)")
    }
    let order = [0] + Array(2..<map.rank) + [1]
    let last =
      map.rank > 2
      ? emit("Transpose", [map.name], node.name + "/last", ["perm": .integers(order)]) : map.name
    let shape = store(StoredTensor(integers: sizes), node.name + "/shape")
    let name = emit("Reshape", [last, shape], node.name)
    return .map(Map(name: name, rank: 2, channels: sizes[1] > 0 ? sizes[1] : nil))
  }

  private mutating func product(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    let map = try map(node, 0)
    guard map.rank == 2, node.truth("transpose_a") != true, node.truth("transpose_b") != true,
      case .constant(let weights, let shape) = try operand(node, 1), shape.count == 2
    else { throw unsupported(node, "operands that are no rows and weights") }
    let name = emit("MatMul", [map.name, weights], node.name)
    return .map(Map(name: name, rank: 2, channels: shape[1]))
  }
}
