import Foundation
import Imaging
import Layers
import Networks
import Pipelines
import Support

/// Turns a finished training of a detector into a model package.
public struct TrainedDetector: Sendable {
  /// The finished run.
  public let outcome: DetectionTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: DetectionTrainer.Outcome, origin: ModelOrigin) {
    (self.outcome, self.origin) = (outcome, origin)
  }

  private var configuration: DetectionConfiguration { outcome.configuration }

  private var networkName: String { configuration.network.configuration.name }

  private var summary: String {
    let shown = outcome.classes.prefix(8).joined(separator: ", ")
    let rest = outcome.classes.count > 8 ? " and \(outcome.classes.count - 8) more" : ""
    let form = configuration.network.hasMasks ? "boxes and masks" : "boxes"
    return "Finds \(shown)\(rest) as \(form) in pictures and slices with a \(networkName) network."
  }

  /// Held-out results, for the description: average precision of each class and its mean.
  public var results: [ModelDescription.Result] {
    guard let found = outcome.heldOut else { return [] }
    func result(_ structure: String, _ metric: String, _ value: Double?)
      -> ModelDescription.Result?
    {
      value.map {
        ModelDescription.Result(
          structure: structure,
          metric: metric,
          mean: rounded($0),
          sd: 0,
          cases: found.images
        )
      }
    }
    return [
      result("mean", "ap50", found.map50), result("mean", "ap", found.map),
      result("mean", "mask-ap50", found.maskMap50), result("mean", "mask-ap", found.maskMap),
    ]
    .compactMap { $0 }
      + found.classes.flatMap {
        [result($0.name, "ap50", $0.ap50), result($0.name, "ap", $0.ap)].compactMap { $0 }
      }
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: summary,
      channels: [configuration.plan.channels == 1 ? "grey" : "colour"],
      labels: outcome.classes.enumerated().map { index, name in
        LabelDefinition(id: index + 1, name: name, color: LabelDefinition.defaultColor(index))
      },
      network: configuration.network.configuration,
      plan: .recognition(configuration.plan),
      licence: origin.licence,
      intendedUse:
        "Research on images like those of \(origin.dataset). What is not marked may still be "
        + "there. " + Version.disclaimer,
      provenance: origin.provenance(
        trainingCases: outcome.trainingCount,
        heldOut: outcome.heldOutNames,
        seed: configuration.learning.seed,
        steps: configuration.learning.steps,
        seconds: outcome.epochs.last?.seconds ?? 0
      ),
      results: results,
      files: [:]
    )
  }

  /// The model card, Markdown.
  public var card: String {
    let description = description
    let learning = configuration.learning
    var lines = ["# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", ""]
    lines += [
      "## Use", "", "```", "lamina vision detect run IMAGE --model \(origin.name) --output OUT",
    ]
    lines += ["```", "", description.intendedUse, "", "## Training", ""]
    lines.append("- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).")
    lines.append("- \(outcome.trainingCount) pictures; \(outcome.heldOutNames.count) held out.")
    lines += outcome.notes.map { "- \($0)" }
    lines.append(
      "- Network: \(networkName), \(outcome.network.weightCount) weights; \(configuration.plan.summary), "
        + "strides \(configuration.network.strides.map(String.init).joined(separator: ", "))."
    )
    lines.append(
      "- \(learning.steps) steps of \(learning.batchSize) samples in "
        + "\(description.provenance.minutes ?? 0) minutes, seed "
        + "\(learning.seed)."
    )
    lines.append("- Command: `\(origin.command)`")
    lines.append("- Program: \(description.provenance.program), \(description.provenance.date).")
    lines += ["", "## Results on held-out pictures", ""]
    guard let found = outcome.heldOut else {
      return (lines + ["None: no picture was held out."]).joined(separator: "\n") + "\n"
    }
    func text(_ value: Double?) -> String { value.map { "\(rounded($0))" } ?? "undefined" }
    lines += [
      "Average precision at an intersection over union of 0.5 (AP50) and its mean over 0.5 to 0.95 "
        + "(AP), as COCO counts them, on \(found.images) pictures. Precision and recall are those at "
        + "the score of the largest F1, from which findings are told; it was chosen on these pictures.",
      "", "| class | boxes | AP50 | AP | score | precision | recall |",
      "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += found.classes.map { row in
      "| \(row.name) | \(row.objects) | \(text(row.ap50)) | \(text(row.ap)) | "
        + "\(text(row.bestScore)) | \(text(row.precision)) | \(text(row.recall)) |"
    }
    lines.append("| mean | | \(text(found.map50)) | \(text(found.map)) | | | |")
    if found.maskMap != nil {
      lines += [
        "",
        "Of the masks: AP50 \(text(found.maskMap50)), AP \(text(found.maskMap)), means over the classes.",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the package, with the learning curve and the held-out results beside it.
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
      (TrainingRecord.fileName, DetectionTrainingRecord(outcome, model: origin.name))
    ]
    if let found = outcome.heldOut { records.append((TrainingRecord.heldOutName, found)) }
    try ModelPackage.write(records: records, to: folder)
  }

  private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}

/// What `training.json` of a detector says.
public struct DetectionTrainingRecord: Codable, Sendable, Equatable {
  /// Version of this record.
  public private(set) var schema = "lamina.detection-training/1"
  /// The model's name.
  public let model: String
  /// The values of the run.
  public let configuration: DetectionConfiguration
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// Looks at held-out pictures along the run.
  public let looks: [LearningLook]
  /// Oddities of the data set.
  public let notes: [String]

  init(_ outcome: DetectionTrainer.Outcome, model: String) {
    self.model = model
    configuration = outcome.configuration
    epochs = outcome.epochs
    looks = outcome.looks
    notes = outcome.notes
  }
}
