import Tensors

/// Turns layers into nodes, in their order.
struct NCNNConverter {
  let source: NCNNModel
  private(set) var nodes: [OperatorGraph.Node] = []
  private(set) var constants: [String: StoredTensor] = [:]
  /// Channels of values, where they are known.
  var channels: [String: Int] = [:]

  /// Larger factors of shuffles are none of a network.
  static let largestFactor = 64
  /// More channels than this are none of a network.
  static let largestWidth = 1 << 20
  /// The layers that read a value, by its name.
  private let users: [String: [NCNNModel.Layer]]

  init(_ source: NCNNModel) {
    self.source = source
    users = source.layers.reduce(into: [:]) { users, layer in
      for name in Set(layer.inputs) { users[name, default: []].append(layer) }
    }
  }

  // MARK: Ends

  /// The one place where an image comes in.
  private func inputName() throws -> String {
    let found = source.layers.filter { $0.kind == "Input" }.flatMap(\.outputs)
    guard found.count == 1 else {
      throw GraphModelsError.unfitInput(name: "input", reason: "the network has \(found.count)")
    }
    return found[0]
  }

  func input() throws -> OperatorGraph.Value {
    let name = try inputName()
    guard let count = channels[name] else {
      throw GraphModelsError.unfitInput(name: name, reason: "no layer tells its channels")
    }
    return OperatorGraph.Value(
      name,
      dimensions: [.free("batch"), .fixed(count), .free("height"), .free("width")]
    )
  }

  func outputs() throws -> [OperatorGraph.Value] {
    let used = Set(source.layers.flatMap(\.inputs))
    let idle = source.layers.flatMap(\.outputs).filter { !used.contains($0) }
    guard idle.count == 1 else {
      throw GraphModelsError.unfitInput(
        name: "output",
        reason: "nothing uses \(idle.prefix(8).joined(separator: ", "))"
      )
    }
    return [
      OperatorGraph.Value(
        idle[0],
        dimensions: [
          .free("batch"), channels[idle[0]].map { .fixed($0) } ?? .free("outputs"),
          .free("output_height"), .free("output_width"),
        ]
      )
    ]
  }

  /// The channels that the layers after a value ask for.
  private func wanted(_ name: String) -> Int? {
    // What is left to look at, the nearest first, with the cells that shuffles have joined on the way.
    var left = [(name: name, cells: 1)]
    var seen: Set<String> = [name]
    func follow(_ outputs: some Sequence<String>, _ cells: Int) {
      for output in outputs where seen.insert(output).inserted { left.append((output, cells)) }
    }
    var next = 0
    while next < left.count {
      let (value, cells) = left[next]
      next += 1
      for layer in users[value] ?? [] {
        switch layer.kind {
        case "Convolution":
          if let shape = layer.weights.first?.shape, shape.count > 1 { return shape[1] / cells }
        case "Split", "Padding", "Dropout", "Noop", "ReLU", "Sigmoid", "TanH", "Clip", "Pooling",
          "Interp":
          follow(layer.outputs, cells)
        case "BinaryOp" where layer.integer(1) != 0: follow(layer.outputs.prefix(1), cells)
        case "Reorg":
          let step = min(max(1, layer.integer(0, 1)), Self.largestFactor)
          follow(layer.outputs.prefix(1), min(cells * step * step, Self.largestWidth))
        default: continue
        }
      }
    }
    return nil
  }

  // MARK: Layers

  mutating func run() throws {
    channels[try inputName()] = wanted(try inputName())
    for layer in source.layers where layer.kind != "Input" { try convert(layer) }
  }

