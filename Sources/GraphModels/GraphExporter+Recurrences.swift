import Tensors

/// Recurrences, whose operators have other orders of gates than the engine.
extension GraphExporter {
  /// Writes a recurrence down; nil for other steps.
  mutating func sweep(_ step: GraphStep) throws -> Sweep? {
    guard case .general(let kind) = step.action, kind == "lstm" || kind == "gru" else {
      return nil
    }
    guard step.attributes["lengths"] == nil else {
      throw GraphModelsError.notExportable(
        operation: kind,
        reason: "of sequences of mixed lengths, which has no counterpart here"
      )
    }
    let isLSTM = kind == "lstm"
    let width = shape(of: step.operands[1])[1]
    let states = isLSTM ? 2 : 1
    // Input, output, forget, cell; update, reset, new.
    let blocks = isLSTM ? [0, 3, 1, 2] : [1, 0, 2]
    let rows = blocks.flatMap { $0 * width..<($0 + 1) * width }
    var gates: [String] = []
    for operand in step.operands.dropFirst(1 + states) {
      gates.append(
        node("Gather", [name(of: operand), constant(rows, "gates")], ["axis": .integer(0)])
      )
    }
    var inputs = [name(of: step.operands[0]), unsqueezed(gates[0]), unsqueezed(gates[1])]
    inputs.append(
      gates.count > 3
        ? unsqueezed(node("Concat", [gates[2], gates[3]], ["axis": .integer(0)])) : ""
    )
    inputs.append("")
    for operand in step.operands[1...states] {
      // Zeros are the operator's own first state, for any number of samples.
      if case .constant(let tensor) = operand, tensor.values.allSatisfy({ $0 == 0 }) {
        inputs.append("")
      } else {
        inputs.append(unsqueezed(name(of: operand)))
      }
    }
    var attributes: [String: OperatorGraph.Attribute] = ["hidden_size": .integer(width)]
    if step.attributes["reversed"] == .integers([1]) { attributes["direction"] = .text("reverse") }
    if !isLSTM { attributes["linear_before_reset"] = .integer(1) }
    let results = nodes(isLSTM ? "LSTM" : "GRU", inputs, attributes, results: 1 + states)
    return Sweep(
      steps: step.shape[0] - states,
      hidden: node("Squeeze", [results[0], constant([1], "axes")]),
      last: Array(results.dropFirst())
    )
  }

  /// A slice that takes one whole result out of a recurrence's; nil for other steps.
  func part(_ step: GraphStep) -> String? {
    guard case .general("slice") = step.action, let sweep = sweep(of: step.operands.first),
      case .integers(let first)? = step.attributes["first"],
      case .integers(let count)? = step.attributes["count"],
      case .integers(let stride)? = step.attributes["step"],
      stride.allSatisfy({ $0 == 1 }),
      zip(count, shape(of: step.operands[0])).dropFirst().allSatisfy({ $0 == $1 })
    else { return nil }
    if first[0] == 0, count[0] == sweep.steps { return sweep.hidden }
    let place = first[0] - sweep.steps
    return sweep.last.indices.contains(place) && count[0] == 1 ? sweep.last[place] : nil
  }
}
