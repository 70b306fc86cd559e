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

  func operand(_ node: TensorFlowGraph.Node, _ index: Int) throws -> TensorFlowValue {
    guard index < node.inputs.count else { throw unsupported(node, "operands are missing") }
    return try known(node.inputs[index])
  }

  func map(_ node: TensorFlowGraph.Node, _ index: Int) throws -> Map {
    guard case .map(let map) = try operand(node, index) else {
      throw unsupported(node, "its operand \(index) depends on no image")
    }
    return map
  }

  /// A constant that is stored as such, not computed from others.
  func stored(_ node: TensorFlowGraph.Node, _ index: Int) throws -> StoredTensor {
    guard case .constant(let name, _) = try operand(node, index), let tensor = constants[name]
    else {
      throw unsupported(node, "its operand \(index) is no constant")
    }
    return tensor
  }

  func renamed(_ map: Map, _ name: String) -> Map {
    Map(name: name, rank: map.rank, channels: map.channels)
  }

  mutating func mapped(
    _ node: TensorFlowGraph.Node,
    _ name: String,
    _ attributes: Attributes = [:]
  ) throws -> TensorFlowValue {
    let map = try map(node, 0)
    return .map(renamed(map, emit(name, [map.name], node.name, attributes)))
  }

  mutating func unary(
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

  mutating func binary(
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
}
