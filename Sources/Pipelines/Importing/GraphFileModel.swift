import Foundation
import GraphModels
import Imaging
import Networks
import Support

/// A network in one ONNX file, with a plan that says what stands between a scan and it.
///
/// The file says what its input and output look like; it does not say how scans are to be prepared, and
/// that is not guessed. The plan comes from a file of its own, or from the network's metadata under
/// `lamina.plan`.
enum ONNXModel {
  /// The format's name in model descriptions.
  static let format = "ONNX"
  private static let metadataKey = "lamina.plan"
  private static let networkName = "network.onnx"

  /// What a plan file says; `steps` is the only key that must be there.
  struct PlanFile: Decodable {
    /// From the scan to the network.
    var steps: [VolumeStep]?
    /// Default: windows of the network's own size, the whole volume where it takes any, or slices.
    var inferer: VolumeInferer?
    /// Default: none where the network ends with probabilities, else softmax.
    var activation: VolumePlan.Activation?
    /// Default: background and labels, of which the largest wins.
    var heads: VolumePlan.Heads?
    /// Default: labels.
    var inversion: VolumePlan.Inversion?
    /// Default: none.
    var components: [VolumePlan.Components]?
    /// Names of the structures after background.
    var labels: [String]?
    /// Names of the input channels.
    var channels: [String]?
    /// The axis along which a two-dimensional network's slices follow one another; default 2.
    var sliceAxis: Int?
    /// Whether channels are the last dimension; default: found out where it can be.
    var channelsLast: Bool?
    var summary: String?
    var licence: String?
  }

  /// Whether the source is one ONNX file, by its name.
  static func recognises(_ files: ModelFiles) -> Bool {
    files.names.count == 1 && files.names[0].lowercased().hasSuffix(".onnx")
  }

  /// Reads a file.
  /// - Parameters:
  ///   - files: The ONNX file.
  ///   - planPath: The plan file, or nil.
  /// - Returns: The model.
  /// - Throws: `GraphModelsError`; `PipelinesError.unsupportedModel`, `.invalidPlan`.
  static func read(_ files: ModelFiles, planPath: String?) throws -> ForeignModel {
    let name = files.names[0]
    let path = try files.required(name)
    func unsupported(_ reason: String) -> PipelinesError {
      .unsupportedModel(path: path, reason: reason)
    }
    var graph = try OperatorGraph(contentsOf: path)
    let file = try plan(planPath, graph, path: path)
    guard let steps = file.steps else { throw missing("steps", path) }
    let inputs = graph.inputs.filter { graph.constants[$0.name] == nil }
    guard inputs.count == 1, graph.outputs.count >= 1 else {
      throw unsupported("it has \(inputs.count) inputs and \(graph.outputs.count) outputs")
    }
    guard let isLast = file.channelsLast ?? GraphAdaptation.hasChannelsLast(inputs[0]) else {
      throw unsupported(
        "its input \(inputs[0].name) does not tell which dimension is the channels; give the key "
          + "channelsLast"
      )
    }
    if isLast { graph = try GraphAdaptation.channelsFirst(graph, path: path) }
    guard
      let dimensions = graph.inputs.first(where: { graph.constants[$0.name] == nil })?.dimensions,
      let channels = dimensions[1].size
    else { throw unsupported("its number of input channels is not fixed") }
    let planar = dimensions.count == 4
    let window = dimensions.dropFirst(2).map { $0.size ?? 0 }
    let inferer = try file.inferer ?? inferer(window, sliceAxis: file.sliceAxis ?? 2)
    let network = try GraphNetwork(graph)
    let sample = [1, channels] + window.map { $0 == 0 ? 64 : $0 }
    let found = try network.check(inputShape: sample)
    guard found.count == sample.count, found.dropFirst(2).elementsEqual(sample.dropFirst(2)) else {
      throw unsupported("it turns \(sample) into \(found), which is no score of each voxel")
    }
    let heads = file.heads ?? .labels
    var count = found[1]
    if heads == .labels { count -= 1 }
    guard count >= 1 else {
      throw unsupported("its one output needs the key heads, as {\"regions\": {\"order\": [0]}}")
    }
    if let labels = file.labels, labels.count != count {
      throw unsupported("the plan names \(labels.count) labels and the network has \(count)")
    }
    let activation = file.activation ?? (endsWithProbabilities(graph) ? .none : .softmax)
    let perChannel: Int
    if case .windows(let plan) = inferer {
      perChannel = 2 * plan.neighbours + 1
    } else {
      perChannel = 1
    }
    guard channels % perChannel == 0 else {
      throw unsupported("its \(channels) channels are not those of \(perChannel) slices")
    }
    var result = ForeignModel(
      summary: file.summary ?? "A network imported from \(name).",
      channels: file.channels ?? (0..<channels / perChannel).map { "channel \($0)" },
      labels: (0..<count).map {
        LabelDefinition(
          id: $0 + 1,
          name: file.labels?[$0] ?? "Label \($0 + 1)",
          color: LabelDefinition.defaultColor($0)
        )
      },
      network: .graph(
        GraphFileConfiguration(
          inputChannels: channels,
          outputChannels: found[1],
          dimensions: planar ? 2 : 3
        )
      ),
      plan: VolumePlan(
        program: format,
        steps: steps,
        inferer: inferer,
        activation: activation,
        heads: heads,
        inversion: file.inversion ?? .labels,
        components: file.components ?? []
      ),
      format: format,
      sources: [name]
    )
    result.licence = file.licence
    result.facts = ["producer": "\(graph.producer.name) \(graph.producer.version)"]
    result.members = [ModelDescription.Member(name: "the network", weights: networkName)]
    result.contents = [(networkName, try graph.encoded())]
    return result
  }

