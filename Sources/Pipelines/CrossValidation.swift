import Evaluation
import Foundation
import Support

/// The models of all folds of a data set, each measured on the cases that it did not see, as one model.
///
/// Isensee et al. 2021, "nnU-Net", methods, "Ensembling": predictions average the class probabilities of
/// the folds' networks. The held-out evaluations are pooled, so that every case counts once.
public struct CrossValidation: Sendable {
  /// Where the folds' packages are until they are joined.
  public let folder: String

  /// Names the folds of a model.
  /// - Parameter model: The folder of the model to be.
  public init(model: String) { folder = model + ".folds" }

  /// The number of folds.
  public static var foldCount: Int { SegmentationDataset.foldCount }

  /// The package of a fold.
  /// - Parameter fold: 0 to 4.
  /// - Returns: Its folder.
  public func path(_ fold: Int) -> String { "\(folder)/fold-\(fold)" }

  /// Whether a fold is trained.
  /// - Parameter fold: 0 to 4.
  /// - Returns: Whether its package is there.
  public func isDone(_ fold: Int) -> Bool {
    FileManager.default.fileExists(atPath: path(fold) + "/" + ModelPackage.descriptionName)
  }

  /// The values that all folds are trained with, where they depend on the machine's speed.
  ///
  /// Folds may be trained side by side on machines that differ; the plan of whoever comes first holds.
  /// - Parameter values: This fold's values.
  /// - Returns: The same with the network, the plan, the samples and the batch that hold for all.
  /// - Throws: `SupportError.unwritable`; `DecodingError` when the stored plan is damaged.
  public func agreed(_ values: TrainingConfiguration) throws -> TrainingConfiguration {
    let files = FileManager.default
    if !files.fileExists(atPath: planPath) {
      let own = planPath + ".\(ProcessInfo.processInfo.processIdentifier)"
      do {
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try JSONEncoder().encode(values).write(to: URL(fileURLWithPath: own))
      } catch {
        throw SupportError.unwritable(path: folder, reason: OutputGuard.reason(of: error))
      }
      // Fails when another was first, whose plan then holds.
      _ = link(own, planPath)
      unlink(own)
    }
    let stored = try JSONDecoder().decode(
      TrainingConfiguration.self,
      from: Data(contentsOf: URL(fileURLWithPath: planPath))
    )
    var result = values
    result.network = stored.network
    result.plan = stored.plan
    result.samples = stored.samples
    result.batchSize = stored.batchSize
    return result
  }

  private var planPath: String { folder + "/plan.json" }

  /// One fold's package and what it says of its training.
  private struct Fold {
    let number: Int
    let package: ModelPackage
    let record: TrainingRecord
    /// Nil where the fold held nothing out, as of a data set of fewer cases than folds.
    let heldOut: EvaluationReport?
  }

