import Foundation
import GraphModels
import Networks
import Support

extension ModelPackage {
  /// A network as another program reads it.
  public struct ExportedNetwork: Sendable {
    /// What comes out.
    public struct Output: Encodable, Sendable {
      /// The name.
      public let name: String
      /// The sizes of its axes; nil where they depend on the image.
      public let shape: [Int?]
    }

    /// The network in ONNX's terms.
    let graph: OperatorGraph
    /// The input that was traced; sizes that are free in the file may differ.
    public let inputShape: [Int]
    /// What comes out for that input.
    public let outputs: [Output]

    /// The content of an ONNX file.
    /// - Returns: The bytes.
    /// - Throws: `GraphModelsError` when it would be larger than such files may be.
    public func encoded() throws -> Data { try graph.encoded() }
  }

  /// Writes one of the networks down, with the names of its labels or words as metadata.
  /// - Parameter fold: The name or number of a member, or nil for the first.
  /// - Returns: The network.
  /// - Throws: `PipelinesError.unknownMember`, what loading throws, and `GraphModelsError` for a step
  ///   that has no counterpart.
  public func exportedNetwork(fold: String? = nil) throws -> ExportedNetwork {
    try verify()
    let network = try makeNetworks(folds: fold.map { [$0] })[0]
    let inputShape = [1, description.network.inputChannels] + description.plan.patchSize
    var options = GraphExportOptions()
    if let plan = description.plan.recognition { options.leastScores = plan.thresholds }
    let captions = description.plan.sequence?.captions
    if let captions { options.maximumWords = captions.maximumWords }
    var graph = try OperatorGraph.exported(
      from: network,
      inputShape: inputShape,
      name: description.name,
      options: options
    )
    graph.documentation = "Research software. Not for clinical use."
    for (key, names) in [
      ("labels", description.labels.map(\.name)), ("words", captions?.words ?? []),
    ] where !names.isEmpty {
      graph.metadata[key] = String(decoding: try JSONEncoder().encode(names), as: UTF8.self)
    }
    return ExportedNetwork(
      graph: graph,
      inputShape: inputShape,
      outputs: try outputs(of: network, graph, inputShape)
    )
  }

  private func outputs(
    of network: any Network,
    _ graph: OperatorGraph,
    _ inputShape: [Int]
  ) throws -> [ExportedNetwork.Output] {
    // Detectors of two stages and writers of sentences name their outputs themselves.
    if network is RegionNetwork || network is CaptionNetwork {
      return graph.outputs.map { value in
        ExportedNetwork.Output(
          name: value.name,
          shape: (value.dimensions ?? []).map { dimension in
            dimension == .free("batch") ? inputShape[0] : dimension.size
          }
        )
      }
    }
    let shape = try PlannedNetwork(network).plan(for: inputShape).outputShape
    return graph.outputs.map { ExportedNetwork.Output(name: $0.name, shape: shape) }
  }
}
