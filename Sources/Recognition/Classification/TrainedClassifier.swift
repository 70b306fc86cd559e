import Foundation
import Imaging
import Layers
import Pipelines
import Support

/// Turns a finished training of a network for whole images into a model package.
public struct TrainedClassifier: Sendable {
  /// The finished run.
  public let outcome: ClassificationTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: ClassificationTrainer.Outcome, origin: ModelOrigin) {
    (self.outcome, self.origin) = (outcome, origin)
  }

  private var configuration: ClassificationConfiguration { outcome.configuration }
  private var plan: RecognitionPlan { configuration.plan }

  private var summary: String {
    let classes = configuration.classNames
    let list =
      classes.count <= 6 ? classes.joined(separator: ", ") : "\(classes.count) classes"
    switch plan.task {
    case .classification: return "Tells which of \(list) an image shows."
    case .findings: return "Tells which of the findings \(list) an image shows."
    case .embedding: return "Tells whether images show the same, and finds it in a gallery."
    case .detection: return "Finds \(list) in images."
    case .regression: return "Tells \(list) of images."
    }
  }

  /// Results on images that were kept back.
  public var results: [ModelDescription.Result] {
    var results: [ModelDescription.Result] = []
    func add(_ structure: String, _ metric: String, _ value: Double?) {
      guard let value else { return }
      results.append(
        ModelDescription.Result(
          structure: structure,
          metric: metric,
          mean: rounded(value),
          sd: 0,
          cases: outcome.measuredIDs.count
        )
      )
    }
    if let evaluation = outcome.evaluation {
      add("all", "accuracy", evaluation.accuracy?.value)
      add("all", "auc", evaluation.meanArea)
      add("all", "expectedCalibrationError", evaluation.calibration?.expectedError)
    }
    if let verification = outcome.verification {
      add("all", "verificationAUC", verification.area)
      add("all", "equalErrorRate", verification.equalErrorRate)
      add("all", "rank1", verification.rank1?.value)
    }
    return results
  }

  /// What the model must not be used for.
  private static let forbidden =
    "Not for surveillance, and not to identify, track or judge people without their consent and a "
    + "lawful purpose."

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    let embeds = plan.task == .embedding
    return ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: summary,
      channels: [plan.channels == 1 ? "grey" : "RGB"],
      labels: embeds
        ? []
        : configuration.classNames.enumerated().map { index, name in
          LabelDefinition(id: index + 1, name: name, color: LabelDefinition.defaultColor(index))
        },
      network: configuration.network,
      plan: .recognition(plan),
      licence: origin.licence,
      intendedUse: "Research on images like those of \(origin.dataset). "
        + (embeds ? "Purpose: \(plan.purpose ?? "not stated"). \(Self.forbidden) " : "")
        + Version.disclaimer,
      provenance: origin.provenance(
        trainingCases: outcome.counts[.training] ?? 0,
        heldOut: outcome.measuredIDs,
        seed: outcome.learning.seed,
        steps: outcome.learning.steps,
        seconds: outcome.epochs.last?.seconds ?? 0
      ),
      results: results,
      files: [:]
    )
  }

  /// The model card, Markdown.
  public var card: String {
    let description = description
    let provenance = description.provenance
    func count(_ split: LabelledImages.Split) -> Int { outcome.counts[split] ?? 0 }
    var lines = ["# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", ""]
    let verb = plan.task == .embedding ? "recognise" : "classify"
    lines += ["## Use", "", "```"]
    lines.append("lamina vision \(verb) run IMAGE... --model \(origin.name) --output OUT")
    lines += ["```", "", description.intendedUse, "", "## Training", ""]
    if plan.task == .embedding {
      lines += ["Forbidden: \(Self.forbidden)", ""]
    }
    lines.append("- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).")
    lines.append(
      "- \(count(.training)) images trained on, \(count(.validation)) looked at on the way and used "
        + "for calibration, \(count(.test)) for the test alone."
    )
    lines.append("- Classes: \(configuration.classNames.joined(separator: ", ")).")
    lines.append(
      "- Network: \(configuration.network.name), \(outcome.network.weightCount) weights; "
        + "\(plan.summary)."
    )
    lines.append(
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) images in "
        + "\(provenance.minutes ?? 0) minutes, seed \(outcome.learning.seed)."
    )
    if plan.temperature != 1 { lines.append("- Temperature: \(plan.temperature).") }
    lines.append("- Command: `\(origin.command)`")
    lines.append("- Program: \(provenance.program), \(provenance.date).")
    lines += ["", "## Results", ""]
    lines.append(
      outcome.measuredOnValidation
        ? "On images that were looked at on the way, as none was kept for the test:"
        : "On \(outcome.measuredIDs.count) test images:"
    )
    lines += ["", "| metric | value |", "| --- | --- |"]
    lines += description.results.map { "| \($0.metric) | \($0.mean) |" }
    if let accuracy = outcome.evaluation?.accuracy {
      lines.append(
        "| accuracy, 95 % interval | \(rounded(accuracy.ci95[0])) to \(rounded(accuracy.ci95[1])) |"
      )
    }
    if let before = outcome.uncalibrated?.calibration?.expectedError {
      lines.append("| expectedCalibrationError before the temperature | \(rounded(before)) |")
    }
    if let subgroups = outcome.evaluation?.subgroups, !subgroups.isEmpty {
      lines += ["", "| subgroup | accuracy | n |", "| --- | --- | --- |"]
      lines += subgroups.compactMap { group in
        group.accuracy.map {
          "| \(group.property) = \(group.value) | \(rounded($0.value)) | \($0.count) |"
        }
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the package, with the learning curve and the evaluation beside it.
  /// - Parameter folder: A folder that exists.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public func write(to folder: String) throws {
    try ModelPackage.write(
      to: folder,
      description: description,
      weights: outcome.network.weights,
      as: outcome.weightType,
      card: card
    )
    var records: [(name: String, content: any Encodable)] = [
      (TrainingRecord.fileName, RecognitionTrainingRecord(outcome, origin.name))
    ]
    if let evaluation = outcome.evaluation {
      records.append((TrainingRecord.heldOutName, evaluation))
    } else if let verification = outcome.verification {
      records.append((TrainingRecord.heldOutName, verification))
    }
    try ModelPackage.write(records: records, to: folder)
  }

  private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}

/// What `training.json` of a model for whole images says.
public struct RecognitionTrainingRecord: Codable, Sendable, Equatable {
  /// Version of this record.
  public private(set) var schema = "lamina.recognition-training/1"
  /// The model's name.
  public let model: String
  /// The values of the run.
  public let configuration: ClassificationConfiguration
  /// The numbers of the run.
  public let learning: LearningConfiguration
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// Looks at validation images along the run.
  public let looks: [LearningLook]
  /// Oddities of the images.
  public let notes: [String]

  init(_ outcome: ClassificationTrainer.Outcome, _ model: String) {
    self.model = model
    configuration = outcome.configuration
    learning = outcome.learning
    epochs = outcome.epochs
    looks = outcome.looks
    notes = outcome.notes
  }
}

extension TrainedClassifier {
  /// The network's trainable values.
  public var parameterCount: Int { outcome.network.trainableCount }
}