  private mutating func convert(_ layer: NCNNModel.Layer) throws {
    func unsupported(_ reason: String) -> GraphModelsError {
      .unsupportedForm(operator: layer.kind, node: layer.name, reason: reason)
    }
    guard let first = layer.inputs.first, let result = layer.outputs.first else {
      throw unsupported("it has no input or no output")
    }
    guard layer.kind == "Split" || layer.outputs.count == 1 else {
      throw unsupported("it has \(layer.outputs.count) outputs")
    }
    channels[result] = channels[first]
    switch layer.kind {
    case "Split":
      for output in layer.outputs {
        channels[output] = channels[first]
        emit("Identity", [first], output)
      }
    case "Dropout", "Noop": emit("Identity", [first], result)
    case "Convolution", "ConvolutionDepthWise": try convolution(layer, first, result)
    case "Deconvolution", "DeconvolutionDepthWise": try deconvolution(layer, first, result)
    case "BatchNorm":
      // Slope, mean, variance and bias, as ncnn stores them.
      let names = ["slope", "mean", "variance", "bias"].indices.map {
        store(layer.weights[$0], "\(layer.name)/\($0)")
      }
      emit(
        "BatchNormalization",
        [first, names[0], names[3], names[1], names[2]],
        result,
        ["epsilon": .number(Float(layer.number(1)))]
      )
    case "InstanceNorm":
      let count = layer.integer(0)
      var weights = layer.weights
      if weights.isEmpty {
        guard let count = (1...Self.largestWidth).contains(count) ? count : channels[first] else {
          throw unsupported("its channels are not known")
        }
        weights = [1, 0].map { StoredTensor(Tensor(repeating: $0, shape: [count])) }
      }
      emit(
        "InstanceNormalization",
        [
          first, store(weights[0], layer.name + "/scale"), store(weights[1], layer.name + "/shift"),
        ],
        result,
        ["epsilon": .number(Float(layer.number(1, 1e-3)))]
      )
    case "Scale":
      let scaled = layer.weights.count > 1 ? layer.name + "/scaled" : result
      emit("Mul", [first, store(layer.weights[0], layer.name + "/scale")], scaled)
      if layer.weights.count > 1 {
        emit("Add", [scaled, store(layer.weights[1], layer.name + "/shift")], result)
      }
    case "PReLU": emit("PRelu", [first, store(layer.weights[0], layer.name + "/slope")], result)
    case "ReLU": activation(2, [layer.number(0)], first, result, layer.name)
    case "Clip":
      let limits = [layer.number(0, -.greatestFiniteMagnitude), layer.number(1, .infinity)]
      activation(3, limits, first, result, layer.name)
    case "Sigmoid": emit("Sigmoid", [first], result)
    case "TanH": emit("Tanh", [first], result)
    case "Softplus": emit("Softplus", [first], result)
    case "Mish": emit("Mish", [first], result)
    case "ELU": emit("Elu", [first], result, ["alpha": .number(Float(layer.number(0, 0.1)))])
    case "Swish":
      emit("Sigmoid", [first], layer.name + "/gate")
      emit("Mul", [first, layer.name + "/gate"], result)
    case "Softmax":
      guard layer.integer(0) == 0 else { throw unsupported("it is not along the channels") }
      emit("Softmax", [first], result, ["axis": .integer(1)])
    case "Concat":
      let axis = layer.integer(0)
      guard (0...2).contains(axis) else { throw unsupported("the axis \(axis)") }
      emit("Concat", layer.inputs, result, ["axis": .integer(axis + 1)])
      if axis == 0 {
        let counts = layer.inputs.compactMap { channels[$0] }
        let sum = counts.reduce(0, +)
        guard sum <= Self.largestWidth else { throw unsupported("\(sum) channels") }
        channels[result] = counts.count == layer.inputs.count ? sum : nil
      }
    case "Eltwise", "BinaryOp": try arithmetic(layer, first, result)
    case "Interp": try interpolation(layer, first, result)
    case "PixelShuffle":
      let factor = layer.integer(0, 1)
      guard (1...Self.largestFactor).contains(factor) else {
        throw unsupported("a factor of \(factor)")
      }
      channels[result] = channels[first].map { $0 / (factor * factor) }
      emit(
        "DepthToSpace",
        [first],
        result,
        ["blocksize": .integer(factor), "mode": .text(layer.integer(1) == 0 ? "CRD" : "DCR")]
      )
    case "Reorg": try reorganization(layer, first, result)
    case "Padding": try padding(layer, first, result)
    case "Pooling": try pooling(layer, first, result)
    default:
      throw GraphModelsError.unsupportedOperator(name: layer.kind, node: layer.name, opset: 17)
    }
  }