  private static func missing(_ key: String, _ path: String) -> PipelinesError {
    .unsupportedModel(
      path: path,
      reason: "an ONNX file does not say how scans are prepared for it; give a plan file with the "
        + "key \(key)"
    )
  }

  private static func plan(
    _ planPath: String?,
    _ graph: OperatorGraph,
    path: String
  ) throws -> PlanFile {
    let data: Data
    if let planPath {
      guard let found = FileManager.default.contents(atPath: planPath) else {
        throw SupportError.notFound(path: planPath)
      }
      data = found
    } else if let text = graph.metadata[metadataKey] {
      data = Data(text.utf8)
    } else {
      throw missing("steps", path)
    }
    do {
      return try JSONDecoder().decode(PlanFile.self, from: data)
    } catch let error as DecodingError {
      throw PipelinesError.invalidPlan(
        reason: "\(planPath ?? metadataKey) \(ModelPackage.reason(of: error, file: "it"))"
      )
    }
  }

  /// How a network of this size sees a volume; sizes of 0 are free.
  private static func inferer(_ window: [Int], sliceAxis: Int) throws -> VolumeInferer {
    guard window.count == 2 else {
      return window.allSatisfy({ $0 == 0 }) ? .whole : .windows(SlidingWindowPlan(size: window))
    }
    guard (0..<3).contains(sliceAxis) else {
      throw PipelinesError.invalidPlan(reason: "sliceAxis is \(sliceAxis)")
    }
    var size = window
    size.insert(1, at: sliceAxis)
    return .windows(SlidingWindowPlan(size: size, sliceAxis: sliceAxis))
  }

  /// Whether the output is a softmax or sigmoid, perhaps turned.
  private static func endsWithProbabilities(_ graph: OperatorGraph) -> Bool {
    var name = graph.outputs.first?.name
    for _ in 0..<8 {
      guard let wanted = name, let node = graph.nodes.last(where: { $0.outputs.contains(wanted) })
      else { return false }
      if ["Softmax", "Sigmoid"].contains(node.operatorName) { return true }
      guard
        ["Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Cast"]
          .contains(node.operatorName)
      else { return false }
      name = node.inputs.first
    }
    return false
  }
}
