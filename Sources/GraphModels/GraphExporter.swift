import Layers
import Networks
import Support
import Tensors

/// Turns the steps of traces into nodes of one graph.
struct GraphExporter {
  /// What was written so far, without the weights.
  private(set) var graph: OperatorGraph
  /// Whether a step holds only for the spatial sizes that were traced.
  var fixesSpace = false
  /// Names of parameters by where their numbers lie.
  private var parameterNames: [ObjectIdentifier: String] = [:]
  private var parameters: [String: Tensor] = [:]
  /// The parameters that nodes read.
  private var weights: Set<String> = []
  /// Values of a trace whose spatial axes were averaged away, so that they are 1 whatever the size.
  private var pooled: Set<Int> = []
  /// Names of a trace's values by number.
  private var names: [Int: String] = [:]
  /// Results of recurrences by the number of the value that holds them all.
  private var sweeps: [Int: Sweep] = [:]
  private var shapes: [[Int]] = []
  private var counter = 0

  /// The hidden states of a recurrence, `[T, N, width]`, and its last states, `[1, N, width]` each.
  struct Sweep {
    let steps: Int
    let hidden: String
    let last: [String]
  }

  init(_ network: any Layer, name: String) {
    graph = OperatorGraph(name: name)
    graph.producer = ("lamina", Version.current)
    for (name, parameter) in network.namedParameters {
      let value = parameter.value
      parameterNames[ObjectIdentifier(value.storage)] = name
      parameters[name] = value
    }
  }

  /// The graph with its weights.
  var finished: OperatorGraph {
    var result = graph
    for name in weights { result.constants[name] = parameters[name].map { StoredTensor($0) } }
    return result
  }

  /// Writes those steps of a trace down that its results need.
  /// - Parameters:
  ///   - inputs: The symbolic inputs, and what they are called in the graph.
  ///   - compute: What is traced; its results, and what they are to be called.
  /// - Returns: The shapes of the results.
  /// - Throws: `GraphModelsError.notExportable`.
  @discardableResult
  mutating func write(
    inputs: [(name: String, shape: [Int])],
    _ compute: ([Tensor]) -> [(name: String, tensor: Tensor)]
  ) throws -> [[Int]] {
    let trace = GraphTrace()
    let tensors = inputs.map { trace.input(shape: $0.shape) }
    let results = GraphTrace.$current.withValue(trace) { compute(tensors) }
    (names, sweeps, shapes, pooled) = ([:], [:], trace.shapes, [])
    for (input, tensor) in zip(inputs, tensors) {
      if let symbol = tensor.symbol { names[symbol.index] = input.name }
    }
    var wanted: Set<Int> = []
    var resultNames: [Int: [String]] = [:]
    for (name, tensor) in results {
      guard let symbol = tensor.symbol, names[symbol.index] == nil else {
        throw GraphModelsError.notExportable(
          operation: graph.name,
          reason: "its result does not depend on its input"
        )
      }
      wanted.insert(symbol.index)
      resultNames[symbol.index, default: []].append(name)
    }
    var steps: [GraphStep] = []
    for step in trace.steps.reversed() where wanted.contains(step.result.index) {
      for case .value(let symbol) in step.operands { wanted.insert(symbol.index) }
      steps.append(step)
    }
    for step in steps.reversed() {
      try write(step, named: resultNames[step.result.index] ?? [])
    }
    return results.map(\.tensor.shape)
  }

  /// Declares what goes in and comes out.
  mutating func declare(inputs: [OperatorGraph.Value], outputs: [OperatorGraph.Value]) {
    (graph.inputs, graph.outputs) = (inputs, outputs)
  }

  // MARK: Names

  /// The name of an operand; a constant is added to the graph when it is first used.
  mutating func name(of operand: GraphStep.Operand) -> String {
    switch operand {
    case .value(let symbol):
      if let known = names[symbol.index] { return known }
      guard let sweep = sweeps[symbol.index] else { return "" }
      let whole = node("Concat", [sweep.hidden] + sweep.last, ["axis": .integer(0)])
      names[symbol.index] = whole
      return whole
    case .constant(let tensor): return constant(tensor)
    }
  }

  func shape(of operand: GraphStep.Operand) -> [Int] {
    switch operand {
    case .value(let symbol): shapes[symbol.index]
    case .constant(let tensor): tensor.shape
    }
  }

  /// The recurrence whose results an operand holds.
  func sweep(of operand: GraphStep.Operand?) -> Sweep? {
    if case .value(let symbol)? = operand { sweeps[symbol.index] } else { nil }
  }

  mutating func constant(_ tensor: Tensor, hint: String = "constant") -> String {
    if let own = parameterNames[ObjectIdentifier(tensor.storage)], let known = parameters[own],
      known.count == tensor.count
    {
      weights.insert(own)
      return known.shape == tensor.shape
        ? own : node("Reshape", [own, constant(tensor.shape, "shape")])
    }
    return constant(StoredTensor(tensor), hint)
  }

  mutating func constant(_ integers: [Int], _ hint: String) -> String {
    constant(StoredTensor(integers: integers), hint)
  }

  /// A single number without axes.
  mutating func number(_ value: Float, _ hint: String = "constant") -> String {
    constant(StoredTensor(Tensor([value], shape: [])), hint)
  }

  mutating func constant(_ stored: StoredTensor, _ hint: String) -> String {
    let name = fresh(hint)
    graph.constants[name] = stored
    return name
  }

  mutating func fresh(_ hint: String) -> String {
    counter += 1
    return "\(hint)_\(counter)"
  }

  // MARK: Nodes

