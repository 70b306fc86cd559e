import Layers
import Networks
import Pipelines
import Recognition
import Support

/// What `training.json` of a model that gives pictures a style or colours says.
struct StylizationTrainingRecord: Codable, Sendable {
  private(set) var schema = "lamina.stylization-training/1"
  let model: String
  let learning: LearningConfiguration
  let epochs: [SegmentationTrainer.Epoch]
  let looks: [LearningLook]
  let notes: [String]
}

/// A finished training, to be written.
public struct TrainedPictureNetwork: Sendable {
  let plan: StylizationPlan
  let summary: String
  let network: any Network
  let configuration: NetworkConfiguration
  let photographs: Int
  /// The numbers of the run, steps as taken.
  public let learning: LearningConfiguration
  let epochs: [SegmentationTrainer.Epoch]
  let looks: [LearningLook]
  var heldOut: [String] = []
  /// Measured on held-out photographs.
  public internal(set) var results: [String: Double] = [:]

  init(
    plan: StylizationPlan,
    summary: String,
    configuration: NetworkConfiguration,
    outcome: LearningRun.Outcome,
    photographs: Int
  ) {
    (self.plan, self.summary, self.configuration) = (plan, summary, configuration)
    (network, learning) = (outcome.network, outcome.configuration)
    (epochs, looks) = (outcome.epochs, outcome.looks)
    self.photographs = photographs
  }

  /// How long it took.
  public var seconds: Double { epochs.last?.seconds ?? 0 }
  /// The mean loss of every hundred steps.
  public var losses: [Double] { epochs.map(\.loss) }
  /// What it was trained on, as a data set's name.
  public var dataset: String { "\(photographs) photographs" }
  /// Photographs that it was measured on.
  public var heldOutCount: Int { heldOut.count }
  /// Trainable values of the network.
  public var parameterCount: Int { network.trainableCount }

  /// The description, its files' hashes still empty.
  func description(_ origin: ModelOrigin) -> ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: summary,
      channels: ["image"],
      labels: [],
      network: configuration,
      plan: .stylization(plan),
      licence: origin.licence,
      intendedUse: "Photographs like those of its training. " + Version.disclaimer,
      provenance: origin.provenance(
        trainingCases: photographs,
        heldOut: heldOut,
        seed: learning.seed,
        steps: learning.steps,
        seconds: seconds
      ),
      results: results.sorted { $0.key < $1.key }.map { name, value in
        ModelDescription.Result(
          structure: "all",
          metric: name,
          mean: (value * 1e4).rounded() / 1e4,
          sd: 0,
          cases: heldOut.count
        )
      },
      files: [:]
    )
  }

  private func card(_ description: ModelDescription) -> String {
    let provenance = description.provenance
    let verb = plan.style != nil ? "stylise" : "colourise"
    let isAny = if case .adaIN = configuration { true } else { false }
    var lines = [
      "# \(description.name)", "", summary, "", "**\(Version.disclaimer)**", "", "```",
      "lamina vision \(verb) run PICTURE --model \(description.name)"
        + (isAny ? " --style STYLE.png" : "") + " --output OUT.png", "```", "",
      "- \(photographs) photographs; \(provenance.source). Licence: \(description.licence).",
      "- Network: \(configuration.name), \(parameterCount) weights. \(learning.steps) steps, seed "
        + "\(learning.seed).", "- Command: `\(provenance.command)`",
      "- Program: \(provenance.program), \(provenance.date).",
    ]
    if let style = plan.style {
      lines.append(
        "- Style: \(style.name), compared by \(style.features). Weights of content, style and "
          + "smoothness: \(style.contentWeight), \(style.styleWeight), \(style.variationWeight)."
      )
    }
    if !heldOut.isEmpty { lines.append("- Held out: \(heldOut.joined(separator: ", ")).") }
    if !results.isEmpty {
      lines += ["", "| on held-out photographs | value |", "| --- | --- |"]
      lines += results.sorted { $0.key < $1.key }.map { "| \($0.key) | \($0.value) |" }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the model, with the learning curve beside it.
  /// - Parameters:
  ///   - folder: A folder that exists.
  ///   - origin: Where it comes from.
  ///   - notes: Oddities of the photographs.
  /// - Throws: What writing throws.
  public func write(to folder: String, _ origin: ModelOrigin, notes: [String]) throws {
    let description = description(origin)
    try ModelPackage.write(
      to: folder,
      description: description,
      weights: network.weights,
      as: .float32,
      card: card(description)
    )
    let record = StylizationTrainingRecord(
      model: origin.name,
      learning: learning,
      epochs: epochs,
      looks: looks,
      notes: notes
    )
    try ModelPackage.write(records: [(TrainingRecord.fileName, record)], to: folder)
  }
}
