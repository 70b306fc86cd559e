import Evaluation
import Foundation
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
      ],
      provenance: ProvenanceRecord(programVersion: provenance.program)
    )
    training.provenance.modelName = description.name
    training.provenance.modelVersion = description.version
    training.provenance.weightsSHA256 = description.files[ModelPackage.weightsName]
    training.provenance.seed = provenance.seed
    training.provenance.command = provenance.command
    training.provenance.elapsedSeconds = record.epochs.last?.seconds
    training.problems = record.notes.map { $0 + "." }
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
    let perStep = last.map { 1000 * $0.seconds / Double(max(1, $0.step)) } ?? 0
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

  private static func curve(_ title: String, _ points: [SIMD2<Double>]) -> TrainingReportData.Curves
  {
    TrainingReportData.Curves(
      title: title,
      lines: [ReportChart.Line(label: title, points: points)],
      xLabel: "step"
    )
  }
}
