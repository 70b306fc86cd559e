import Enhancement
import Foundation
import Pipelines
import Reporting

/// The training run of a model that improves images, as the report wants it.
enum EnhancementReportInput {
  /// Reads the run.
  /// - Parameter package: The model.
  /// - Returns: The training, with what held-out images gained.
  /// - Throws: `ReportInputError.notAResult` when the record of the training cannot be read.
  static func training(_ package: ModelPackage) throws -> TrainingReportData {
    func content(_ name: String) -> Data? {
      FileManager.default.contents(atPath: package.path + "/" + name)
    }
    let decoder = JSONDecoder()
    guard let data = content(TrainingRecord.fileName),
      let record = try? decoder.decode(EnhancementTrainingRecord.self, from: data)
    else { throw ReportInputError.notAResult(path: package.path) }
    let (description, values) = (package.description, record.configuration)
    let provenance = description.provenance
    let last = record.epochs.last
    let perStep = 1000 * (last?.seconds ?? 0) / Double(max(1, last?.step ?? 1))
    var result = TrainingReportData(
      modelName: description.name,
      facts: [
        ("Data", "\(provenance.dataset); \(provenance.source)"),
        (
          "Images",
          "\(provenance.trainingCases) trained on, \(provenance.heldOut.count) held out"
        ),
        ("Network", values.network.name),
        ("Plan", values.plan.summary),
        ("Steps", "\(values.steps) of \(values.batchSize) samples"),
        ("Time a step", "\(ReportNumber.fixed(perStep, 0)) ms"),
      ] + gains(content(TrainingRecord.heldOutName)),
      curves: [
        TrainingReportInput.curve("Loss", record.epochs.map { [Double($0.step), $0.loss] }),
        TrainingReportInput.curve(
          "Learning rate",
          record.epochs.map { [Double($0.step), $0.learningRate] }
        ),
        TrainingReportInput.curve(
          "PSNR of pieces of held-out images (dB)",
          record.looks.map { [Double($0.step), $0.psnr] }
        ),
      ].filter { $0.lines.allSatisfy { $0.points.count > 1 } } + games(record.games ?? []),
      provenance: ProvenanceRecord(programVersion: provenance.program)
    )
    result.describe(package, seconds: last?.seconds)
    let warned = values.adversarial != nil || values.plan.diffusion != nil
    result.problems =
      (warned
        ? ["Anatomy in images of this model can be invented: keep the original, measure nothing."]
        : [])
      + record.notes
    return result
  }

  /// What the held-out images gained, one fact for each metric.
  private static func gains(_ data: Data?) -> [(name: String, value: String)] {
    guard let data,
      let evaluation = try? JSONDecoder().decode(EnhancementEvaluation.self, from: data)
    else { return [] }
    let names = [
      ("psnr", "PSNR, dB"), ("ssim", "SSIM"), ("mae", "Mean absolute error"),
      ("gradientError", "Gradient error"),
    ]
    return names.compactMap { key, name in
      guard let entry = evaluation.summary[key], let before = entry["before"]?.mean,
        let after = entry["after"]?.mean
      else { return nil }
      let interval = entry["gain"]?.ci95.map {
        ", change \(ReportNumber.significant($0[0])) to \(ReportNumber.significant($0[1])) (95 %)"
      }
      return (
        name,
        "\(ReportNumber.significant(before, 4)) before, \(ReportNumber.significant(after, 4)) after"
          + (interval ?? "")
      )
    }
  }

  /// The curves of a game: losses, scores, gradients, and how much outputs differ.
  private static func games(_ epochs: [AdversarialEpoch]) -> [TrainingReportData.Curves] {
    guard epochs.count > 1 else { return [] }
    func chart(
      _ title: String,
      _ lines: [(String, (AdversarialParts) -> Double?)]
    ) -> TrainingReportData.Curves {
      TrainingReportData.Curves(
        title: title,
        lines: lines.compactMap { label, value in
          let points = epochs.compactMap { epoch in
            value(epoch.parts).map { SIMD2(Double(epoch.step), $0) }
          }
          return points.count > 1 ? ReportChart.Line(label: label, points: points) : nil
        },
        xLabel: "step"
      )
    }
    return [
      chart(
        "Parts of the network's loss, unweighted",
        [
          ("difference", { $0.pixel }), ("features", { $0.perceptual }),
          ("cycle", { $0.cycle }), ("identity", { $0.identity }), ("game", { $0.adversarial }),
        ]
      ),
      chart("Discriminator's loss", [("loss", { $0.critic }), ("slope (R1)", { $0.slope })]),
      chart(
        "Discriminator's mean scores",
        [("real images", { $0.scoreOfReal }), ("the network's", { $0.scoreOfFake })]
      ),
      chart(
        "Norms of gradients",
        [("network", { $0.generatorNorm }), ("discriminator", { $0.criticNorm })]
      ),
      chart(
        "Differences between outputs, as a share of those between real images",
        [
          ("share", { $0.diversity })
        ]
      ),
    ].filter { !$0.lines.isEmpty }
  }
}