  /// The activation that a layer has in itself.
  mutating func finish(
    _ layer: NCNNModel.Layer,
    _ raw: String,
    _ result: String
  ) throws {
    let kind = layer.integer(9)
    guard kind != 0 else { return }
    guard (1...6).contains(kind), kind != 3 || layer.values[10]?.count == 2 else {
      throw GraphModelsError.unsupportedForm(
        operator: layer.kind,
        node: layer.name,
        reason: "the activation \(kind)"
      )
    }
    activation(kind, layer.values[10] ?? [], raw, result, layer.name)
  }

  private mutating func activation(
    _ kind: Int,
    _ values: [Double],
    _ from: String,
    _ to: String,
    _ name: String
  ) {
    switch kind {
    case 1: emit("Relu", [from], to)
    case 2:
      let slope = values.first ?? 0
      if slope == 0 {
        emit("Relu", [from], to)
      } else {
        emit("LeakyRelu", [from], to, ["alpha": .number(Float(slope))])
      }
    case 3:
      let limits = values.enumerated().map {
        store(StoredTensor(Tensor([Float($0.element)], shape: [])), "\(name)/limit\($0.offset)")
      }
      emit("Clip", [from] + limits, to)
    case 4: emit("Sigmoid", [from], to)
    case 5: emit("Mish", [from], to)
    default:
      emit(
        "HardSigmoid",
        [from],
        name + "/gate",
        [
          "alpha": .number(Float(values.first ?? 0)),
          "beta": .number(Float(values.dropFirst().first ?? 0)),
        ]
      )
      emit("Mul", [from, name + "/gate"], to)
    }
  }

  private mutating func arithmetic(
    _ layer: NCNNModel.Layer,
    _ first: String,
    _ result: String
  ) throws {
    let kind = layer.integer(0)
    if layer.kind == "Eltwise" {
      guard let name = ["Mul", "Sum", "Max"].element(at: kind) else {
        throw GraphModelsError.unsupportedForm(
          operator: layer.kind,
          node: layer.name,
          reason: "the operation \(kind)"
        )
      }
      var operands = layer.inputs
      if kind == 1, let factors = layer.values[1], factors.count == operands.count,
        factors.contains(where: { $0 != 1 })
      {
        for (index, factor) in factors.enumerated() {
          let scaled = "\(layer.name)/scaled\(index)"
          emit("Mul", [operands[index], number(factor, "\(layer.name)/factor\(index)")], scaled)
          operands[index] = scaled
        }
      }
      // A product of more than two has no operator of its own.
      var sum = operands[0]
      for (index, operand) in operands.dropFirst().enumerated() {
        let isLast = index == operands.count - 2
        let next = isLast ? result : "\(layer.name)/part\(index)"
        emit(name == "Sum" ? "Add" : name, [sum, operand], next)
        sum = next
      }
      if operands.count == 1 { emit("Identity", [sum], result) }
      return
    }
    var operands = layer.inputs
    if layer.integer(1) != 0 {
      operands = [first, number(layer.number(2), layer.name + "/number")]
    }
    let names = ["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sub", "Div"]
    guard let name = names.element(at: kind), operands.count == 2 else {
      throw GraphModelsError.unsupportedForm(
        operator: layer.kind,
        node: layer.name,
        reason: "the operation \(kind) of \(operands.count)"
      )
    }
    // The last two have their operands the other way round.
    emit(name, kind >= 7 ? operands.reversed() : operands, result)
  }

  // MARK: Output

  mutating func emit(
    _ name: String,
    _ inputs: [String],
    _ output: String,
    _ attributes: [String: OperatorGraph.Attribute] = [:]
  ) {
    nodes.append(
      OperatorGraph.Node(name, inputs: inputs, outputs: [output], attributes: attributes)
    )
  }

  mutating func store(_ tensor: StoredTensor, _ name: String) -> String {
    constants[name] = tensor
    return name
  }

  mutating func number(_ value: Double, _ name: String) -> String {
    store(StoredTensor(Tensor([Float(value)], shape: [])), name)
  }
}
