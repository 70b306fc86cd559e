import Evaluation
import Foundation
import Imaging
import ImagingIO
import Support

/// Joins models of the same structures to one package that averages their class probabilities.
///
/// nnU-Net's ensembling of configurations (Isensee et al. 2021, "Empirical parameters"): networks of
/// slices and of volumes err in different places. Every model counts alike, however many networks it
/// has itself.
public struct ModelJoining: Sendable {
  private let models: [ModelPackage]

  /// Creates a joining.
  /// - Parameter models: At least two, in the order in which they are summed.
  /// - Throws: `PipelinesError.unfitEnsemble` for fewer than two models, other structures or channels,
  ///   and for models that are more than networks side by side: cascades, TotalSegmentator's tasks,
  ///   objects one by one, atlases, graphs, and joined models.
  public init(_ models: [ModelPackage]) throws {
    guard models.count > 1 else {
      throw PipelinesError.unfitEnsemble(reason: "there is one model only")
    }
    try SegmentationRun.checkEnsemble(models)
    for description in models.map(\.description) {
      var reason: String?
      if description.previousStage != nil { reason = "is a cascade" }
      if description.totalSegmentator != nil { reason = "is one of TotalSegmentator's tasks" }
      if description.companions != nil { reason = "is joined already; name its parts" }
      if case .atlas = description.plan { reason = "fits an atlas" }
      if case .graph = description.network { reason = "is a graph of operators" }
      if let reason {
        throw PipelinesError.unfitEnsemble(reason: "\(description.name) \(reason)")
      }
    }
    self.models = models
  }

