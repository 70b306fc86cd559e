import Foundation
import Imaging
import Layers
import Pipelines
import Support

/// Turns a finished training of a network for numbers into a model package.
public struct TrainedRegressor: Sendable {
  /// The finished run.
  public let outcome: RegressionTrainer.Outcome
  /// Where it comes from.
  public let origin: ModelOrigin

  /// Creates the package's content.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - origin: Where it comes from.
  public init(outcome: RegressionTrainer.Outcome, origin: ModelOrigin) {
    (self.outcome, self.origin) = (outcome, origin)
  }

  private var plan: RecognitionPlan { outcome.configuration.plan }
  private var targets: [RecognitionPlan.Regression.Target] { plan.regression?.targets ?? [] }

  private var hasIntervals: Bool { targets.contains { $0.quantile != nil } }

  /// The network's trainable values.
  public var parameterCount: Int { outcome.network.trainableCount }

  /// Results on images that were kept back.
  public var results: [ModelDescription.Result] {
    (outcome.evaluation?.targets ?? []).flatMap { target -> [ModelDescription.Result] in
      let values: [(metric: String, value: Double?)] = [
        ("mae", significant(target.mae)), ("rmse", significant(target.rmse)),
        ("r2", target.r2.map(decimal)), ("concordance", target.concordance.map(decimal)),
        ("intervalCoverage", target.coverage.map { decimal($0.value) }),
        ("intervalWidth", target.meanWidth.map(significant)),
      ]
      return values.compactMap { metric, value in
        value.map {
          ModelDescription.Result(
            structure: target.name,
            metric: metric,
            mean: $0,
            sd: 0,
            cases: target.count
          )
        }
      }
    }
  }

