public import Layers
public import Networks
public import Tensors

/// A network that is a graph of operators, such as an ONNX file.
///
/// Everything that does not depend on a size is checked when it is made; `check(inputShape:)` finds
/// the rest. Values that depend on nothing but constants are computed once; what no output needs is
/// never computed, nor need it be known. Sizes, axes and indices are computed while the network is
/// traced, so that a plan holds nothing but work on feature maps.
///
/// As a `Network` it has one input and one output; `run` takes and gives all of them.
public final class GraphNetwork: Network {
  /// The graph as the file has it.
  public let graph: OperatorGraph
  /// What has to be put in.
  public let inputs: [OperatorGraph.Value]
  /// What comes out.
  public let outputs: [OperatorGraph.Value]
  /// The output that the network returns when it is called.
  public let output: String
  /// The nodes that the outputs need, in order.
  private let nodes: [OperatorGraph.Node]
  /// The number of weights in the file that the outputs need; running statistics cannot be told apart.
  public let weightCount: Int
  /// What depends on constants alone.
  private let constants: [String: GraphValue]

  /// Opens an ONNX file.
  /// - Parameters:
  ///   - path: The file.
  ///   - output: The output that the network returns when it is called; the first one when nil.
  ///   - fixed: Values of inputs that are not put in each time, by name.
  /// - Throws: As `OperatorGraph.init(contentsOf:)` and `init(_:output:fixed:)`.
  public convenience init(
    contentsOf path: String,
    output: String? = nil,
    fixed: [String: GraphValue] = [:]
  ) throws {
    try self.init(try OperatorGraph(contentsOf: path), output: output, fixed: fixed)
  }

  /// Prepares a graph.
  /// - Parameters:
  ///   - graph: The graph.
  ///   - output: The output that the network returns when it is called; the first one when nil.
  ///   - fixed: Values of inputs that are not put in each time, by name.
  /// - Throws: `GraphModelsError.unsupportedOperator` and `.unsupportedForm` for what an output needs
  ///   and the engine lacks; `.invalidNode` when nodes contradict themselves or each other;
  ///   `.unfitInput` when there is no such input or output.
  public init(
    _ graph: OperatorGraph,
    output: String? = nil,
    fixed: [String: GraphValue] = [:]
  ) throws {
    self.graph = graph
    for name in fixed.keys where !graph.inputs.contains(where: { $0.name == name }) {
      throw GraphModelsError.unfitInput(name: name, reason: "the network has no such input")
    }
    let names = graph.outputs.map(\.name)
    guard let chosen = output ?? names.first, names.contains(chosen) else {
      throw GraphModelsError.unfitInput(
        name: output ?? "",
        reason: "the network has the outputs \(names.prefix(8).joined(separator: ", "))"
      )
    }
    self.output = chosen
    let reachable = try Self.reachableNodes(of: graph)
    let wanted = Set(reachable.flatMap { Self.names(of: $0) } + names)
    inputs = graph.inputs.filter { wanted.contains($0.name) && fixed[$0.name] == nil }
    outputs = graph.outputs
    weightCount = Self.weightCount(of: reachable, in: graph)
    var known: [String: GraphValue] = [:]
    for (name, stored) in graph.constants where wanted.contains(name) {
      known[name] = GraphValue(stored)
    }
    for (name, value) in fixed { known[name] = value }
    // Nodes of constants alone run now.
    var rest: [OperatorGraph.Node] = []
    let budget = GraphBudget()
    for node in reachable {
      if Self.names(of: node).allSatisfy({ known[$0] != nil }) {
        try GraphRun.run(node, opset: graph.opset, values: &known, budget: budget)
      } else {
        rest.append(node)
      }
    }
    nodes = rest
    // Those that nothing reads any more would only take memory.
    let read = Set(rest.flatMap { Self.names(of: $0) } + names)
    constants = known.filter { read.contains($0.key) }
    if inputs.count == 1, inputs[0].type.isFloating,
      let shape = Self.fixedShape(of: inputs[0])
    {
      do {
        try check(inputShape: shape)
      } catch GraphModelsError.unsupportedForm {
        // It may run where it cannot be planned, such as when sizes depend on values.
      }
    }
  }

