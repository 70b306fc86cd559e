import Foundation
import GraphModels
import Networks
import Support

extension ModelPackage {
  /// A network as another program reads it.
  public struct ExportedNetwork: Sendable {
    /// The network in ONNX's terms.
    let graph: OperatorGraph
    /// The input that was traced; sizes that are free in the file may differ.
    public let inputShape: [Int]
    /// The output for that input.
    public let outputShape: [Int]

    /// The content of an ONNX file.
    /// - Returns: The bytes.
    /// - Throws: `GraphModelsError` when it would be larger than such files may be.
    public func encoded() throws -> Data { try graph.encoded() }
  }

  /// Writes one of the networks down.
  /// - Parameter fold: The name or number of a member, or nil for the first.
  /// - Returns: The network.
  /// - Throws: `PipelinesError.unknownMember`, what loading throws, and `GraphModelsError` for a step
  ///   that has no counterpart.
  public func exportedNetwork(fold: String? = nil) throws -> ExportedNetwork {
    try verify()
    let network = try makeNetworks(folds: fold.map { [$0] })[0]
    let inputShape = [1, description.network.inputChannels] + description.plan.patchSize
    let graph = try OperatorGraph.exported(
      from: network,
      inputShape: inputShape,
      name: description.name
    )
    return ExportedNetwork(
      graph: graph,
      inputShape: inputShape,
      outputShape: try PlannedNetwork(network).plan(for: inputShape).outputShape
    )
  }
}
