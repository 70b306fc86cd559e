import Foundation
import Pipelines
import Recognition
import Support

/// Turns a finished training to fill holes into a model package.
public struct TrainedInpainter: Sendable {
  /// The finished run.
  public let outcome: InpaintingTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: InpaintingTrainer.Outcome, origin: ModelOrigin) {
    self.outcome = outcome
    self.origin = origin
  }

  private var shares: [Double] {
    outcome.configuration.plan.inpainting?.hiddenShares ?? []
  }

  /// The network's trainable values.
  public var parameterCount: Int { outcome.network.trainableCount }

  /// The last look at images that were kept back.
  public var results: [ModelDescription.Result] {
    (outcome.looks.last?.metrics ?? []).map { metric in
      ModelDescription.Result(
        structure: "all",
        metric: metric.key,
        mean: (metric.value * 1e4).rounded() / 1e4,
        sd: 0,
        cases: min(64, outcome.heldOutIDs.count)
      )
    }
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: "Fills holes in images like \(origin.dataset).",
      channels: ["image"],
      labels: [],
      network: outcome.configuration.network,
      plan: .autoencoder(outcome.configuration.plan),
      licence: origin.licence,
      intendedUse:
        "Research on data like \(origin.dataset). What it fills in is made up from what is "
        + "usual there: it shows nothing that was seen. \(Version.disclaimer)",
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
    let description = description
    var lines = [
      "# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", "", "## Use",
      "", "```",
      "lamina vision inpaint run IMAGE --mask MASK --model \(origin.name) --output OUT", "```", "",
      description.intendedUse, "", "## Training", "",
      "- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).",
      "- \(outcome.trainingCount) images trained on, \(outcome.heldOutIDs.count) kept back.",
      "- Hidden: \(shares.map { "\($0)" }.joined(separator: " to ")) of the pixels, by rectangles and "
        + "strokes.",
      "- Network: \(outcome.configuration.network.name), \(parameterCount) weights.",
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) images, seed "
        + "\(outcome.learning.seed).", "- Command: `\(origin.command)`",
      "- Program: \(description.provenance.program), \(description.provenance.date).", "",
      "## Results", "", "| 25 % hidden by rectangles, images kept back | value |", "| --- | --- |",
    ]
    lines += results.map { "| \($0.metric), dB, of \($0.cases) images | \($0.mean) |" }
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
      card: card
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
