import Foundation
import Pipelines
import Recognition
import Reporting

/// The training run of a model that says what images show, as the report wants it.
enum RecognitionTrainingReport {
  /// What the records of classifiers and detectors have in common.
  private struct Record: Decodable {
    let epochs: [SegmentationTrainer.Epoch]
    let looks: [LearningLook]
    let notes: [String]
  }

  /// Reads the run.
  /// - Parameter package: The model.
  /// - Returns: The training, with the results in its facts.
  /// - Throws: `ReportInputError.notAResult` when the record of the training cannot be read.
  static func training(_ package: ModelPackage) throws -> TrainingReportData {
    func content(_ name: String) -> Data? {
      FileManager.default.contents(atPath: package.path + "/" + name)
    }
    guard let data = content(TrainingRecord.fileName),
      let record = try? JSONDecoder().decode(Record.self, from: data)
    else { throw ReportInputError.notAResult(path: package.path) }
    let description = package.description
    let provenance = description.provenance
    let last = record.epochs.last
    let perStep = 1000 * (last?.seconds ?? 0) / Double(max(1, last?.step ?? 1))
    var result = TrainingReportData(
      modelName: description.name,
      facts: [
        ("Data", "\(provenance.dataset); \(provenance.source)"),
        (
          "Images",
          "\(provenance.trainingCases) trained on, \(provenance.heldOut.count) measured on"
        ),
        ("Network", description.network.name),
        ("Plan", description.plan.summary),
        ("Steps", "\(provenance.steps ?? 0)"),
        ("Time a step", "\(ReportNumber.fixed(perStep, 0)) ms"),
      ]
        + description.results.map {
          ("\($0.metric), \($0.structure)", ReportNumber.significant($0.mean, 4))
        },
      curves: [
        TrainingReportInput.curve("Loss", record.epochs.map { SIMD2(Double($0.step), $0.loss) }),
        TrainingReportInput.curve(
          "Learning rate",
          record.epochs.map { SIMD2(Double($0.step), $0.learningRate) }
        ),
      ] + looks(record.looks),
      provenance: ProvenanceRecord(programVersion: provenance.program)
    )
    result.curves.removeAll { !$0.lines.allSatisfy { $0.points.count > 1 } }
    result.describe(package, seconds: last?.seconds)
    result.problems = record.notes
    return result
  }

  private static func looks(_ looks: [LearningLook]) -> [TrainingReportData.Curves] {
    let keys = looks.first?.metrics.map(\.key) ?? []
    return keys.map { key in
      TrainingReportInput.curve(
        "Held-out \(key)",
        looks.compactMap { look in
          look.metrics.first { $0.key == key }.map { SIMD2(Double(look.step), $0.value) }
        }
      )
    }
  }
}