  /// Writes the joined package.
  /// - Parameters:
  ///   - target: A folder that exists.
  ///   - name: The package's name.
  ///   - command: The command line that trained the folds.
  /// - Returns: What `model.json` says.
  /// - Throws: `PipelinesError.damagedModel` for a fold that is not there or not whole, `.unfitEnsemble`
  ///   for folds that were trained in different ways; `SupportError.unwritable`.
  public func join(
    into target: String,
    name: String,
    command: String
  ) throws -> ModelDescription {
    let folds = try (0..<Self.foldCount).map(open)
    try check(folds)
    let first = folds[0]
    var description = first.package.description
    let measured = folds.compactMap(\.heldOut)
    let evaluator = try Evaluator(
      metrics: measured.first?.metrics ?? [],
      ignoredReferenceLabel: measured.first?.ignoreLabel
    )
    let pooled = EvaluationReport(cases: measured.flatMap(\.cases), evaluator: evaluator)
    description.name = name
    description.members = folds.map {
      ModelDescription.Member(name: "fold \($0.number)", weights: "fold-\($0.number).safetensors")
    }
    description.results = ModelDescription.Result.rows(of: pooled)
    description.provenance.command = command
    description.provenance.heldOut = pooled.cases.map(\.id)
    description.provenance.trainingCases = pooled.cases.count
    description.provenance.minutes = folds.reduce(0) {
      $0 + ($1.package.description.provenance.minutes ?? 0)
    }
    // Each fold chose for its own cases; what all chose holds for the whole.
    let steps = folds.map { $0.package.description.postprocessing?.steps ?? [] }
    let common = steps[0].filter { step in steps.allSatisfy { $0.contains(step) } }
    description.postprocessing = common.isEmpty ? nil : NNUNetPostprocessing(steps: common)
    // Scales of 8-bit integers belong to one network.
    description.selfTest?.largestInputs = nil
    description.selfTest?.precisions["int8"] = nil
    description.files = [:]
    for (fold, member) in zip(folds, description.ensemble) {
      let source = fold.package.path + "/" + fold.package.description.ensemble[0].weights
      description.files[member.weights] = try ModelPackage.copy(
        source,
        to: target,
        as: member.weights
      )
      if fold.number > 0 {
        let record = "training-\(fold.number).json"
        let source = fold.package.path + "/" + TrainingRecord.fileName
        description.files[record] = try ModelPackage.copy(source, to: target, as: record)
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let record = first.record.renamed(
      name,
      note: "The curve is that of fold 0; training-1.json and so on hold those of the others"
    )
    try ModelPackage.write(try encoder.encode(record), TrainingRecord.fileName, in: target)
    try ModelPackage.write(try pooled.json(), TrainingRecord.heldOutName, in: target)
    try ModelPackage.write(
      Data(card(description, folds).utf8),
      ModelPackage.cardName,
      in: target
    )
    try ModelPackage.writeDescription(description, to: target)
    return description
  }

  /// Forgets the plan of an earlier run; for when one starts anew.
  public func discardPlan() { unlink(planPath) }

  /// Removes the folds; for when the joined package is safely written.
  public func discardFolds() {
    for fold in 0..<Self.foldCount where isDone(fold) {
      try? ModelPackage(path: path(fold)).remove()
    }
    discardPlan()
    rmdir(folder)
  }

  private func open(_ fold: Int) throws -> Fold {
    let package = try ModelPackage(path: path(fold))
    try package.verify()
    func damaged(_ file: String) -> PipelinesError {
      .damagedModel(path: path(fold), reason: "it has no readable \(file)")
    }
    let files = FileManager.default
    guard
      let record = files.contents(atPath: path(fold) + "/" + TrainingRecord.fileName)
        .flatMap({ try? JSONDecoder().decode(TrainingRecord.self, from: $0) })
    else { throw damaged(TrainingRecord.fileName) }
    let heldOutPath = path(fold) + "/" + TrainingRecord.heldOutName
    var heldOut: EvaluationReport?
    if files.fileExists(atPath: heldOutPath) {
      heldOut = files.contents(atPath: heldOutPath).flatMap { try? EvaluationReport(json: $0) }
      guard heldOut != nil else { throw damaged(TrainingRecord.heldOutName) }
    }
    return Fold(number: fold, package: package, record: record, heldOut: heldOut)
  }

  /// All but the fold, and the number of steps of a run for a given time, must be the same.
  private func check(_ folds: [Fold]) throws {
    func values(_ fold: Fold) -> TrainingConfiguration {
      var values = fold.record.configuration
      values.fold = nil
      values.steps = 0
      return values
    }
    for fold in folds {
      guard values(fold) == values(folds[0]),
        fold.package.description.labels == folds[0].package.description.labels
      else {
        throw PipelinesError.unfitEnsemble(
          reason: "\(path(fold.number)) was trained in another way than \(path(0)); "
            + "remove one of them and train it anew"
        )
      }
      guard fold.record.configuration.fold == fold.number else {
        throw PipelinesError.unfitEnsemble(reason: "\(path(fold.number)) is of another fold")
      }
    }
  }

  /// The model card, Markdown.
  private func card(_ description: ModelDescription, _ folds: [Fold]) -> String {
    let provenance = description.provenance
    let steps = folds.map { "\($0.record.configuration.steps)" }.joined(separator: ", ")
    let batch = folds[0].record.configuration.batchSize
    var lines = [
      "# \(description.name)", "", description.summary, "", "**\(Version.disclaimer)**", "",
      "## Use", "", "```",
      "lamina segment \(description.exampleInput) --model \(description.name) --output OUT", "```",
      "",
      "The class probabilities of \(folds.count) networks are averaged; `--folds 0` takes one.", "",
    ]
    if let sentence = description.channelSentence { lines += [sentence, ""] }
    lines += [description.intendedUse, "", "| label | structure |", "| --- | --- |"]
    lines += description.labels.map { "| \($0.id) | \($0.name) |" }
    lines += [
      "", "## Training", "",
      "- Data: \(provenance.dataset); \(provenance.source). Licence: \(description.licence).",
      "- \(folds.count)-fold cross-validation of \(provenance.heldOut.count) volumes, split by seed "
        + "\(folds[0].record.configuration.seed).",
      "- Networks: \(description.network.name); \(description.plan.summary).",
      "- \(steps) steps of \(batch) samples in \(provenance.minutes ?? 0) minutes together.",
      "- Command: `\(provenance.command)`", "- Program: \(provenance.program), \(provenance.date).",
      "", "## Results of the cross-validation", "",
      "Each volume is segmented by the network that did not see it; the averaged networks, which saw "
        + "them all, are not measured here.",
      "", "| structure | metric | mean | SD | n |", "| --- | --- | --- | --- | --- |",
    ]
    lines += description.results.map {
      "| \($0.structure) | \($0.metric) | \($0.mean) | \($0.sd) | \($0.cases) |"
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension ModelDescription.Result {
  /// The metrics of every structure that a description and a card show.
  /// - Parameter evaluation: An evaluation of held-out cases.
  /// - Returns: One row for each structure and metric, by rising label.
  static func rows(of evaluation: EvaluationReport) -> [ModelDescription.Result] {
    let metrics = HeldOutMetrics.shown(among: evaluation.metrics)
    func rounded(_ value: Double) -> Double { (value * 10000).rounded() / 10000 }
    return evaluation.structures.flatMap { key, name in
      metrics.compactMap { metric in
        guard let summary = evaluation.summary[key]?[metric], let mean = summary.mean else {
          return nil
        }
        return ModelDescription.Result(
          structure: name,
          metric: metric,
          mean: rounded(mean),
          sd: rounded(summary.sd ?? 0),
          cases: summary.n
        )
      }
    }
  }
}
