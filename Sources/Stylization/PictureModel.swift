import Foundation
import Layers
import Networks
import Pipelines
import Support

/// A trained network that gives pictures a style or colours.
public struct PictureModel: Sendable {
  /// What a model does.
  public enum Task: String, Sendable {
    /// Gives a picture a style.
    case style
    /// Gives a grey picture colours.
    case colour
  }

  /// The folder or file.
  public let path: String
  /// Its name.
  public let name: String
  /// In a sentence.
  public let summary: String
  /// How pictures are seen.
  public let plan: StylizationPlan
  /// The network, its weights loaded.
  package let network: any Network

  /// Opens a model and checks it.
  /// - Parameters:
  ///   - path: Its name or folder; for a style also a file with the weights of PyTorch's example
  ///     `fast_neural_style`.
  ///   - task: What it must be for.
  /// - Throws: `StylizationError.noModel` or `.otherTask`; `PipelinesError`; `NetworksError`;
  ///   `LayersError`.
  public init(path: String, task: Task) throws {
    self =
      try task == .style && Self.isFile(path)
      ? Self.stored(path) : Self.packaged(path, task)
  }

  private init(
    path: String,
    name: String,
    summary: String,
    plan: StylizationPlan,
    network: any Network
  ) {
    (self.path, self.name, self.summary) = (path, name, summary)
    (self.plan, self.network) = (plan, network)
  }

  private static func packaged(_ path: String, _ task: Task) throws -> PictureModel {
    let package: ModelPackage
    do {
      package = try ModelStore().model(path)
    } catch let error as any ClassifiedError where error.failure == .missingComponent {
      throw StylizationError.noModel(path: path)
    }
    let description = package.description
    guard let plan = description.plan.stylization, (plan.style != nil) == (task == .style) else {
      throw StylizationError.otherTask(path: path, wanted: task == .style ? "styles" : "colours")
    }
    return PictureModel(
      path: package.path,
      name: description.name,
      summary: description.summary,
      plan: plan,
      network: try package.makeNetwork()
    )
  }

  /// Whether a path ends as files of weights do.
  static func isFile(_ path: String) -> Bool {
    [".pth", ".pt", ".model", ".safetensors"].contains { path.hasSuffix($0) }
  }

  /// Published weights; running statistics, which early versions stored and never used, are left
  /// out.
  private static func stored(_ path: String) throws -> PictureModel {
    guard FileManager.default.fileExists(atPath: path) else {
      throw StylizationError.noModel(path: path)
    }
    var stored = try StateDictionary(contentsOf: path)
    stored.tensors = stored.tensors.filter {
      !$0.key.contains(".running_") && !$0.key.hasSuffix(".num_batches_tracked")
    }
    let found = try IdentifiedNetwork(stored)
    guard case .styleTransfer(let values) = found.configuration, values.channels == 3 else {
      throw StylizationError.otherTask(path: path, wanted: "styles")
    }
    let network = try Parameter.withoutRandomWeights {
      var random = RandomStream(seed: 0)
      return try found.configuration.makeNetwork(random: &random)
    }
    try network.load(found.weights, from: path)
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    return PictureModel(
      path: path,
      name: name,
      summary: "Weights of a feed-forward style from a file.",
      plan: StylizationPlan(
        side: 256,
        style: StylizationPlan.Style(
          name: name,
          features: "not stated",
          contentWeight: 0,
          styleWeight: 0,
          variationWeight: 0,
          range: [0, Double(found.largestValue)]
        )
      ),
      network: network
    )
  }
}
