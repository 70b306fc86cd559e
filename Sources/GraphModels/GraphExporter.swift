import Layers
public import Networks
import Support
import Tensors

extension OperatorGraph {
  /// Writes a network down as a graph of ONNX's operators, version 17.
  ///
  /// The network is traced once. Weights keep their names, as in a state dictionary. The number of
  /// samples is free, and so are spatial sizes, where no step of the network depends on them.
  /// - Parameters:
  ///   - network: The network.
  ///   - inputShape: The input that is traced, `[N, C, H, W]` or with depth.
  ///   - name: The graph's name.
  ///   - inputName: The name of its input.
  ///   - outputName: The name of its output.
  /// - Returns: The graph.
  /// - Throws: `GraphModelsError.notExportable` when a step has no counterpart, and for detectors of two stages.
  /// - Precondition: The network takes an input of this shape.
  public static func exported(
    from network: any Network,
    inputShape: [Int],
    name: String = "network",
    inputName: String = "input",
    outputName: String = "output"
  ) throws -> OperatorGraph {
    if network is RegionNetwork {
      throw GraphModelsError.notExportable(
        operation: "region proposal",
        reason: "a detector of two stages chooses regions between its networks"
      )
    }
    var exporter = GraphExporter(network, inputName: inputName, outputName: outputName)
    return try exporter.export(network, inputShape: inputShape, name: name)
  }
}

/// Turns the steps of a trace into nodes.
struct GraphExporter {
  private(set) var graph = OperatorGraph(name: "")
  /// Whether a step holds only for the sizes that were traced.
  var fixesBatch = false
  var fixesSpace = false
  private let inputName: String
  private let outputName: String
  /// Names of parameters by where their numbers lie.
  private var parameterNames: [ObjectIdentifier: String] = [:]
  private var parameters: [String: Tensor] = [:]
  /// Names of values by number.
  private var names: [Int: String] = [:]
  private var shapes: [[Int]] = []
  private var outputIndex = -1
  private var counter = 0

  init(_ network: any Network, inputName: String, outputName: String) {
    self.inputName = inputName
    self.outputName = outputName
    for (name, parameter) in network.namedParameters {
      let value = parameter.value
      parameterNames[ObjectIdentifier(value.storage)] = name
      parameters[name] = value
    }
  }

  mutating func export(
    _ network: any Network,
    inputShape: [Int],
    name: String
  ) throws -> OperatorGraph {
    let trace = GraphTrace()
    let x = trace.input(shape: inputShape)
    let y = GraphTrace.$current.withValue(trace) { network(x, in: .inference) }
    guard let input = x.symbol, let output = y.symbol, output != input else {
      throw GraphModelsError.notExportable(
        operation: name,
        reason: "its result does not depend on its input"
      )
    }
    graph.name = name
    graph.producer = ("lamina", Version.current)
    shapes = trace.shapes
    names[input.index] = inputName
    outputIndex = output.index
    // Only steps that the output needs.
    var wanted: Set<Int> = [output.index]
    var steps: [GraphStep] = []
    for step in trace.steps.reversed() where wanted.contains(step.result.index) {
      for case .value(let symbol) in step.operands { wanted.insert(symbol.index) }
      steps.append(step)
    }
    for step in steps.reversed() { try write(step) }
    func dimensions(_ shape: [Int], output: Bool) -> [OperatorGraph.Dimension] {
      shape.enumerated().map { axis, size in
        if axis == 0 { return fixesBatch ? .fixed(size) : .free("batch") }
        if axis == 1 || fixesSpace { return .fixed(size) }
        let place = axis + 3 - shape.count
        return .free(output || place < 0 ? "" : ["depth", "height", "width"][place])
      }
    }
    graph.inputs = [
      OperatorGraph.Value(inputName, dimensions: dimensions(inputShape, output: false))
    ]
    graph.outputs = [
      OperatorGraph.Value(outputName, dimensions: dimensions(y.shape, output: true))
    ]
    return graph
  }

  // MARK: Names

  /// The name of an operand; a constant is added to the graph when it is first used.
  mutating func name(of operand: GraphStep.Operand) -> String {
    switch operand {
    case .value(let symbol): return names[symbol.index] ?? ""
    case .constant(let tensor): return constant(tensor)
    }
  }

  func shape(of operand: GraphStep.Operand) -> [Int] {
    switch operand {
    case .value(let symbol): shapes[symbol.index]
    case .constant(let tensor): tensor.shape
    }
  }

  mutating func constant(_ tensor: Tensor, hint: String = "constant") -> String {
    let own = parameterNames[ObjectIdentifier(tensor.storage)]
    if let own, parameters[own]?.shape == tensor.shape {
      if graph.constants[own] == nil { graph.constants[own] = StoredTensor(tensor) }
      return own
    }
    return add(StoredTensor(tensor), own ?? hint)
  }

  mutating func constant(_ integers: [Int], _ hint: String) -> String {
    add(StoredTensor(integers: integers), hint)
  }

  private mutating func add(_ stored: StoredTensor, _ hint: String) -> String {
    let name = fresh(hint)
    graph.constants[name] = stored
    return name
  }

  mutating func fresh(_ hint: String) -> String {
    counter += 1
    return "\(hint)_\(counter)"
  }

