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
    let structures = dataset.labels.map(\.name).joined(separator: ", ")
    let configuration = outcome.configuration
    return ModelDescription(
      name: name,
      version: "1.0.0",
      summary: "Segments \(structures) \(manner) with a \(configuration.network.name) network.",
      channels: [dataset.channelName],
      labels: dataset.labels,
      network: configuration.network,
      plan: configuration.plan,
      licence: dataset.licence,
      intendedUse: "Research on scans like those of \(dataset.name). \(Version.disclaimer)",
      provenance: ModelDescription.Provenance(
        dataset: dataset.name,
        source: dataset.reference,
        trainingCases: outcome.trainingCases.count,
        heldOut: outcome.evaluation?.cases.map(\.id) ?? [],
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
  }

  private var manner: String {
    if case .slices = outcome.configuration.plan { "slice by slice" } else { "in 3-D" }
  }

  private var sampleName: String {
    switch outcome.configuration.samples {
    case .slices: "slices"
    case .patches: "patches"
    case .synthesis: "images made from label maps"
    }
  }

  private var minutes: Double { ((outcome.epochs.last?.seconds ?? 0) / 6).rounded() / 10 }

  private var results: [ModelDescription.Result] {
    outcome.evaluation.map { ModelDescription.Result.rows(of: $0) } ?? []
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
      "```", "lamina segment SCAN.nii.gz --model \(name) --output OUT", "```", "",
      description.intendedUse, "",
      "| label | structure |", "| --- | --- |",
    ]
    lines += description.labels.map { "| \($0.id) | \($0.name) |" }
    lines += [
      "", "## Training", "",
      "- Data: \(provenance.dataset); \(provenance.source). Licence: \(description.licence).",
      "- \(provenance.trainingCases) volumes; \(provenance.heldOut.count) held out by seed "
        + "\(configuration.seed), fold \(configuration.fold.map(String.init) ?? "none").",
      "- Network: \(configuration.network.name), \(outcome.network.weightCount) weights; "
        + "\(configuration.plan.summary).",
      "- \(configuration.steps) steps of \(configuration.batchSize) \(sampleName) in "
        + "\(minutes) minutes.",
      "- Command: `\(provenance.command)`", "- Program: \(provenance.program), \(provenance.date).",
      "", "## Results on held-out volumes", "",
    ]
    if description.results.isEmpty {
      lines.append("No volume was held out.")
    } else {
      lines += ["| structure | metric | mean | SD | n |", "| --- | --- | --- | --- | --- |"]
      lines += description.results.map {
        "| \($0.structure) | \($0.metric) | \($0.mean) | \($0.sd) | \($0.cases) |"
      }
    }
    lines += ["", "## Arithmetic", "", arithmetic]
    return lines.joined(separator: "\n") + "\n"
  }

  private var arithmetic: String {
    let test = outcome.selfTest
    let sentences = test.precisions.sorted { $0.key < $1.key }.map { name, found in
      "In \(name), \(rounded(100 * found.agreement)) % of the voxels of \(test.source) had the "
        + "label that f32 gives; the lowest Dice of a structure between the two was "
        + "\(rounded(found.lowestDice))."
    }
    return (["Trained and evaluated in single precision (f32)."] + sentences)
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
      card: card
    )
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let record = TrainingRecord(
      model: name,
      configuration: outcome.configuration,
      epochs: outcome.epochs,
      notes: outcome.notes
    )
    var files = [(TrainingRecord.fileName, try encoder.encode(record))]
    if let evaluation = outcome.evaluation {
      files.append((TrainingRecord.heldOutName, try evaluation.json()))
    }
    for (file, data) in files {
      do {
        try data.write(to: URL(fileURLWithPath: folder + "/" + file))
      } catch {
        throw SupportError.unwritable(path: folder, reason: OutputGuard.reason(of: error))
      }
    }
  }

  private func rounded(_ value: Double) -> Double { (value * 10000).rounded() / 10000 }
}

/// What `training.json` of a model package says: the run's values and its learning curve.
public struct TrainingRecord: Codable, Sendable, Equatable {
  /// Version of this record.
  public var schema = TrainingRecord.currentSchema
  /// The model's name.
  public let model: String
  /// The values of the run.
  public let configuration: TrainingConfiguration
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// Oddities of the data set.
  public let notes: [String]

  /// Creates a record.
  /// - Parameters:
  ///   - model: The model's name.
  ///   - configuration: The values of the run.
  ///   - epochs: The learning curve.
  ///   - notes: Oddities of the data set.
  public init(
    model: String,
    configuration: TrainingConfiguration,
    epochs: [SegmentationTrainer.Epoch],
    notes: [String]
  ) {
    self.model = model
    self.configuration = configuration
    self.epochs = epochs
    self.notes = notes
  }

  /// The record's name in a model package.
  public static let fileName = "training.json"
  /// The name of the held-out cases' evaluation in a model package.
  public static let heldOutName = "heldout.json"
  /// The schema that this program writes.
  public static let currentSchema = "lamina.training/1"
}
