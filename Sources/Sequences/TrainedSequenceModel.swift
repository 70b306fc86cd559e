import Foundation
import Imaging
import Layers
import Pipelines
import Recognition
import Support

/// Turns a finished training on sequences into a model package.
public struct TrainedSequenceModel: Sendable {
  /// The finished run.
  public let outcome: SequenceOutcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: SequenceOutcome, origin: ModelOrigin) {
    (self.outcome, self.origin) = (outcome, origin)
  }

  private var classNames: [String] { outcome.classNames }
  private var areBeats: Bool { outcome.plan.beats != nil }

  private var things: String { areBeats ? "beats" : "clips" }

  /// The network's trainable values.
  public var parameterCount: Int { outcome.network.trainableCount }

  /// Results on sequences that were kept back.
  public var results: [ModelDescription.Result] {
    var results: [ModelDescription.Result] = []
    func add(_ structure: String, _ metric: String, _ value: Double?, _ count: Int?) {
      guard let value, let count else { return }
      results.append(
        ModelDescription.Result(
          structure: structure,
          metric: metric,
          mean: rounded(value),
          sd: 0,
          cases: count
        )
      )
    }
    let evaluation = outcome.evaluation
    add("all", "accuracy", evaluation.accuracy?.value, evaluation.accuracy?.count)
    for result in evaluation.classResults {
      add(result.name, "sensitivity", result.sensitivity?.value, result.sensitivity?.count)
      add(result.name, "precision", result.precision?.value, result.precision?.count)
    }
    if let detection = outcome.detection {
      add("all", "detectionF1", detection.f1, detection.truePositives + detection.falseNegatives)
    }
    return results
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: areBeats
        ? "Tells the beats of an electrocardiogram apart: \(classNames.joined(separator: ", "))."
        : "Tells which of \(classNames.joined(separator: ", ")) an image sequence shows.",
      channels: [areBeats ? "electrocardiogram" : "frames"],
      labels: classNames.enumerated().map { index, name in
        LabelDefinition(id: index + 1, name: name, color: LabelDefinition.defaultColor(index))
      },
      network: outcome.configuration,
      plan: .sequence(outcome.plan),
      licence: origin.licence,
      intendedUse: "Research on data like \(origin.dataset). \(Version.disclaimer)",
      provenance: origin.provenance(
        trainingCases: outcome.counts[.training] ?? 0,
        heldOut: [],
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
    func count(_ split: LabelledImages.Split) -> Int { outcome.counts[split] ?? 0 }
    func text(_ share: ShareWithInterval?) -> String {
      guard let share else { return "undefined" }
      return "\(rounded(share.value)) (95 % interval \(rounded(share.ci95[0])) to "
        + "\(rounded(share.ci95[1])), \(share.hits) of \(share.count))"
    }
    var lines = [
      "# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", "", "## Use",
      "",
      "```",
      areBeats
        ? "lamina vision ecg run RECORD... --model \(origin.name) --output OUT"
        : "lamina vision sequence run CLIP... --model \(origin.name) --output OUT", "```", "",
      description.intendedUse, "", "## Training", "",
      "- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).",
      "- \(count(.training)) \(things) trained on, \(count(.validation)) looked at on the way, "
        + "\(count(.test)) for the test alone"
        + (areBeats
          ? ", later ones of the same records: what it does for other people is not known."
          : "."),
      "- Network: \(outcome.configuration.name), \(parameterCount) weights.",
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) \(things), seed "
        + "\(outcome.learning.seed).",
      "- Command: `\(origin.command)`",
      "- Program: \(description.provenance.program), \(description.provenance.date).", "",
      "## Results", "", "| quantity | value |", "| --- | --- |",
      "| accuracy | \(text(outcome.evaluation.accuracy)) |",
    ]
    for result in outcome.evaluation.classResults {
      lines.append("| \(result.name), sensitivity | \(text(result.sensitivity)) |")
      lines.append("| \(result.name), precision | \(text(result.precision)) |")
    }
    if let detection = outcome.detection {
      lines.append("| beats found within 150 ms | \(text(detection.sensitivity)) |")
      lines.append("| beats found that were annotated | \(text(detection.precision)) |")
    }
    lines += outcome.notes.map { "\n\($0)" }
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
    try ModelPackage.write(
      records: [
        (
          TrainingRecord.fileName,
          SequenceTrainingRecord(
            model: origin.name,
            learning: outcome.learning,
            epochs: outcome.epochs,
            looks: outcome.looks,
            notes: outcome.notes
          )
        ),
        (TrainingRecord.heldOutName, outcome.evaluation),
      ],
      to: folder
    )
  }

  private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
