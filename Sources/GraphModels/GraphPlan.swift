public import Tensors

/// A graph network for inputs of given shapes, planned with all its inputs and outputs.
///
/// May be called from several threads; runs wait for one another.
public final class GraphPlan: Sendable {
  /// The inputs that are put in each time, in the order of `GraphNetwork.inputs`.
  public let inputs: [(name: String, shape: [Int])]
  private let plan: InferencePlan?
  /// The planned outputs by name.
  private let planned: [(name: String, type: GraphNumberType)]
  /// Outputs that do not depend on what is put in.
  private let constants: [String: GraphValue]

  /// Traces a network and prepares its plan.
  /// - Parameters:
  ///   - network: The network.
  ///   - shapes: The shape of each input that is put in each time.
  ///   - fixed: The values of the other inputs.
  ///   - outputs: The outputs that are wanted; all when nil.
  ///   - options: How the plan may compute.
  /// - Throws: `GraphModelsError` when the network does not take such inputs.
  public init(
    _ network: GraphNetwork,
    shapes: [String: [Int]],
    fixed: [String: GraphValue] = [:],
    outputs: [String]? = nil,
    options: InferencePlanOptions = InferencePlanOptions()
  ) throws {
    let free = network.inputs.filter { shapes[$0.name] != nil }
    inputs = free.map { ($0.name, shapes[$0.name] ?? []) }
    // Traced once to learn which outputs depend on the inputs, and once for the plan.
    var found: [String: GraphValue] = [:]
    func trace(_ tensors: [Tensor]) throws -> [String: GraphValue] {
      var values = fixed
      for (input, tensor) in zip(free, tensors) {
        values[input.name] = GraphValue(input.type, tensor)
      }
      return try network.run(values, for: outputs)
    }
    let first = GraphTrace()
    let symbols = inputs.map { first.input(shape: $0.shape) }
    found = try GraphTrace.$current.withValue(first) { try trace(symbols) }
    let names = found.filter(\.value.isSymbolic).keys.sorted()
    planned = names.compactMap { name in found[name].map { (name, $0.type) } }
    constants = found.filter { !$0.value.isSymbolic }
    if names.isEmpty {
      plan = nil
    } else {
      plan = try InferencePlan(inputShapes: inputs.map(\.shape), options: options) { tensors in
        let results = try trace(tensors)
        return names.compactMap { results[$0]?.tensor }
      }
    }
  }

  /// Bytes of the feature maps' shared memory.
  public var arenaBytes: Int { plan?.arenaBytes ?? 0 }

  /// Runs the network.
  /// - Parameter values: The inputs by name.
  /// - Returns: The outputs by name.
  /// - Precondition: An input of each name, of the plan's shapes.
  public func callAsFunction(_ values: [String: Tensor]) -> [String: GraphValue] {
    var results = constants
    let tensors = inputs.map { input -> Tensor in
      guard let tensor = values[input.name] else {
        preconditionFailure("the input \(input.name) is missing")
      }
      return tensor
    }
    guard let plan else { return results }
    for (output, tensor) in zip(planned, plan(tensors)) {
      results[output.name] = GraphValue(output.type, tensor)
    }
    return results
  }
}
