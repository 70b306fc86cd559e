import Evaluation
import Foundation
import Layers
import Support

/// Turns a finished training run into a model package.
public struct TrainedModel: Sendable {
  /// The finished run.
  public let outcome: SegmentationTrainer.Outcome
  /// The data set that it was trained on.
  public let dataset: SegmentationDataset
  /// The package's name.
  public let name: String
  /// The command line that started the run.
  public let command: String
  /// The atlas that draws what the network finds; nil where the network draws itself.
  public var atlas: BuiltAtlas?

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - dataset: The data set that it was trained on.
  ///   - name: The package's name.
  ///   - command: The command line that started the run.
  public init(
    outcome: SegmentationTrainer.Outcome,
    dataset: SegmentationDataset,
    name: String,
    command: String
  ) {
    self.outcome = outcome
    self.dataset = dataset
    self.name = name
    self.command = command
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    let names = dataset.regions.isEmpty ? dataset.labels.map(\.name) : dataset.regions.map(\.name)
    let structures = names.joined(separator: ", ")
    let configuration = outcome.configuration
    var result = ModelDescription(
      name: name,
      version: "1.0.0",
      summary: isPretrained
        ? "Fills in blanked blocks of scans \(manner) with a \(configuration.network.name) network; "
          + "weights to start from."
        : "Segments \(structures) \(manner) with a \(configuration.network.name) network.",
      channels: dataset.channelNames,
      labels: dataset.labels,
      network: configuration.network,
      plan: configuration.plan,
      licence: dataset.licence,
      intendedUse:
        "Research on \(isPicture ? "pictures" : "scans") like those of \(dataset.name). \(Version.disclaimer)",
      provenance: ModelDescription.Provenance(
        dataset: dataset.name,
        source: dataset.reference,
        trainingCases: outcome.trainingCases.count,
        heldOut: atlas?.heldOut ?? evaluation?.cases.map(\.id) ?? [],
        command: command,
        seed: configuration.seed,
        steps: configuration.steps,
        minutes: minutes,
        program: "Lamina \(Version.current)",
        date: String(ISO8601DateFormatter().string(from: Date()).prefix(10))
      ),
      results: results,
      selfTest: outcome.selfTest,
      files: [:]
    )
    result.totals = dataset.totals
    if let atlas {
      result.summary =
        "Segments \(structures) in scans of any contrast by an atlas that is fitted to them; a "
        + "\(configuration.network.name) network helps to find its place."
      result.plan = .atlas(atlas.plan)
    } else {
      result.postprocessing = outcome.postprocessing
    }
    return result
  }

  private var isPicture: Bool { outcome.configuration.plan.isPicture }

  private var manner: String {
    switch outcome.configuration.plan {
    case .slices(let plan):
      plan.picture == nil
        ? "slice by slice" : plan.separation == nil ? "in pictures" : "one by one in pictures"
    default: "in 3-D"
    }
  }

  private var sampleName: String {
    switch outcome.configuration.samples {
    case .slices: "slices"
    case .pictures: "pieces of pictures"
    case .patches: "patches"
    case .synthesis: "images made from label maps"
    case .reconstruction: "samples with blanked blocks"
    }
  }

  /// Whether the model is a start for others and has no structures of its own.
  private var isPretrained: Bool { dataset.labels.isEmpty }

  /// How the model does on held-out cases.
  private var evaluation: EvaluationReport? { atlas.map(\.evaluation) ?? outcome.evaluation }

  private var minutes: Double { ((outcome.epochs.last?.seconds ?? 0) / 6).rounded() / 10 }

  private var results: [ModelDescription.Result] {
    evaluation.map {
      ModelDescription.Result.rows(of: $0)
    } ?? []
  }

