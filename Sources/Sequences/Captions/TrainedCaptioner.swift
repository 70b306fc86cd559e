import Foundation
import Layers
import Pipelines
import Recognition
import Support

/// Turns a finished training of sentences into a model package.
public struct TrainedCaptioner: Sendable {
  /// The finished run.
  public let outcome: CaptionTrainer.Outcome
  /// The package's name.
  public let name: String
  /// The data set's name.
  public let dataset: String
  /// Terms of use of the data.
  public let licence: String
  /// Where the data come from.
  public let source: String
  /// The command line that started the run.
  public let command: String

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - name: The package's name.
  ///   - dataset: The data set's name.
  ///   - licence: Terms of use of the data.
  ///   - source: Where the data come from.
  ///   - command: The command line that started the run.
  public init(
    outcome: CaptionTrainer.Outcome,
    name: String,
    dataset: String,
    licence: String,
    source: String,
    command: String
  ) {
    self.outcome = outcome
    self.name = name
    self.dataset = dataset
    self.licence = licence
    self.source = source
    self.command = command
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
      name: name,
      version: "1.0.0",
      summary: "Writes a sentence about an image, of \(outcome.plan.words.count) words.",
      channels: [
        outcome.plan.images.stack == nil && outcome.plan.images.channels == 3 ? "RGB" : "grey"
      ],
      labels: [],
      network: .captioner(outcome.configuration),
      plan: .sequence(SequencePlan(captions: outcome.plan)),
      licence: licence,
      intendedUse:
        "Research on images like those of \(dataset). Sentences sound sure whether they are "
        + "right or not. \(Version.disclaimer)",
      provenance: ModelDescription.Provenance(
        dataset: dataset,
        source: source,
        trainingCases: outcome.counts[.training] ?? 0,
        heldOut: outcome.evaluation.cases.map(\.id),
        command: command,
        seed: outcome.learning.seed,
        steps: outcome.learning.steps,
        minutes: (((outcome.epochs.last?.seconds ?? 0) / 6).rounded()) / 10,
        program: "Lamina \(Version.current)",
        date: String(ISO8601DateFormatter().string(from: Date()).prefix(10))
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
      "# \(name)", "", description.summary, "", "**\(Version.disclaimer)**", "", "## Use", "",
      "```", "lamina vision caption run IMAGE... --model \(name) --output OUT", "```", "",
      description.intendedUse, "", "## Training", "",
      "- Data: \(dataset); \(source). Licence: \(licence).",
      "- \(count(.training)) images trained on, \(count(.validation)) looked at on the way, "
        + "\(count(.test)) for the test alone.",
      "- Network: caption-rnn, \(parameterCount) weights; \(description.plan.summary); attention to "
        + "\(outcome.configuration.gridSize[0]) x \(outcome.configuration.gridSize[1]) places.",
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) images in "
        + "\(description.provenance.minutes ?? 0) minutes, seed \(outcome.learning.seed).",
      "- Command: `\(command)`",
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
            model: name,
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
