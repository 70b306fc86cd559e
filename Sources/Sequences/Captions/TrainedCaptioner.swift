import Foundation
import Layers
import Pipelines
import Recognition
import Support

/// Turns a finished training of sentences into a model package.
public struct TrainedCaptioner: Sendable {
  /// The finished run.
  public let outcome: CaptionTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: CaptionTrainer.Outcome, origin: ModelOrigin) {
    (self.outcome, self.origin) = (outcome, origin)
  }

  /// The network's trainable values.
  public var parameterCount: Int { outcome.network.trainableCount }

  /// Results on images that were kept back.
  public var results: [ModelDescription.Result] {
    let cases = outcome.evaluation.cases.count
    func result(_ structure: String, _ metric: String, _ value: Double?) -> [ModelDescription
      .Result]
    {
      guard let value else { return [] }
      return [
        ModelDescription.Result(
          structure: structure,
          metric: metric,
          mean: rounded(value),
          sd: 0,
          cases: cases
        )
      ]
    }
    let network = outcome.evaluation.network
    var results = network.bleu.scores.enumerated().flatMap {
      result("all", "bleu\($0.offset + 1)", $0.element)
    }
    results += result("all", "rougeL", network.rougeL)
    results += result("all", "exactSentences", network.exact?.value)
    results += result("all", "exactStatements", network.statements?.value)
    for baseline in outcome.evaluation.baselines {
      let short = String(baseline.name.prefix { $0 != ":" })
      results += result(short, "bleu4", baseline.bleu.scores.last)
      results += result(short, "exactStatements", baseline.statements?.value)
    }
    return results
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: "Writes a sentence about an image, of \(outcome.plan.words.count) words.",
      channels: [
        outcome.plan.images.stack == nil && outcome.plan.images.imageChannels == 3 ? "RGB" : "grey"
      ],
      labels: [],
      network: .captioner(outcome.configuration),
      plan: .sequence(SequencePlan(captions: outcome.plan)),
      licence: origin.licence,
      intendedUse:
        "Research on images like those of \(origin.dataset). Sentences sound sure whether they are "
        + "right or not. \(Version.disclaimer)",
      provenance: origin.provenance(
        trainingCases: outcome.counts[.training] ?? 0,
        heldOut: outcome.evaluation.cases.map(\.id),
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
    func share(_ share: ShareWithInterval?) -> String {
      guard let share else { return "undefined" }
      return "\(rounded(share.value)) (\(rounded(share.ci95[0])) to \(rounded(share.ci95[1])))"
    }
    var lines = [
      "# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", "", "## Use",
      "",
      "```",
      "lamina vision caption run IMAGE\(outcome.plan.images.labelMap == nil ? "..." : " --labels LABELS") "
        + "--model \(origin.name) --output OUT", "```", "",
      description.intendedUse, "", "## Training", "",
      "- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).",
      "- \(count(.training)) images trained on, \(count(.validation)) looked at on the way, "
        + "\(count(.test)) for the test alone.",
      "- Network: caption-rnn, \(parameterCount) weights; \(description.plan.summary); attention to "
        + "\(outcome.configuration.gridSize[0]) x \(outcome.configuration.gridSize[1]) places.",
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) images in "
        + "\(description.provenance.minutes ?? 0) minutes, seed \(outcome.learning.seed).",
      "- Command: `\(origin.command)`",
      "- Program: \(description.provenance.program), \(description.provenance.date).", "",
      "## Results on \(outcome.evaluation.cases.count) images", "",
      "| what writes | BLEU-1 | BLEU-2 | BLEU-3 | BLEU-4 | ROUGE-L | sentences word by word | statements "
        + "word by word |", "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for scores in [outcome.evaluation.network] + outcome.evaluation.baselines {
      let cells =
        [scores.name] + scores.bleu.scores.map { "\(rounded($0))" } + [
          "\(rounded(scores.rougeL))", share(scores.exact), share(scores.statements),
        ]
      lines.append("| " + cells.joined(separator: " | ") + " |")
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
        ), (TrainingRecord.heldOutName, outcome.evaluation),
      ],
      to: folder
    )
  }

  private func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
}