  /// The model card, Markdown.
  public var card: String {
    let description = description
    let provenance = description.provenance
    let configuration = outcome.configuration
    var lines = [
      "# \(name)", "", description.summary, "",
      "**\(Version.disclaimer)**", "",
      "## Use", "",
      "```",
      isPretrained
        ? "lamina train DATASET --from \(name) --output MODEL"
        : "lamina segment \(isPicture ? "PICTURE.png" : description.exampleInput) --model \(name) "
          + "--output OUT",
      "```", "",
    ]
    if let sentence = description.channelSentence { lines += [sentence, ""] }
    lines += [description.intendedUse, ""]
    if !isPretrained { lines += ["| label | structure |", "| --- | --- |"] }
    lines += description.labels.map { "| \($0.id) | \($0.name) |" }
    lines += regionLines
    lines += [
      "", "## Training", "",
      "- Data: \(provenance.dataset); \(provenance.source). Licence: \(description.licence).",
      "- \(provenance.trainingCases) \(isPicture ? "pictures" : "volumes"); \(provenance.heldOut.count) held out by seed "
        + "\(configuration.seed), fold \(configuration.fold.map(String.init) ?? "none").",
      "- Network: \(configuration.network.name), \(outcome.network.weightCount) weights; "
        + "\(configuration.plan.summary).",
    ]
    if atlas != nil {
      lines.append(
        "- Atlas: made of the same \(provenance.trainingCases) label maps, which are deformed onto each "
          + "other; fitted by expectation and maximisation (Ashburner and Friston 2005; Puonti et al. "
          + "2016)."
      )
    }
    lines += [
      "- \(configuration.steps) steps of \(configuration.batchSize) \(sampleName) in "
        + "\(minutes) minutes\(lossWords).",
      "- Command: `\(provenance.command)`", "- Program: \(provenance.program), \(provenance.date).",
      "", "## Results on held-out \(isPicture ? "pictures" : "volumes")", "",
    ]
    if description.results.isEmpty {
      lines.append("No \(isPicture ? "picture" : "volume") was held out.")
    } else {
      lines += ["| structure | metric | mean | SD | n |", "| --- | --- | --- | --- | --- |"]
      lines += description.results.map {
        "| \($0.structure) | \($0.metric) | \($0.mean) | \($0.sd) | \($0.cases) |"
      }
    }
    lines += ["", "## Arithmetic", "", arithmetic]
    return lines.joined(separator: "\n") + "\n"
  }

  /// What is minimised, where that is not nnU-Net's loss of labels.
  private var lossWords: String {
    let configuration = outcome.configuration
    guard !isPretrained,
      configuration.loss != .crossEntropyAndDice || configuration.regions != nil
    else { return "" }
    return ", loss: \(configuration.loss.words(ofRegions: configuration.regions != nil))"
  }

  /// The regions, and what evaluates them.
  private var regionLines: [String] {
    guard !dataset.regions.isEmpty else { return [] }
    let entries = dataset.regions.map { "\"\($0.name)\": \($0.labels)" }
    return [
      "",
      "The network scores regions, which may overlap; where its probability is above one half a "
        + "region is drawn, later ones over earlier ones:", "",
      "| region | labels | drawn with |", "| --- | --- | --- |",
    ]
      + dataset.regions.map { region in
        "| \(region.name) | \(region.labels.map(String.init).joined(separator: ", ")) | "
          + "\(region.painted) |"
      } + [
        "",
        "`lamina evaluate` compares them with `--labels FILE`, which holds "
          + "`{\(entries.joined(separator: ", "))}`.",
      ]
  }

  private var arithmetic: String {
    let test = outcome.selfTest
    let sentences = test.precisions.sorted { $0.key < $1.key }.map { name, found in
      "In \(name), \(rounded(100 * found.agreement)) % of the voxels of \(test.source) had the "
        + "label that f32 gives; the lowest Dice of a structure between the two was "
        + "\(rounded(found.lowestDice))."
    }
    return
      ([
        outcome.weightType == .float32
          ? "Trained and evaluated in single precision (f32)."
          : "Trained in single precision (f32); weights are stored in \(outcome.weightType) and were "
            + "evaluated so."
      ] + sentences)
      .joined(separator: " ")
  }

  /// Writes the package, with the learning curve and the held-out evaluation beside it.
  /// - Parameter folder: A folder that exists.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public func write(to folder: String) throws {
    try ModelPackage.write(
      to: folder,
      description: description,
      weights: outcome.network.weights,
      as: outcome.weightType,
      card: card,
      further: atlas.map { [$0.plan.atlas: $0.data] } ?? [:]
    )
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let record = TrainingRecord(outcome, model: name)
    var files = [(TrainingRecord.fileName, try encoder.encode(record))]
    if let evaluation {
      files.append((TrainingRecord.heldOutName, try evaluation.json()))
    }
    // Pictures of the network's results are none of the atlas's.
    let pictures = TrainingPictures(
      example: atlas == nil ? outcome.journal.example : nil,
      worst: atlas == nil ? outcome.worst : []
    )
    if pictures.example != nil || !pictures.worst.isEmpty {
      files.append((TrainingPictures.fileName, try encoder.encode(pictures)))
    }
    for (file, data) in files { try ModelPackage.write(data, file, in: folder) }
  }

  private func rounded(_ value: Double) -> Double { (value * 10000).rounded() / 10000 }
}
