import Enhancement
import Pipelines
import Reporting

/// A measurement of steps that improve images, in words.
enum MeasurementText {
  private static let quantities: [(key: String, name: String, decimals: Int)] = [
    ("psnr", "PSNR (dB)", 2), ("ssim", "SSIM", 4), ("mae", "mean absolute error", 3),
    ("gradientError", "gradient error", 3),
  ]

  /// The measurement as the report wants it.
  /// - Parameters:
  ///   - evaluation: The measurement.
  ///   - pictures: Pictures of some images.
  /// - Returns: The page's content.
  static func page(
    _ evaluation: EnhancementEvaluation,
    pictures: [ReportSection]
  ) -> EnhancementMeasurementData {
    let model = name(evaluation.stages ?? [])
    let degradation = (evaluation.degradation ?? []).joined(separator: ", ")
    var data = EnhancementMeasurementData(
      title: "\(model) after \(degradation)",
      warning: EnhancementRecord.standardWarning
    )
    data.facts =
      [("Images", "\(evaluation.cases.count)"), ("Degradation", degradation)]
      + [("Seed of the noise", "\(evaluation.seed ?? 0)")]
      + (evaluation.stages ?? []).map { ("Step", "\($0.name): \($0.summary)") }
      + (evaluation.against ?? []).map { rival in
        ("Against", rival.stages.map { "\($0.name): \($0.summary)" }.joined(separator: "; "))
      } + [("Command", evaluation.command ?? "")]
    data.notes =
      [evaluation.definition + "."] + (evaluation.notes ?? [])
      + evaluation.cases.prefix(pictures.count).compactMap { entry in
        entry.spread.map { "\(entry.id): \(sentence($0))" }
      }
    for (key, quantity, _) in quantities {
      let before = evaluation.summary[key]?["before"]
      func row(
        _ name: String,
        _ summary: [String: EnhancementEvaluation.Summary]?
      ) -> EnhancementMeasurementData.Row {
        let (after, gain, lead) = (summary?["after"], summary?["gain"], summary?["lead"])
        return EnhancementMeasurementData.Row(
          name: name,
          quantity: quantity,
          before: before?.mean,
          after: after?.mean,
          sd: after?.sd,
          gain: gain?.mean,
          interval: gain?.ci95,
          lead: lead?.mean,
          leadInterval: lead?.ci95,
          n: after?.n ?? 0
        )
      }
      data.rows.append(row(model, evaluation.summary[key]))
      data.rows += (evaluation.against ?? []).map { row(self.name($0.stages), $0.summary[key]) }
    }
    let rivals = evaluation.against ?? []
    data.caseColumns =
      ["PSNR before, dB", "PSNR after, dB", "SSIM before", "SSIM after"]
      + rivals.flatMap { ["PSNR \(name($0.stages)), dB", "SSIM \(name($0.stages))"] }
    data.cases = evaluation.cases.enumerated().map { index, entry in
      EnhancementMeasurementData.Case(
        id: entry.id,
        values: [entry.before.psnr, entry.after.psnr, entry.before.ssim, entry.after.ssim]
          + rivals.flatMap { [$0.after[index].psnr, $0.after[index].ssim] }
      )
    }
    data.pictures = pictures
    return data
  }

  /// The measurement for the terminal: means, rivals, and every image.
  /// - Parameter evaluation: The measurement.
  /// - Returns: Lines.
  static func lines(_ evaluation: EnhancementEvaluation) -> [String] {
    var rows = [["", "before", "after", "sd", "change", "95 % interval", "lead", "95 % interval"]]
    let rivals = evaluation.against ?? []
    for (key, quantity, decimals) in quantities {
      func row(_ name: String, _ summary: [String: EnhancementEvaluation.Summary]?) -> [String] {
        func text(_ value: Double?) -> String { number(value, decimals) }
        func interval(_ bounds: [Double]?) -> String {
          bounds.map { "\(text($0[0])) to \(text($0[1]))" } ?? ""
        }
        return [
          name, text(evaluation.summary[key]?["before"]?.mean), text(summary?["after"]?.mean),
          summary?["after"]?.sd.map { text($0) } ?? "", text(summary?["gain"]?.mean),
          interval(summary?["gain"]?.ci95), summary?["lead"].map { text($0.mean) } ?? "",
          interval(summary?["lead"]?.ci95),
        ]
      }
      rows.append(row("  \(quantity)", evaluation.summary[key]))
      rows += rivals.map { row("    \(name($0.stages))", $0.summary[key]) }
    }
    if rivals.isEmpty { rows = rows.map { Array($0.dropLast(2)) } }
    var lines = TextTable.lines(rows)
    guard evaluation.cases.count > 1 else {
      return lines + evaluation.cases.compactMap { $0.spread.map { "  " + sentence($0) } }
        + evaluation.cases.flatMap { $0.segmentation?.lines ?? [] }
    }
    let names = rivals.map { name($0.stages) }
    var images = [["", "before", "after"] + names]
    for (index, entry) in evaluation.cases.enumerated() {
      images.append(
        ["  \(entry.id)", number(entry.before.psnr, 2), number(entry.after.psnr, 2)]
          + rivals.map { number($0.after[index].psnr, 2) }
      )
    }
    lines += ["PSNR of the images (dB)"] + TextTable.lines(images)
    return lines
  }

  /// The spread over the symmetries of planes in a sentence.
  /// - Parameter spread: The spread.
  /// - Returns: The sentence.
  static func sentence(_ spread: EnhancementSpread) -> String {
    let correlation = spread.errorCorrelation.map {
      "; its correlation with the absolute error is \(ReportNumber.fixed($0, 2))"
    }
    return
      "\(spread.isAveraged ? "Mean of" : "Compared over") \(spread.symmetries) symmetries: spread "
      + "\(ReportNumber.significant(spread.mean)) on the mean, "
      + "\(ReportNumber.significant(spread.percentile99)) at the 99th percentile"
      + (correlation ?? "") + "."
  }

  private static func name(_ stages: [StageRecord]) -> String {
    stages.map(\.name).joined(separator: " + ")
  }

  private static func number(_ value: Double?, _ decimals: Int) -> String {
    value.map { ReportNumber.fixed($0, decimals) } ?? ReportNumber.undefined
  }
}
