import Tensors

extension OperatorGraph {
  /// Makes a graph of a frozen graph of TensorFlow.
  ///
  /// TensorFlow keeps channels last (`[N, H, W, C]`), graphs keep them second: maps are turned on the way,
  /// and the graph's input and output have channels second. Only what the output needs is looked at;
  /// branches (`Switch`, `Merge`) are followed where the graph's defaults decide them, as those between
  /// training and prediction are.
  /// - Parameters:
  ///   - source: The frozen graph.
  ///   - input: The name of the placeholder that takes images; nil for the only one that can.
  ///   - output: The name of the node that gives the result; nil for the only one that nothing uses.
  /// - Throws: `GraphModelsError.unsupportedOperator` for an operation that is not known,
  ///   `.unsupportedForm` for one in a form that is not, `.unfitInput` where input or output are
  ///   not there or several could be meant.
  public init(
    tensorFlow source: TensorFlowGraph,
    input: String? = nil,
    output: String? = nil
  ) throws {
    var converter = try TensorFlowConverter(source, input: input)
    let name = try output ?? source.onlyOutput()
    guard source.nodes[name] != nil else {
      throw GraphModelsError.unfitInput(name: name, reason: "the graph has no such output")
    }
    guard case .map(let map) = try converter.value(name) else {
      throw GraphModelsError.unfitInput(name: name, reason: "the output depends on no image")
    }
    self.init(
      name: "tensorflow",
      nodes: converter.nodes,
      constants: converter.constants,
      inputs: [converter.input],
      outputs: [Value(map.name, dimensions: converter.dimensions(map))]
    )
    producer = ("TensorFlow", "")
  }
}

extension TensorFlowGraph {
  /// The placeholders that can take images: single precision and a channel axis.
  var imageInputs: [Node] {
    nodes.values.filter {
      $0.operation.hasPrefix("Placeholder") && $0.isFloat
        && (3...5).contains($0.placeholderShape?.count ?? 0)
    }.sorted { $0.name < $1.name }
  }

  /// The one node that nothing uses.
  func onlyOutput() throws -> String {
    let used = Set(nodes.values.flatMap { $0.inputs.map(Self.nodeName) })
    let idle = nodes.values.filter {
      !used.contains($0.name) && $0.operation != "Const"
        && !$0.operation.hasPrefix("Placeholder") && $0.operation != "NoOp"
    }.map(\.name).sorted()
    guard idle.count == 1 else {
      throw GraphModelsError.unfitInput(
        name: "output",
        reason: "it must be named; nodes that nothing uses are "
          + idle.prefix(8).joined(separator: ", ")
      )
    }
    return idle[0]
  }

  /// "name:1" without its number.
  static func nodeName(_ reference: String) -> String {
    guard let colon = reference.lastIndex(of: ":"),
      Int(reference[reference.index(after: colon)...]) != nil
    else { return reference }
    return String(reference[..<colon])
  }

  /// The number after the colon, 0 without.
  static func outputNumber(_ reference: String) -> Int {
    guard let colon = reference.lastIndex(of: ":") else { return 0 }
    return Int(reference[reference.index(after: colon)...]) ?? 0
  }
}

/// A result while a graph is made.
enum TensorFlowValue {
  /// A map with channels second.
  struct Map {
    var name: String
    var rank: Int
    var channels: Int?
  }

  case map(Map)
  /// Numbers that depend on no image, in TensorFlow's order of axes.
  case constant(name: String, shape: [Int])
  /// The side of a branch that is not taken.
  case dead
}

/// Turns nodes into nodes, beginning at the output.
struct TensorFlowConverter {
  let source: TensorFlowGraph
  let input: OperatorGraph.Value
  var nodes: [OperatorGraph.Node] = []
  var constants: [String: StoredTensor] = [:]
  private let inputName: String
  private let inputMap: TensorFlowValue.Map
  private var values: [String: TensorFlowValue] = [:]
  private var names: Set<String> = []
  private let hasBranches: Bool

  /// Longer chains of nodes are none of a network.
  private static let maximumDepth = 20_000

  init(_ source: TensorFlowGraph, input: String?) throws {
    let known = source.imageInputs
    let found = input.map { name in known.filter { $0.name == name } } ?? known
    guard found.count == 1, let node = found.first, let shape = node.placeholderShape else {
      throw GraphModelsError.unfitInput(
        name: input ?? "input",
        reason: "the placeholders for images are "
          + (known.isEmpty ? "none" : known.map(\.name).joined(separator: ", "))
      )
    }
    self.source = source
    inputName = node.name
    let channels = shape.last.flatMap { $0 > 0 ? $0 : nil }
    inputMap = TensorFlowValue.Map(name: node.name, rank: shape.count, channels: channels)
    let sizes = shape.dropFirst().dropLast()
    self.input = OperatorGraph.Value(
      node.name,
      dimensions: [.free("batch"), channels.map { .fixed($0) } ?? .free("channels")]
        + sizes.enumerated().map { $1 > 0 ? .fixed($1) : .free("axis_\($0)") }
    )
    names = [node.name]
    hasBranches = source.nodes.values.contains { $0.operation == "Switch" }
  }

