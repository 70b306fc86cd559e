import Layers
import Networks
import Support

/// Weights in a file of their own, whose names and shapes tell which known network they belong to.
///
/// Read are PyTorch's files (zip and legacy pickle, by a reader that executes nothing), TorchScript's
/// archives, and safetensors. Their plan comes from a file of its own, as for a graph.
enum WeightsFileModel {
  /// The format's name in model descriptions.
  static let format = "state dictionary"

  private static let endings = [".safetensors", ".pt", ".pth", ".ckpt", ".ts", ".bin"]
  private static let weightsName = "weights.safetensors"

  /// Whether the source is one file of weights, by its name.
  static func recognises(_ files: ModelFiles) -> Bool {
    files.names.count == 1 && endings.contains { files.names[0].lowercased().hasSuffix($0) }
  }

  /// Reads a file.
  /// - Parameters:
  ///   - files: The file.
  ///   - planPath: The plan file, or nil.
  /// - Returns: The model.
  /// - Throws: `LayersError`; `NetworksError.unrecognizedWeights`, `.undetermined`;
  ///   `PipelinesError.unsupportedModel`, `.invalidPlan`.
  static func read(_ files: ModelFiles, planPath: String?) throws -> ForeignModel {
    let name = files.names[0]
    let path = try files.required(name)
    let dictionary = try StateDictionary(contentsOf: path)
    let plan = try ImportPlan.read(planPath, model: path)
    let found = try IdentifiedNetwork(
      dictionary,
      hints: plan.network?.networkHints ?? NetworkHints()
    )
    var result =
      found.configuration.givesImages
      ? try imageNetwork(found, path: path).model(plan, name: name)
      : try plan.model(
        ImportPlan.Facts(
          path: path,
          kind: "a file of weights",
          format: format,
          network: found.configuration,
          window: [Int](repeating: 0, count: found.configuration.dimensions),
          givesProbabilities: givesProbabilities(found.configuration)
        ),
        name: name
      )
    result.weights = [ImportedModel.Weights(file: weightsName) { found.weights }]
    if !found.assumed.isEmpty {
      result.notes.append(
        "Taken from the defaults of the network's own program: "
          + found.assumed.joined(separator: ", ") + "."
      )
    }
    return result
  }

  private static func imageNetwork(
    _ found: IdentifiedNetwork,
    path: String
  ) throws -> ImageNetworkFacts {
    var random = RandomStream(seed: 0)
    let network = try Parameter.withoutRandomWeights {
      try found.configuration.makeNetwork(random: &random)
    }
    try network.load(found.weights, from: path)
    return ImageNetworkFacts(
      path: path,
      format: format,
      configuration: found.configuration,
      network: network,
      largestValue: found.largestValue
    )
  }

  private static func givesProbabilities(_ network: NetworkConfiguration) -> Bool {
    if case .classicUNet(let values) = network { values.outputsProbabilities } else { false }
  }
}
