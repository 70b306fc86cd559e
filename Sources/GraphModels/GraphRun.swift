import Tensors

/// Counts the nodes that run within other nodes, so that no file can loop for ever.
final class GraphBudget {
  /// More are not run; each of them becomes at least a step of a plan.
  static let maximum = 1 << 18

  private var count = 0

  /// Whether one more node may run.
  func take() -> Bool {
    count += 1
    return count <= Self.maximum
  }
}

/// Runs single nodes.
enum GraphRun {
  /// Checks what can be known of a node without its operands.
  static func check(_ node: OperatorGraph.Node, opset: Int) throws {
    guard node.domain.isEmpty, let known = GraphOperator.all[node.operatorName] else {
      let name = node.domain.isEmpty ? node.operatorName : node.domain + "." + node.operatorName
      throw GraphModelsError.unsupportedOperator(name: name, node: node.name, opset: opset)
    }
    guard known.operands.contains(node.inputs.count) else {
      throw GraphModelsError.invalidNode(
        operator: node.operatorName,
        node: node.name,
        reason: "it has \(node.inputs.count) operands"
      )
    }
    for name in node.attributes.keys.sorted() where !known.attributes.contains(name) {
      throw GraphModelsError.unsupportedForm(
        operator: node.operatorName,
        node: node.name,
        reason: "its attribute \(name) is not known"
      )
    }
    for case .graph(let inner) in node.attributes.values {
      for node in inner.nodes { try check(node, opset: opset) }
    }
  }

  /// Runs a node and adds its results to the values.
  static func run(
    _ node: OperatorGraph.Node,
    opset: Int,
    values: inout [String: GraphValue],
    budget: GraphBudget
  ) throws {
    guard let known = GraphOperator.all[node.operatorName] else {
      throw GraphModelsError.unsupportedOperator(
        name: node.operatorName,
        node: node.name,
        opset: opset
      )
    }
    for (place, name) in node.inputs.enumerated() where !known.takesSequences {
      guard values[name]?.sequence == nil else {
        throw GraphModelsError.invalidNode(
          operator: node.operatorName,
          node: node.name,
          reason: "operand \(place) is a sequence of tensors"
        )
      }
    }
    let outside = values
    let context = NodeContext(
      node: node,
      opset: opset,
      operands: node.inputs.map { $0.isEmpty ? nil : outside[$0] }
    ) { inner, inputs in
      guard inner.inputs.count == inputs.count else {
        throw GraphModelsError.invalidNode(
          operator: node.operatorName,
          node: node.name,
          reason: "its graph has \(inner.inputs.count) inputs and gets \(inputs.count)"
        )
      }
      func take() throws {
        guard budget.take() else {
          throw GraphModelsError.unsupportedForm(
            operator: node.operatorName,
            node: node.name,
            reason: "it runs more than \(GraphBudget.maximum) nodes within nodes"
          )
        }
      }
      // A graph without nodes counts, too.
      try take()
      var values = outside
      for (name, stored) in inner.constants { values[name] = GraphValue(stored) }
      for (input, value) in zip(inner.inputs, inputs) { values[input.name] = value }
      for inside in inner.nodes {
        try take()
        try run(inside, opset: opset, values: &values, budget: budget)
      }
      return try inner.outputs.map { output in
        guard let value = values[output.name] else {
          throw GraphModelsError.unfitInput(name: output.name, reason: "nothing makes this output")
        }
        return value
      }
    }
    let results = try known.evaluate(context)
    for (name, result) in zip(node.outputs, results) where !name.isEmpty { values[name] = result }
    guard node.outputs.dropFirst(results.count).allSatisfy(\.isEmpty) else {
      throw GraphModelsError.unsupportedForm(
        operator: node.operatorName,
        node: node.name,
        reason: "\(node.outputs.count) results are wanted of it"
      )
    }
  }
}