  /// A value with an axis of one more.
  mutating func unsqueezed(_ x: String, axis: Int = 0) -> String {
    node("Unsqueeze", [x, constant([axis], "axes")])
  }

  /// A value without an axis of one.
  mutating func squeezed(_ x: String, axis: Int) -> String {
    node("Squeeze", [x, constant([axis], "axes")])
  }

  /// Adds a node and returns the name of its result.
  mutating func node(
    _ operatorName: String,
    _ inputs: [String],
    _ attributes: [String: OperatorGraph.Attribute] = [:],
    result: String? = nil
  ) -> String {
    let output = result ?? fresh(operatorName.lowercased())
    add(operatorName, inputs, attributes, [output])
    return output
  }

  /// Adds a node of several results and returns their names.
  mutating func nodes(
    _ operatorName: String,
    _ inputs: [String],
    _ attributes: [String: OperatorGraph.Attribute] = [:],
    results: Int
  ) -> [String] {
    let outputs = (0..<results).map { _ in fresh(operatorName.lowercased()) }
    add(operatorName, inputs, attributes, outputs)
    return outputs
  }

  private mutating func add(
    _ operatorName: String,
    _ inputs: [String],
    _ attributes: [String: OperatorGraph.Attribute],
    _ outputs: [String]
  ) {
    let given = inputs.lastIndex { !$0.isEmpty }.map { Array(inputs[...$0]) } ?? []
    graph.nodes.append(
      OperatorGraph.Node(operatorName, inputs: given, outputs: outputs, attributes: attributes)
    )
  }

  /// Gathers the nodes that are added meanwhile into a graph that another node runs.
  mutating func body(
    _ name: String,
    inputs: [OperatorGraph.Value],
    _ build: (inout GraphExporter) throws -> [OperatorGraph.Value]
  ) rethrows -> OperatorGraph {
    let outer = graph.nodes
    graph.nodes = []
    defer { graph.nodes = outer }
    let outputs = try build(&self)
    return OperatorGraph(name: name, nodes: graph.nodes, inputs: inputs, outputs: outputs)
  }

  // MARK: Steps

  private mutating func write(_ step: GraphStep, named wanted: [String]) throws {
    if let sweep = try sweep(step) {
      sweeps[step.result.index] = sweep
      return
    }
    notePooling(step)
    var inputs: [String] = []
    let part = self.part(step)
    if part == nil {
      for operand in step.operands { inputs.append(name(of: operand)) }
    }
    let result = try part ?? self.result(step, inputs)
    names[step.result.index] = wanted.first ?? result
    var rest = wanted[...]
    // The last node's result gets the wanted name; what others know by its own keeps that.
    if part == nil, let first = rest.first, let last = graph.nodes.indices.last,
      graph.nodes[last].outputs == [result]
    {
      graph.nodes[last].outputs = [first]
      graph.nodes[last].name = first
      rest = rest.dropFirst()
    }
    for name in rest {
      _ = node("Identity", [name == wanted[0] ? result : wanted[0]], result: name)
    }
  }

  /// Finds values whose spatial axes are gone.
  private mutating func notePooling(_ step: GraphStep) {
    let values = step.operands.compactMap { operand -> Int? in
      if case .value(let symbol) = operand { symbol.index } else { nil }
    }
    let averages: Set = [
      "adaptive-average-pool", "adaptive-max-pool", "mean", "sum", "maximum-over", "minimum-over",
    ]
    var isAverage = !values.isEmpty && values.allSatisfy(pooled.contains)
    if case .general(let kind) = step.action, averages.contains(kind) { isAverage = true }
    if isAverage, step.shape.dropFirst(2).allSatisfy({ $0 == 1 }) {
      pooled.insert(step.result.index)
    }
  }

  /// Whether axes of an operand that are 1 are so whatever the input's size is.
  func isPooled(_ operand: GraphStep.Operand?) -> Bool {
    if case .value(let symbol)? = operand { pooled.contains(symbol.index) } else { true }
  }

  private mutating func result(_ step: GraphStep, _ inputs: [String]) throws -> String {
    switch step.action {
    case .convolution(let shape):
      return node("Conv", inputs, window(shape, shapeOfWeight(step)))
    case .transposedConvolution(let shape):
      var attributes = window(shape, shapeOfWeight(step))
      if case .integers(let padding)? = step.attributes["outputPadding"] {
        attributes["output_padding"] = .integers(padding)
      }
      return node("ConvTranspose", inputs, attributes)
    case .normalization(let action): return normalization(step, inputs, action)
    case .leakyReLU(let slope): return rectifier(inputs[0], slope)
    case .maxPooling(let shape): return node("MaxPool", inputs, window(shape))
    case .averagePooling(let shape): return node("AveragePool", inputs, window(shape))
    case .concatenation: return node("Concat", inputs, ["axis": .integer(1)])
    case .addition: return node("Add", inputs)
    case .scaling(let factor): return node("Mul", [inputs[0], number(factor, "factor")])
    case .repetition(let factors):
      if shape(of: step.operands[0]).dropFirst(2).allSatisfy({ $0 == 1 }) { fixesSpace = true }
      let scales = Tensor([1, 1] + factors.map { Float($0) }, shape: [factors.count + 2])
      return node(
        "Resize",
        [inputs[0], "", constant(scales, hint: "scales")],
        [
          "mode": .text("nearest"), "coordinate_transformation_mode": .text("asymmetric"),
          "nearest_mode": .text("floor"),
        ]
      )
    case .activation(let activation): return try general(activation.name, step, inputs)
    case .parametricReLU: return try general("prelu", step, inputs)
    case .general(let name): return try general(name, step, inputs)
    }
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