  /// The description, its files' hashes still empty.
  public var description: ModelDescription {
    let titles = targets.map(\.title).joined(separator: ", ")
    return ModelDescription(
      name: origin.name,
      version: "1.0.0",
      summary: "Tells \(titles) of \(plan.stack == nil ? "images" : "volumes").",
      channels: [plan.stack == nil && plan.channels == 3 ? "RGB" : "grey"],
      labels: targets.enumerated().map { index, target in
        LabelDefinition(
          id: index + 1,
          name: target.name,
          color: LabelDefinition.defaultColor(index)
        )
      },
      network: outcome.configuration.network,
      plan: .recognition(plan),
      licence: origin.licence,
      intendedUse: "Research on images like those of \(origin.dataset). \(Version.disclaimer)",
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
    func count(_ split: LabelledImages.Split) -> Int { outcome.counts[split] ?? 0 }
    var lines = [
      "# \(origin.name)", "", description.summary, "", "**\(Version.disclaimer)**", "", "## Use",
      "",
      "```", "lamina vision regress run IMAGE... --model \(origin.name) --output OUT", "```", "",
      description.intendedUse, "", "## Training", "",
      "- Data: \(origin.dataset); \(origin.source). Licence: \(origin.licence).",
      "- \(count(.training)) images trained on, \(count(.validation)) looked at on the way, "
        + "\(count(.test)) for the test alone.",
    ]
    let calibrated = plan.regression?.calibrationImages ?? 0
    lines.append(
      hasIntervals
        ? "- Intervals were calibrated on \(calibrated) of the images looked at on the way, of each "
          + "patient or group one." : "- Numbers come without intervals."
    )
    lines += targets.map { target -> String in
      "- \(target.title): \(significant(target.range[0])) to \(significant(target.range[1])) in the "
        + "training images, mean \(significant(target.mean)), deviation "
        + "\(significant(target.deviation))."
    }
    lines += [
      "- Network: \(outcome.configuration.network.name), \(parameterCount) weights; "
        + "\(plan.summary); loss \(outcome.configuration.loss.rawValue).",
      "- \(outcome.learning.steps) steps of \(outcome.learning.batchSize) images in "
        + "\(description.provenance.minutes ?? 0) minutes, seed \(outcome.learning.seed).",
      "- Command: `\(origin.command)`",
      "- Program: \(description.provenance.program), \(description.provenance.date).", "",
      "## Results", "",
      outcome.measuredOnValidation
        ? "On images that were looked at on the way, as none was kept for the test:"
        : "On \(outcome.measuredIDs.count) test images:", "",
    ]
    for target in outcome.evaluation?.targets ?? [] { lines += table(target) }
    if hasIntervals {
      lines.append(
        "Intervals are for \(plan.regression?.coverage ?? 0) of images of the same origin, on average over "
          + "them, not for a single kind of them."
      )
    }
    if hasIntervals, outcome.measuredOnValidation {
      lines.append(
        "They were not checked: no image was kept for the test, and on the images that they were "
          + "calibrated on the share would be right by construction."
      )
    }
    lines += outcome.notes.map { "\n\($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  private func table(_ target: RegressionEvaluation.TargetResult) -> [String] {
    let unit = target.unit.isEmpty ? "" : " \(target.unit)"
    func between(_ bounds: [Double]?, _ number: (Double) -> Double) -> String {
      bounds.map { " (95 % interval \(number($0[0])) to \(number($0[1])))" } ?? ""
    }
    func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "undefined" }
    var lines = [
      "| \(target.name) | value |", "| --- | --- |",
      "| mean absolute error | \(significant(target.mae))\(unit)"
        + "\(between(target.maeCI95, significant)) |",
      "| root mean squared error | \(significant(target.rmse))\(unit) |",
      "| R2 | \(text(target.r2.map(decimal))) |",
      "| concordance (Lin) | \(text(target.concordance.map(decimal)))"
        + "\(between(target.concordanceCI95, decimal)) |",
      "| bias | \(significant(target.bias))\(unit)\(between(target.biasCI95, significant)) |",
    ]
    if let limits = target.limits {
      lines.append(
        "| limits of agreement | \(significant(limits[0])) to \(significant(limits[1]))\(unit) |"
      )
    }
    if let coverage = target.coverage {
      lines.append(
        "| share of intervals with the truth | \(decimal(coverage.value))"
          + "\(between(coverage.ci95, decimal)) |"
      )
      lines.append(
        "| mean width of the intervals | \(text(target.meanWidth.map(significant)))\(unit) |"
      )
    }
    lines += target.baselines.map {
      "| mean absolute error, \($0.name) | \(significant($0.mae))\(unit) |"
    }
    return lines + [""]
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
      (TrainingRecord.fileName, RegressionTrainingRecord(outcome, origin.name))
    ]
    if let evaluation = outcome.evaluation {
      records.append((TrainingRecord.heldOutName, evaluation))
    }
    try ModelPackage.write(records: records, to: folder)
  }

  /// A number in a target's unit, however small the unit makes it, to four significant digits.
  private func significant(_ value: Double) -> Double {
    BenchStatistics.rounded(value, digits: 4)
  }

  /// A share or a coefficient, to four decimals.
  private func decimal(_ value: Double) -> Double {
    BenchStatistics.rounded(value, decimals: 4)
  }
}

/// What `training.json` of a model for numbers says.
public struct RegressionTrainingRecord: Codable, Sendable, Equatable {
  /// Version of this record.
  public private(set) var schema = "lamina.regression-training/1"
  /// The model's name.
  public let model: String
  /// The values of the run.
  public let configuration: RegressionConfiguration
  /// The numbers of the run.
  public let learning: LearningConfiguration
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// Looks at validation images along the run.
  public let looks: [LearningLook]
  /// Oddities of the images.
  public let notes: [String]

  init(_ outcome: RegressionTrainer.Outcome, _ model: String) {
    self.model = model
    configuration = outcome.configuration
    learning = outcome.learning
    epochs = outcome.epochs
    looks = outcome.looks
    notes = outcome.notes
  }
}
