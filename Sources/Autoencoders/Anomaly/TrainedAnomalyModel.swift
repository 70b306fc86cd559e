import Foundation
import Pipelines
import Recognition
import Support

/// Turns a finished training on normal images into a model package.
public struct TrainedAnomalyModel: Sendable {
  /// The finished run.
  public let outcome: AnomalyTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: AnomalyTrainer.Outcome, origin: ModelOrigin) {
    self.outcome = outcome
    self.origin = origin
  }

  private var plan: AutoencoderPlan.Anomaly { outcome.scoring.plan }

  /// The network's trainable values.
  public var parameterCount: Int { outcome.network.trainableCount }

  /// Errors on normal images that were kept back.
  public var results: [ModelDescription.Result] {
    [
      (outcome.configuration.network.name, outcome.squaredErrors.network),
      ("principal components", outcome.squaredErrors.baseline),
    ].map { name, value in
      ModelDescription.Result(
        structure: name,
        metric: "squaredError",
        mean: (value * 1e6).rounded() / 1e6,
        sd: 0,
        cases: outcome.heldOutIDs.count
      )
    }
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: "Tells images that are unlike \(plan.normalClass), and shows where.",
      channels: ["image"],
      labels: [],
      network: outcome.configuration.network,
      plan: .autoencoder(outcome.configuration.plan),
      licence: origin.licence,
      intendedUse: "Research on data like \(origin.dataset). \(Version.disclaimer)",
      provenance: origin.provenance(
        trainingCases: outcome.trainingCount,
        heldOut: outcome.heldOutIDs,
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
    let (description, stored) = (description, outcome.configuration.plan.anomaly ?? plan)
    func text(_ value: Double) -> String { "\((value * 1e4).rounded() / 1e4)" }
    var lines = [
      "# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", "", "## Use",
      "",
      "```", "lamina vision anomaly run IMAGE... --model \(origin.name) --output OUT", "```", "",
      description.intendedUse, "", "## Score", "", "The \(outcome.scoring.definition).", "",
      "The threshold, \(text(stored.threshold)), is such that of normal images at most a share of "
        + "\(text(1 - stored.quantile)) exceeds it in the long run; it was found on "
        + "\(stored.heldOutImages) normal images that were not trained on.", "", "## Training", "",
      "- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).",
      "- \(outcome.trainingCount) normal images (\(stored.normalClass)) trained on, and no others; "
        + "\(stored.heldOutImages) kept back.",
      "- Network: \(outcome.configuration.network.name), \(parameterCount) weights; beside it "
        + "\(stored.components) principal components.",
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) images, seed "
        + "\(outcome.learning.seed).", "- Command: `\(origin.command)`",
      "- Program: \(description.provenance.program), \(description.provenance.date).", "",
      "## Results", "", "| mean squared error on normal images kept back | value |",
      "| --- | --- |",
    ]
    lines += results.map { "| \($0.structure) | \($0.mean) |" }
    lines += outcome.notes.map { "\n\($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the package, with the learning curve beside it.
  /// - Parameter folder: A folder that exists.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public func write(to folder: String) throws {
    try ModelPackage.write(
      to: folder,
      description: description,
      weights: outcome.network.weights,
      as: .float32,
      card: card,
      further: [AnomalyDetector.fileName: try outcome.components.encoded(as: .float32)]
    )
    try ModelPackage.write(
      records: [
        (
          TrainingRecord.fileName,
          AutoencoderTrainingRecord(
            model: origin.name,
            learning: outcome.learning,
            epochs: outcome.epochs,
            looks: outcome.looks,
            notes: outcome.notes
          )
        )
      ],
      to: folder
    )
  }
}
