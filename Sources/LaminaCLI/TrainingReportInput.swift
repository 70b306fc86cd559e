import Evaluation
import Foundation
import Imaging
import Pipelines
import Reporting
import Support

/// A model package's training run as the report wants it.
enum TrainingReportInput {
  /// Whether the folder is a model package with the record of its training.
  /// - Parameter folder: A folder.
  /// - Returns: True when `items` can read it.
  static func isTraining(_ folder: String) -> Bool {
    [ModelPackage.descriptionName, TrainingRecord.fileName].allSatisfy {
      FileManager.default.fileExists(atPath: folder + "/" + $0)
    }
  }

  /// Reads the run, and the evaluation of its held-out cases when there is one.
  /// - Parameter folder: A model package.
  /// - Returns: The training, and the evaluation.
  /// - Throws: What opening the package throws; `ReportInputError.notAResult`.
  static func items(
    _ folder: String
  ) throws -> (training: TrainingReportData, evaluation: EvaluationReportData?) {
    let package = try ModelPackage(path: folder)
    switch package.description.task {
    case .enhancement: return (try EnhancementReportInput.training(package), nil)
    case .recognition, .sequence, .compression, .autoencoder, .stylization:
      return (try RecognitionTrainingReport.training(package), nil)
    case .segmentation, .start: break
    }
    guard let data = FileManager.default.contents(atPath: folder + "/" + TrainingRecord.fileName),
      let record = try? JSONDecoder().decode(TrainingRecord.self, from: data)
    else { throw ReportInputError.notAResult(path: folder) }
    let description = package.description
    let heldOut = try FileManager.default
      .contents(atPath: folder + "/" + TrainingRecord.heldOutName)
      .map { try EvaluationReport(json: $0) }
    let structures = structures(description, heldOut)
    let provenance = description.provenance
    var training = TrainingReportData(
      modelName: description.name,
      facts: facts(record, description),
      curves: [
        curve("Loss", record.epochs.map { [Double($0.step), $0.loss] }),
        curve("Learning rate", record.epochs.map { [Double($0.step), $0.learningRate] }),
      ] + validationCurves(record, structures),
      provenance: ProvenanceRecord(programVersion: provenance.program)
    )
    training.describe(package, seconds: record.epochs.last?.seconds)
    training.problems = record.notes.map { $0 + "." } + record.warnings
    training.timings = timings(record)
    (training.progress, training.worst) =
      try TrainingPicturesInput(labels: description.labels).slices(folder)

    let evaluation = heldOut.map { report in
      EvaluationReportData(
        title: "Held-out cases of \(description.name)",
        report: report,
        colors: Dictionary(
          structures.map { ($0.key, $0.color) },
          uniquingKeysWith: { first, _ in first }
        )
      )
    }
    return (training, evaluation)
  }

  /// What is measured on held-out cases.
  private struct Structure: Equatable {
    /// The key in evaluations.
    let key: String
    let name: String
    let color: LabelColor
  }

  /// The model's labels, or its regions as the held-out cases were evaluated by them.
  ///
  /// A region has the colour of its lowest label, with which regions within each other are drawn.
  private static func structures(
    _ description: ModelDescription,
    _ heldOut: EvaluationReport?
  ) -> [Structure] {
    guard case .nnUNet(let plan) = description.plan, case .regions = plan.heads, let heldOut else {
      return description.labels.map { Structure(key: "\($0.id)", name: $0.name, color: $0.color) }
    }
    return heldOut.structures.enumerated().map { index, structure in
      let lowest = structure.key.split(separator: "+").first.flatMap { Int($0) }
      return Structure(
        key: structure.key,
        name: structure.name,
        color: description.labels.first { $0.id == lowest }?.color
          ?? LabelDefinition.defaultColor(index)
      )
    }
  }

  private static func facts(
    _ record: TrainingRecord,
    _ description: ModelDescription
  ) -> [(name: String, value: String)] {
    let values = record.configuration
    let provenance = description.provenance
    let last = record.epochs.last
    let trained = (last?.seconds ?? 0) - record.validationSeconds
    let perStep = 1000 * trained / Double(max(1, last?.step ?? 1))
    return [
      ("Data", "\(provenance.dataset); \(provenance.source)"),
      ("Volumes", "\(provenance.trainingCases) trained on, \(provenance.heldOut.count) held out"),
      ("Network", values.network.name),
      ("Plan", values.plan.summary),
      ("Steps", "\(values.steps) of \(values.batchSize) samples"),
      ("Time a step", "\(ReportNumber.fixed(perStep, 0)) ms"),
      ("Waiting for data", "\(ReportNumber.fixed(100 * (last?.dataShare ?? 0), 1)) % of the time"),
    ]
  }

  /// No more structures than this have lines of their own; those that came out worst.
  private static let mostLines = 8

  /// Dice coefficients of held-out cases along the run: of the structures and their mean.
  private static func validationCurves(
    _ record: TrainingRecord,
    _ structures: [Structure]
  ) -> [TrainingReportData.Curves] {
    guard record.validations.count > 1, let last = record.validations.last else { return [] }
    let mean = record.validations.compactMap { entry -> SIMD2<Double>? in
      let values = structures.compactMap { entry.dice[$0.key] }
      guard !values.isEmpty else { return nil }
      return [Double(entry.step), values.reduce(0, +) / Double(values.count)]
    }
    let known = structures.filter { last.dice[$0.key] != nil }
    let worst = known.sorted { (last.dice[$0.key] ?? 0) < (last.dice[$1.key] ?? 0) }
      .prefix(mostLines)
    let lines = known.filter(worst.contains).map { structure in
      ReportChart.Line(
        label: structure.name,
        points: record.validations.compactMap { entry in
          entry.dice[structure.key].map { [Double(entry.step), $0] }
        },
        color: structure.color
      )
    }
    let count = last.cases.count
    let title =
      "Dice of \(count) held-out \(count == 1 ? "case" : "cases")"
      + (known.count > mostLines ? ", the mean and the worst \(mostLines) structures" : "")
    return [
      TrainingReportData.Curves(
        title: title,
        lines: (structures.count > 1 ? [ReportChart.Line(label: "mean", points: mean)] : [])
          + lines,
        xLabel: "step"
      )
    ]
  }

  /// Where the time of the run went.
  private static func timings(_ record: TrainingRecord) -> [(name: String, seconds: Double)] {
    guard let last = record.epochs.last else { return [] }
    let waiting = last.seconds * last.dataShare
    return [
      ("Steps", max(0, last.seconds - waiting - record.validationSeconds)),
      ("Waiting for data", waiting),
      ("Looks at held-out cases", record.validationSeconds),
    ]
  }

  /// A curve over the steps of a run.
  static func curve(_ title: String, _ points: [SIMD2<Double>]) -> TrainingReportData.Curves {
    TrainingReportData.Curves(
      title: title,
      lines: [ReportChart.Line(label: title, points: points)],
      xLabel: "step"
    )
  }
}

extension TrainingReportData {
  /// Takes over what a model package says of itself, and its card.
  /// - Parameters:
  ///   - package: The model.
  ///   - seconds: How long the training took.
  mutating func describe(_ package: ModelPackage, seconds: Double?) {
    let description = package.description
    provenance.modelName = description.name
    provenance.modelVersion = description.version
    provenance.weightsSHA256 = description.files[ModelPackage.weightsName]
    provenance.seed = description.provenance.seed
    provenance.command = description.provenance.command
    provenance.elapsedSeconds = seconds
    modelCard = FileManager.default
      .contents(atPath: package.path + "/" + ModelPackage.cardName)
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
