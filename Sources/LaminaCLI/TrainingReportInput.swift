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
    guard let data = FileManager.default.contents(atPath: folder + "/" + TrainingRecord.fileName),
      let record = try? JSONDecoder().decode(TrainingRecord.self, from: data)
    else { throw ReportInputError.notAResult(path: folder) }
    let description = package.description
    let provenance = description.provenance
    var training = TrainingReportData(
      modelName: description.name,
      facts: facts(record, description),
      curves: [
        curve("Loss", record.epochs.map { [Double($0.step), $0.loss] }),
        curve("Learning rate", record.epochs.map { [Double($0.step), $0.learningRate] }),
      ] + validationCurves(record, description.labels),
      provenance: ProvenanceRecord(programVersion: provenance.program)
    )
    training.provenance.modelName = description.name
    training.provenance.modelVersion = description.version
    training.provenance.weightsSHA256 = description.files[ModelPackage.weightsName]
    training.provenance.seed = provenance.seed
    training.provenance.command = provenance.command
    training.provenance.elapsedSeconds = record.epochs.last?.seconds
    training.problems = record.notes.map { $0 + "." } + record.warnings
    training.timings = timings(record)
    (training.progress, training.worst) =
      try TrainingPicturesInput(labels: description.labels).slices(folder)
    training.modelCard = FileManager.default
      .contents(atPath: folder + "/" + ModelPackage.cardName)
      .map { String(decoding: $0, as: UTF8.self) }

    let heldOut = FileManager.default.contents(atPath: folder + "/" + TrainingRecord.heldOutName)
    let evaluation = try heldOut.map { data in
      EvaluationReportData(
        title: "Held-out cases of \(description.name)",
        report: try EvaluationReport(json: data),
        colors: Dictionary(
          description.labels.map { ("\($0.id)", $0.color) },
          uniquingKeysWith: { first, _ in first }
        )
      )
    }
    return (training, evaluation)
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
    _ labels: [LabelDefinition]
  ) -> [TrainingReportData.Curves] {
    guard record.validations.count > 1, let last = record.validations.last else { return [] }
    let mean = record.validations.compactMap { entry -> SIMD2<Double>? in
      let values = labels.compactMap { entry.dice["\($0.id)"] }
      guard !values.isEmpty else { return nil }
      return [Double(entry.step), values.reduce(0, +) / Double(values.count)]
    }
    let known = labels.filter { last.dice["\($0.id)"] != nil }
    let worst = known.sorted { (last.dice["\($0.id)"] ?? 0) < (last.dice["\($1.id)"] ?? 0) }
      .prefix(mostLines)
    let lines = known.filter(worst.contains).map { label in
      ReportChart.Line(
        label: label.name,
        points: record.validations.compactMap { entry in
          entry.dice["\(label.id)"].map { [Double(entry.step), $0] }
        },
        color: label.color
      )
    }
    let count = last.cases.count
    let title =
      "Dice of \(count) held-out \(count == 1 ? "case" : "cases")"
      + (known.count > mostLines ? ", the mean and the worst \(mostLines) structures" : "")
    return [
      TrainingReportData.Curves(
        title: title,
        lines: (labels.count > 1 ? [ReportChart.Line(label: "mean", points: mean)] : []) + lines,
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

  private static func curve(_ title: String, _ points: [SIMD2<Double>]) -> TrainingReportData.Curves
  {
    TrainingReportData.Curves(
      title: title,
      lines: [ReportChart.Line(label: title, points: points)],
      xLabel: "step"
    )
  }
}
