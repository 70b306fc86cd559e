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

      package init(name: String, shape: [Int?]) {
        self.name = name
        self.shape = shape
      }
    }

    /// The network in ONNX's terms.
    let graph: OperatorGraph
    /// The input that was traced; sizes that are free in the file may differ.
    public let inputShape: [Int]
    /// What comes out for that input.
    public let outputs: [Output]

    package init(graph: OperatorGraph, inputShape: [Int], outputs: [Output]) {
      self.graph = graph
      self.inputShape = inputShape
      self.outputs = outputs
    }

    /// The content of an ONNX file.
    /// - Returns: The bytes.
    /// - Throws: `GraphModelsError` when it would be larger than such files may be.
    public func encoded() throws -> Data { try graph.encoded() }
  }

  /// Writes one of the networks down; a network of an imported ONNX file comes back as the file has it.
  ///
  /// The metadata tell the `labels` (`id`, `name`), what the `channels` of scores are where the network has one
  /// for each label or for the background and each label, the `words` of sentences, and the `sizeMultiple` that
  /// free sizes must be multiples of. The file holds one network alone: no atlas that is fitted to its scores,
  /// no further member, no further stage.
  /// - Parameter fold: The name or number of a member, or nil for the first.
  /// - Returns: The network.
  /// - Throws: `PipelinesError.unknownMember`, what loading throws, and `GraphModelsError` for a step
  ///   that has no counterpart.
  public func exportedNetwork(fold: String? = nil) throws -> ExportedNetwork {
    try verify()
    let network = try makeNetworks(folds: fold.map { [$0] })[0]
    let member = description.ensemble.first { member in
      fold.map { Self.isNamed(member, $0) } ?? true
    }
    let (channels, patchSize) = (description.network.inputChannels, description.plan.patchSize)
    let inputShape =
      member.map { self.inputShape(of: $0, channels, patchSize) } ?? [1, channels] + patchSize
    var options = GraphExportOptions()
    if let plan = description.plan.recognition { options.leastScores = plan.thresholds }
    let captions = description.plan.sequence?.captions
    if let captions { options.maximumWords = captions.maximumWords }
    var graph = try OperatorGraph.exported(
      from: (network as? GraphImageNetwork)?.graph ?? network,
      inputShape: inputShape,
      name: description.name,
      options: options
    )
    graph.documentation = "Research software. Not for clinical use."
    for (key, value) in try metadata(network.sizeMultiple, words: captions?.words) {
      graph.metadata[key] = value
    }
    return ExportedNetwork(
      graph: graph,
      inputShape: inputShape,
      outputs: try outputs(of: network, graph, inputShape)
    )
  }

  private struct Label: Encodable {
    let id: Int
    let name: String
  }

  private func metadata(_ sizeMultiple: Int, words: [String]?) throws -> [String: String] {
    func text(_ value: some Encodable) throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    var result: [String: String] = [:]
    if sizeMultiple > 1 { result["sizeMultiple"] = "\(sizeMultiple)" }
    if let words { result["words"] = try text(words) }
    let labels = description.labels
    guard !labels.isEmpty else { return result }
    result["labels"] = try text(labels.map { Label(id: $0.id, name: $0.name) })
    let names = labels.map(\.name)
    switch description.network.outputChannels - names.count {
    case 0: result["channels"] = try text(names)
    case 1: result["channels"] = try text(["background"] + names)
    default: break
    }
    return result
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
    return graph.outputs.prefix(1).map { ExportedNetwork.Output(name: $0.name, shape: shape) }
  }
}