  /// Counts the numbers of constants that are computed with: fractions and integers of 8 bits, but no
  /// single numbers, such as limits, and no scales of resizing.
  private static func weightCount(of nodes: [OperatorGraph.Node], in graph: OperatorGraph) -> Int {
    func count(_ tensor: StoredTensor) -> Int {
      let isWeight = tensor.type.isFloating || [.int8, .uint8].contains(tensor.type)
      return isWeight && !tensor.shape.isEmpty ? tensor.count : 0
    }
    let computing = nodes.filter { !["Resize", "Upsample"].contains($0.operatorName) }
    let read = Set(computing.flatMap { names(of: $0) })
    let stored = graph.constants.filter { read.contains($0.key) }.reduce(0) { $0 + count($1.value) }
    return computing.filter { $0.operatorName == "Constant" && !read.isDisjoint(with: $0.outputs) }
      .reduce(stored) { sum, node in
        if case .tensor(let value) = node.attributes["value"] { sum + count(value) } else { sum }
      }
  }

  /// Every size of an input that has none free.
  private static func fixedShape(of value: OperatorGraph.Value) -> [Int]? {
    guard let dimensions = value.dimensions else { return nil }
    let sizes = dimensions.compactMap(\.size)
    return sizes.count == dimensions.count ? sizes : nil
  }

  /// The names that a node reads, those that graphs inside of it read from outside too.
  private static func names(of node: OperatorGraph.Node) -> [String] {
    var names = node.inputs.filter { !$0.isEmpty }
    for case .graph(let inner) in node.attributes.values {
      let own = Set(
        inner.nodes.flatMap(\.outputs) + Array(inner.constants.keys) + inner.inputs.map(\.name)
      )
      names += (inner.nodes.flatMap { Self.names(of: $0) } + inner.outputs.map(\.name))
        .filter { !own.contains($0) }
    }
    return names
  }

  /// The nodes that the outputs need, checked: each value is made once, and before it is read.
  private static func reachableNodes(of graph: OperatorGraph) throws -> [OperatorGraph.Node] {
    func invalid(_ node: OperatorGraph.Node, _ reason: String) -> GraphModelsError {
      .invalidNode(operator: node.operatorName, node: node.name, reason: reason)
    }
    var made = Set(graph.inputs.map(\.name)).union(graph.constants.keys)
    for node in graph.nodes {
      for name in names(of: node) where !made.contains(name) {
        throw invalid(node, "nothing before it makes its operand \(name)")
      }
      for name in node.outputs where !name.isEmpty {
        guard made.insert(name).inserted else {
          throw invalid(node, "its result \(name) is made twice")
        }
      }
    }
    for value in graph.outputs where !made.contains(value.name) {
      throw GraphModelsError.unfitInput(name: value.name, reason: "nothing makes this output")
    }
    var wanted = Set(graph.outputs.map(\.name))
    var reachable: [OperatorGraph.Node] = []
    for node in graph.nodes.reversed() where node.outputs.contains(where: wanted.contains) {
      try GraphRun.check(node, opset: graph.opset)
      wanted.formUnion(names(of: node))
      reachable.append(node)
    }
    return reachable.reversed()
  }

  // MARK: Running

  /// Finds out whether inputs of a shape can be put in, without computing anything of their values.
  /// - Parameter inputShape: The shape of the only input.
  /// - Returns: The shape of the chosen output.
  /// - Throws: `GraphModelsError` when the network does not take it.
  @discardableResult
  public func check(inputShape: [Int]) throws -> [Int] {
    guard inputs.count == 1 else { throw notSingle }
    let trace = GraphTrace()
    let x = trace.input(shape: inputShape)
    let result = try GraphTrace.$current.withValue(trace) {
      try run([inputs[0].name: GraphValue(inputs[0].type, x)], for: [output])
    }
    guard let value = result[output] else { throw notSingle }
    return value.shape
  }

