import Tensors

extension GraphOperator {
  static let flow: [GraphOperator] = [
    GraphOperator("If", 1...1, ["else_branch", "then_branch"]) { context in
      let condition = try context.operand(0)
      guard let value = condition.integers?.indices, value.count == 1 else {
        throw context.unsupported("its condition depends on the values of the input")
      }
      let name = value[0] != 0 ? "then_branch" : "else_branch"
      guard case .graph(let graph) = context.node.attributes[name] else {
        throw context.invalid("it has no \(name)")
      }
      let results = try context.runGraph(graph)
      try context.require(
        results.count >= context.node.outputs.count,
        "its \(name) has \(results.count) results"
      )
      return results
    }
  ]
}