  /// Writes the package; its weights are checked against the hashes.
  /// - Parameters:
  ///   - target: A folder that exists.
  ///   - name: The package's name.
  ///   - command: The command line.
  ///   - dataset: The data set of which all models held out the same cases, to measure the joined model on
  ///     them; nil to leave that out.
  ///   - progress: Told about each case.
  ///   - interruption: Looked at between cases.
  /// - Returns: What `model.json` says.
  /// - Throws: `PipelinesError.damagedModel`, `.unfitEnsemble` when the models held out different
  ///   cases or the data set lacks them; `SupportError.unwritable`; what segmenting throws.
  public func write(
    to target: String,
    name: String,
    command: String,
    dataset: SegmentationDataset?,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> ModelDescription {
    let heldOut = try dataset.map(cases) ?? []
    var description = models[0].description
    description.name = name
    description.version = "1.0.0"
    let names = models.map(\.description.name).joined(separator: " and ")
    description.summary =
      "Segments \(description.labels.map(\.name).joined(separator: ", ")) by the averaged class "
      + "probabilities of \(names)."
    description.licence = Set(models.map(\.description.licence)).sorted().joined(separator: "; ")
    description.files = [:]
    let parts = try models.enumerated().map { index, model in
      try model.verify()
      return ModelDescription.Stage(
        network: model.description.network,
        plan: model.description.plan,
        members: try model.description.ensemble.map { member in
          let file = "\(index + 1)-\(member.weights)"
          let from = model.path + "/" + member.weights
          description.files[file] = try ModelPackage.copy(from, to: target, as: file)
          let label =
            model.description.members == nil
            ? model.description.name : "\(model.description.name), \(member.name)"
          return ModelDescription.Member(name: label, weights: file)
        }
      )
    }
    description.members = parts[0].members
    description.companions = Array(parts.dropFirst())
    description.postprocessing = nil
    description.provenance.command = command
    let origins = models.map(\.description.provenance)
    description.provenance.minutes = origins.reduce(0) { $0 + ($1.minutes ?? 0) }
    description.provenance.steps = origins.reduce(0) { $0 + ($1.steps ?? 0) }
    description.provenance.date = origins.map(\.date).max() ?? description.provenance.date
    description.provenance.program = "Lamina \(Version.current)"
    // Held out is what no part saw.
    description.provenance.heldOut.removeAll { id in !origins.allSatisfy { $0.heldOut.contains(id) }
    }
    description.results = []
    try copyRecords(to: target, into: &description)
    // Lower precisions were measured for the first part alone.
    description.selfTest?.largestInputs = nil
    description.selfTest?.precisions = [:]
    try ModelPackage.writeDescription(description, to: target)
    if let dataset, !heldOut.isEmpty {
      let report = try evaluate(
        ModelPackage(path: target),
        on: heldOut,
        of: dataset,
        progress: progress,
        interruption: interruption
      )
      description.results = ModelDescription.Result.rows(of: report)
      try ModelPackage.write(try report.json(), TrainingRecord.heldOutName, in: target)
      try ModelPackage.writeDescription(description, to: target)
    }
    try ModelPackage.write(
      Data(card(description).utf8),
      ModelPackage.cardName,
      in: target
    )
    return description
  }

  /// The learning curves of the parts: the first as the package's own, those of the others beside it.
  private func copyRecords(to target: String, into description: inout ModelDescription) throws {
    for (index, model) in models.enumerated() {
      let source = model.path + "/" + TrainingRecord.fileName
      guard let data = FileManager.default.contents(atPath: source) else { continue }
      if index > 0 {
        let name = "training-\(index + 1).json"
        description.files[name] = try ModelPackage.copy(source, to: target, as: name)
      } else {
        guard let record = try? JSONDecoder().decode(TrainingRecord.self, from: data) else {
          throw PipelinesError.damagedModel(
            path: model.path,
            reason: "it has no readable \(TrainingRecord.fileName)"
          )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let own = record.renamed(
          description.name,
          note: "The curve is that of \(model.description.name); training-2.json and so on hold "
            + "those of the others"
        )
        try ModelPackage.write(try encoder.encode(own), TrainingRecord.fileName, in: target)
      }
    }
  }

  /// The cases that no model saw.
  private func cases(_ dataset: SegmentationDataset) throws -> [SegmentationDataset.Case] {
    let wanted = Set(models[0].description.provenance.heldOut)
    for model in models where Set(model.description.provenance.heldOut) != wanted {
      throw PipelinesError.unfitEnsemble(
        reason: "\(model.description.name) and \(models[0].description.name) held out different "
          + "cases; leave out the data set"
      )
    }
    let found = dataset.cases.filter { wanted.contains($0.id) }
    guard !found.isEmpty, found.count == wanted.count else {
      throw PipelinesError.unfitEnsemble(
        reason: "\(dataset.name) has \(found.count) of the \(wanted.count) held-out cases"
      )
    }
    return found
  }

  private func evaluate(
    _ package: ModelPackage,
    on cases: [SegmentationDataset.Case],
    of dataset: SegmentationDataset,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> EvaluationReport {
    let run = try SegmentationRun(
      model: package,
      options: SegmentationRun.Options(),
      progress: SilentProgress(),
      interruption: interruption
    )
    let evaluator = try HeldOutMetrics.evaluator(for: dataset)
    progress.begin("evaluating \(cases.count) held-out cases", total: cases.count)
    let results = try cases.enumerated().map { index, entry in
      try interruption.check()
      let found = try run.segment(
        SegmentationInputs.Case(id: entry.id, path: entry.image, channelPaths: entry.images)
      )
      let reference = try NIfTIReader.labelMap(
        from: ImageFormats.read(entry.label).volume,
        table: dataset.mapTable,
        path: entry.label
      )
      progress.update(index + 1, detail: nil)
      return try evaluator.evaluate(
        prediction: found.labelMap,
        reference: reference,
        id: entry.id
      )
    }
    progress.end()
    return EvaluationReport(cases: results, evaluator: evaluator)
  }

  /// The model card, Markdown.
  private func card(_ description: ModelDescription) -> String {
    let provenance = description.provenance
    var lines = [
      "# \(description.name)", "", description.summary, "", "**\(Version.disclaimer)**", "",
      "## Use", "", "```",
      "lamina segment SCAN.nii.gz --model \(description.name) --output OUT", "```", "",
      description.intendedUse, "", "| label | structure |", "| --- | --- |",
    ]
    lines += description.labels.map { "| \($0.id) | \($0.name) |" }
    lines += ["", "## Parts", "", "Licence: \(description.licence)."]
    for model in models.map(\.description) {
      lines += [
        "", "### \(model.name)", "",
        "- Network: \(model.network.name); \(model.plan.summary).",
        "- Data: \(model.provenance.dataset); \(model.provenance.source).",
        "- \(model.provenance.trainingCases) cases trained on, "
          + "\(model.provenance.heldOut.count) held out; \(model.provenance.steps ?? 0) steps in "
          + "\(model.provenance.minutes ?? 0) minutes.",
        "- Command: `\(model.provenance.command)`",
        "- Program: \(model.provenance.program), \(model.provenance.date).",
      ]
    }
    lines += ["", "Joined by `\(provenance.command)`."]
    if !description.results.isEmpty {
      lines += [
        "", "## Results on the \(provenance.heldOut.count) held-out cases", "",
        "No part saw them.", "",
        "| structure | metric | mean | SD | n |", "| --- | --- | --- | --- | --- |",
      ]
      lines += description.results.map {
        "| \($0.structure) | \($0.metric) | \($0.mean) | \($0.sd) | \($0.cases) |"
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension ModelDescription {
  /// Checks networks of other plans, which must give the same classes.
  func checkCompanions() throws(PipelinesError) {
    for companion in companions ?? [] {
      try companion.plan.check()
      try companion.plan.check(
        companion.network,
        channels: channels.count,
        labels: labels.count
      )
      guard !companion.members.isEmpty, !companion.plan.needsPreviousStage,
        let own = probabilityHeads, heads(of: companion.plan) == own
      else {
        throw .invalidPlan(reason: "its further networks do not give the same classes")
      }
    }
  }
}
