import Support

/// What can be wrong with a network that is stored as a graph of operators.
public enum GraphModelsError: ClassifiedError, Equatable {
  /// The file is not what it says, or contradicts itself.
  case damagedModel(path: String, reason: String)
  /// The operator sets of a version are not known.
  case unsupportedOpset(path: String, domain: String, version: Int)
  /// An operator is not known; known ones are listed by `lamina help model`.
  case unsupportedOperator(name: String, node: String, opset: Int)
  /// An operator is known, but not in the form that the node wants.
  case unsupportedForm(operator: String, node: String, reason: String)
  /// A node's operands do not fit it.
  case invalidNode(operator: String, node: String, reason: String)
  /// A value of the graph is not there or has another shape or type.
  case unfitInput(name: String, reason: String)
  /// An operation of the engine has no counterpart among the operators of ONNX.
  case notExportable(operation: String, reason: String)

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .damagedModel, .invalidNode, .unfitInput: .damagedInput
    case .unsupportedOpset, .unsupportedOperator, .unsupportedForm, .notExportable:
      .missingComponent
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .damagedModel(let path, let reason): "\(path) is damaged: \(reason)."
    case .unsupportedOpset(let path, let domain, let version):
      "\(path) needs version \(version) of the operators \(domain.isEmpty ? "ai.onnx" : domain); "
        + "known are \(OperatorGraph.knownOpsets.lowerBound) to "
        + "\(OperatorGraph.knownOpsets.upperBound) of ai.onnx."
    case .unsupportedOperator(let name, let node, let opset):
      "The operator \(name) (node \(node), opset \(opset)) is not supported."
    case .unsupportedForm(let name, let node, let reason):
      "The node \(node) wants the operator \(name) in a form that is not supported: \(reason)."
    case .invalidNode(let name, let node, let reason):
      "The node \(node) of the operator \(name) is invalid: \(reason)."
    case .unfitInput(let name, let reason): "The input \(name) does not fit: \(reason)."
    case .notExportable(let operation, let reason):
      "The operation \(operation) cannot be exported to ONNX: \(reason)."
    }
  }
}
