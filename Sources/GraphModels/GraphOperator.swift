/// An operator of ONNX that the engine computes.
struct GraphOperator: Sendable {
  /// The operator's name.
  let name: String
  /// How many operands a node may have.
  let operands: ClosedRange<Int>
  /// The attributes that are known; a node with another one is refused.
  let attributes: Set<String>
  /// Whether operands may be sequences of tensors.
  let takesSequences: Bool
  /// Computes the results of a node.
  let evaluate: @Sendable (NodeContext) throws -> [GraphValue]

  init(
    _ name: String,
    _ operands: ClosedRange<Int>,
    _ attributes: Set<String> = [],
    takesSequences: Bool = false,
    _ evaluate: @escaping @Sendable (NodeContext) throws -> [GraphValue]
  ) {
    self.name = name
    self.operands = operands
    self.attributes = attributes
    self.takesSequences = takesSequences
    self.evaluate = evaluate
  }

  /// All operators by name.
  static let all: [String: GraphOperator] = {
    let lists = [
      convolutions, poolings, normalizations, activations, functions, arithmetic, comparisons,
      reductions, searches, matrices, structure, sizes, indexing, spatial, recurrences,
      quantization, flow, sequences, transformers, patches, losses, frequencies,
    ]
    return Dictionary(lists.flatMap { $0 }.map { ($0.name, $0) }) { first, _ in first }
  }()
}