  func dimensions(_ map: TensorFlowValue.Map) -> [OperatorGraph.Dimension] {
    (0..<map.rank).map { axis in
      axis == 1
        ? map.channels.map { .fixed($0) } ?? .free("outputs")
        : .free(axis == 0 ? "batch" : "output_\(axis)")
    }
  }

  // MARK: Order

  /// What a reference stands for; converts what it needs first, without recursion.
  mutating func value(_ reference: String) throws -> TensorFlowValue {
    var pending = [TensorFlowGraph.nodeName(reference)]
    while let name = pending.last {
      guard values[name] == nil else {
        pending.removeLast()
        continue
      }
      guard let node = source.nodes[name] else {
        throw GraphModelsError.damagedModel(
          path: source.path,
          reason: "the node \(name) is not there"
        )
      }
      let missing = needed(node).map(TensorFlowGraph.nodeName).filter { values[$0] == nil }
      if missing.isEmpty {
        values[name] = try convert(node)
        pending.removeLast()
      } else {
        guard pending.count < Self.maximumDepth, !missing.contains(where: pending.contains) else {
          throw GraphModelsError.unsupportedForm(
            operator: node.operation,
            node: name,
            reason: "it belongs to a loop"
          )
        }
        pending.append(missing[0])
      }
    }
    return try known(reference)
  }

  /// The operands that a node's conversion looks at.
  private func needed(_ node: TensorFlowGraph.Node) -> [String] {
    if node.name == inputName { return [] }
    // The size of a transposed convolution follows from its operand.
    if node.operation.contains("BackpropInput") { return Array(node.inputs.dropFirst()) }
    // Only the side that is taken is looked at.
    if node.operation == "Merge" { return node.inputs.filter { !isDead($0) } }
    return node.inputs
  }

  /// A value that was converted; the outputs of a branch differ.
  func known(_ reference: String) throws -> TensorFlowValue {
    if isDead(reference) { return .dead }
    let name = TensorFlowGraph.nodeName(reference)
    guard let value = values[name] else {
      throw GraphModelsError.damagedModel(path: source.path, reason: "\(name) is not there")
    }
    return value
  }

  // MARK: Branches

  /// Whether a reference is the side of a branch that the graph's defaults do not take, or needs one.
  private func isDead(_ reference: String) -> Bool {
    guard hasBranches else { return false }
    var seen: Set<String> = []
    var pending = [reference]
    while let next = pending.popLast() {
      guard let node = source.nodes[TensorFlowGraph.nodeName(next)], node.name != inputName,
        seen.insert(next).inserted, seen.count < Self.maximumDepth
      else { continue }
      if node.operation == "Switch", node.inputs.count == 2 {
        // Output 1 is the side of "true".
        if let truth = truth(node.inputs[1]),
          truth != (TensorFlowGraph.outputNumber(next) == 1)
        {
          return true
        }
        continue
      }
      if node.operation == "Merge" { continue }
      pending += node.inputs
    }
    return false
  }

  /// A truth value that the graph itself gives.
  private func truth(_ reference: String) -> Bool? {
    var name = TensorFlowGraph.nodeName(reference)
    for _ in 0..<16 {
      guard let node = source.nodes[name] else { return nil }
      if let constant = node.constant, constant.type == .bool, constant.count == 1 {
        return constant.integers.first == 1
      }
      guard ["Identity", "PlaceholderWithDefault"].contains(node.operation),
        let first = node.inputs.first
      else { return nil }
      name = TensorFlowGraph.nodeName(first)
    }
    return nil
  }

  // MARK: Output

  /// A name that no other value has.
  mutating func fresh(_ name: String) -> String {
    var result = name
    var number = 1
    while !names.insert(result).inserted {
      number += 1
      result = "\(name)/\(number)"
    }
    return result
  }

  /// Adds a node with one result.
  mutating func emit(
    _ operatorName: String,
    _ inputs: [String],
    _ name: String,
    _ attributes: [String: OperatorGraph.Attribute] = [:]
  ) -> String {
    let output = fresh(name)
    nodes.append(
      OperatorGraph.Node(operatorName, inputs: inputs, outputs: [output], attributes: attributes)
    )
    return output
  }

  /// Adds a constant.
  mutating func store(_ tensor: StoredTensor, _ name: String) -> String {
    let name = fresh(name)
    constants[name] = tensor
    return name
  }

  private mutating func convert(_ node: TensorFlowGraph.Node) throws -> TensorFlowValue {
    if node.name == inputName { return .map(inputMap) }
    if let constant = node.constant {
      return .constant(name: store(constant, node.name), shape: constant.shape)
    }
    return try convertOperation(node)
  }
}