  /// Adds a node and returns the name of its result.
  mutating func node(
    _ operatorName: String,
    _ inputs: [String],
    _ attributes: [String: OperatorGraph.Attribute] = [:],
    result: String? = nil
  ) -> String {
    let output = result ?? fresh(operatorName.lowercased())
    graph.nodes.append(
      OperatorGraph.Node(operatorName, inputs: inputs, outputs: [output], attributes: attributes)
    )
    return output
  }

  /// Gives a step's value its name: that of the last node, which is the output's own where it is.
  private mutating func finish(_ step: GraphStep, _ name: String) {
    guard step.result.index == outputIndex else {
      names[step.result.index] = name
      return
    }
    names[step.result.index] = outputName
    if let last = graph.nodes.indices.last, graph.nodes[last].outputs == [name] {
      graph.nodes[last].outputs = [outputName]
      graph.nodes[last].name = outputName
    } else {
      _ = node("Identity", [name], result: outputName)
    }
  }

  // MARK: Steps

  private mutating func write(_ step: GraphStep) throws {
    var inputs: [String] = []
    for operand in step.operands { inputs.append(name(of: operand)) }
    let result: String
    switch step.action {
    case .convolution(let shape):
      result = node("Conv", inputs, window(shape, shapeOfWeight(step)))
    case .transposedConvolution(let shape):
      var attributes = window(shape, shapeOfWeight(step))
      if case .integers(let padding)? = step.attributes["outputPadding"] {
        attributes["output_padding"] = .integers(padding)
      }
      result = node("ConvTranspose", inputs, attributes)
    case .normalization(let action): result = normalization(step, inputs, action)
    case .leakyReLU(let slope): result = rectifier(inputs[0], slope)
    case .maxPooling(let shape): result = node("MaxPool", inputs, window(shape))
    case .averagePooling(let shape): result = node("AveragePool", inputs, window(shape))
    case .concatenation: result = node("Concat", inputs, ["axis": .integer(1)])
    case .addition: result = node("Add", inputs)
    case .scaling(let factor):
      result = node("Mul", [inputs[0], constant(Tensor([factor], shape: []), hint: "factor")])
    case .repetition(let factors):
      let scales = Tensor([1, 1] + factors.map { Float($0) }, shape: [factors.count + 2])
      result = node(
        "Resize",
        [inputs[0], "", constant(scales, hint: "scales")],
        [
          "mode": .text("nearest"), "coordinate_transformation_mode": .text("asymmetric"),
          "nearest_mode": .text("floor"),
        ]
      )
    case .activation(let activation): result = try general(activation.name, step, inputs)
    case .parametricReLU: result = try general("prelu", step, inputs)
    case .general(let name): result = try general(name, step, inputs)
    }
    finish(step, result)
  }

  private func shapeOfWeight(_ step: GraphStep) -> [Int] {
    Array(shape(of: step.operands[1]).dropFirst(2))
  }

  private func window(
    _ shape: ConvolutionShape,
    _ kernel: [Int]
  ) -> [String: OperatorGraph.Attribute] {
    [
      "kernel_shape": .integers(kernel), "strides": .integers(shape.stride),
      "pads": .integers(shape.padding + shape.padding), "dilations": .integers(shape.dilation),
      "group": .integer(shape.groups),
    ]
  }

  private func window(_ shape: PoolingShape) -> [String: OperatorGraph.Attribute] {
    [
      "kernel_shape": .integers(shape.kernel), "strides": .integers(shape.stride),
      "pads": .integers(shape.padding + shape.padding),
    ]
  }

  mutating func rectifier(_ x: String, _ slope: Float) -> String {
    slope == 0 ? node("Relu", [x]) : node("LeakyRelu", [x], ["alpha": .number(slope)])
  }

  private mutating func normalization(
    _ step: GraphStep,
    _ inputs: [String],
    _ action: NormalizationAction
  ) -> String {
    let channels = step.shape[1]
    func parts() -> (scale: String?, shift: String?) {
      (
        action.hasScale ? inputs[1] : nil,
        action.hasShift ? inputs[action.hasScale ? 2 : 1] : nil
      )
    }
    let own = parts()
    let scale =
      own.scale ?? constant(Tensor(repeating: 1, shape: [channels]), hint: "scale")
    let shift =
      own.shift ?? constant(Tensor(repeating: 0, shape: [channels]), hint: "shift")
    let epsilon: [String: OperatorGraph.Attribute] = ["epsilon": .number(action.epsilon)]
    var result: String
    if let statistics = action.statistics {
      let mean = statistic(statistics.mean, beside: own.scale, "running_mean")
      let variance = statistic(statistics.variance, beside: own.scale, "running_var")
      result = node("BatchNormalization", [inputs[0], scale, shift, mean, variance], epsilon)
    } else {
      result = node("InstanceNormalization", [inputs[0], scale, shift], epsilon)
    }
    if action.negativeSlope != 1 { result = rectifier(result, action.negativeSlope) }
    return result
  }

  /// A running statistic, under its own name when the parameter is found beside the scale.
  private mutating func statistic(
    _ values: [Float],
    beside scale: String?,
    _ suffix: String
  ) -> String {
    let prefix = scale.flatMap { $0.hasSuffix("weight") ? String($0.dropLast(6)) : nil }
    if let prefix, let known = parameters[prefix + suffix], known.values == values {
      return constant(known)
    }
    return constant(Tensor(values, shape: [values.count]), hint: suffix)
  }
}