  private var notSingle: GraphModelsError {
    .unfitInput(
      name: inputs.map(\.name).joined(separator: ", "),
      reason: "there are \(inputs.count) inputs where one is wanted; fix the others' values"
    )
  }

  /// Computes outputs from inputs.
  /// - Parameters:
  ///   - values: A value for each of `inputs`, by name.
  ///   - wanted: The outputs to compute; all when nil.
  /// - Returns: The outputs by name.
  /// - Throws: `GraphModelsError` when an input is missing or does not fit.
  public func run(
    _ values: [String: GraphValue],
    for wanted: [String]? = nil
  ) throws -> [String: GraphValue] {
    for input in inputs {
      guard let value = values[input.name] else {
        throw GraphModelsError.unfitInput(name: input.name, reason: "it is missing")
      }
      try Self.check(value, input)
    }
    var known = constants
    for (name, value) in values { known[name] = value }
    let wanted = wanted ?? outputs.map(\.name)
    for name in wanted where !outputs.contains(where: { $0.name == name }) {
      throw GraphModelsError.unfitInput(name: name, reason: "there is no such output")
    }
    // Only what these outputs need.
    var needed = Set(wanted)
    var plan: [OperatorGraph.Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
      needed.formUnion(Self.names(of: node))
      plan.append(node)
    }
    plan.reverse()
    // A value goes when its last reader has run.
    var last: [String: Int] = [:]
    for (index, node) in plan.enumerated() {
      for name in Self.names(of: node) { last[name] = index }
    }
    let budget = GraphBudget()
    for (index, node) in plan.enumerated() {
      try GraphRun.run(node, opset: graph.opset, values: &known, budget: budget)
      for name in Self.names(of: node)
      where last[name] == index && !wanted.contains(name) { known[name] = nil }
    }
    for name in wanted where known[name]?.sequence != nil {
      throw GraphModelsError.unfitInput(name: name, reason: "this output is a sequence of tensors")
    }
    return known.filter { wanted.contains($0.key) }
  }

  private static func check(_ value: GraphValue, _ input: OperatorGraph.Value) throws {
    func unfit(_ reason: String) -> GraphModelsError {
      .unfitInput(name: input.name, reason: reason)
    }
    guard value.type.isFloating == input.type.isFloating else {
      throw unfit("its numbers are \(value.type) and not \(input.type)")
    }
    guard let dimensions = input.dimensions else { return }
    let fits =
      dimensions.count == value.shape.count
      && zip(dimensions, value.shape).allSatisfy { ($0.size ?? $1) == $1 }
    guard fits, StoredTensor.count(value.shape) != nil else {
      let wanted = dimensions.map { $0.size.map { "\($0)" } ?? "any" }.joined(separator: " x ")
      throw unfit("its shape is \(value.shape) and not \(wanted)")
    }
  }

  // MARK: Network

  /// Any size; whether one fits says `check(inputShape:)`.
  public var sizeMultiple: Int { 1 }

  /// Applies the network to its only input.
  /// - Parameters:
  ///   - x: The input, as the file declares it.
  ///   - context: To predict; graphs are not trained.
  /// - Returns: The chosen output.
  /// - Precondition: `check(inputShape:)` throws nothing for the shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(inputs.count == 1, "\(inputs.count) inputs where one is wanted")
    do {
      let result = try run([inputs[0].name: GraphValue(inputs[0].type, x)], for: [output])
      guard let value = result[output] else { preconditionFailure("there is no \(output)") }
      return value.tensor
    } catch {
      preconditionFailure("\(error) Ask check(inputShape:) first.")
    }
  }
}
