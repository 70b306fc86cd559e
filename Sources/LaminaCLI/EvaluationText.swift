import Evaluation
import Foundation
import Reporting

/// The words of `lamina evaluate`.
enum EvaluationText {
  /// The metrics of the table for people; the files hold them all.
  private static let shown = ["dice", "iou", "hd95", "assd", "psnr", "ssim3d", "mae"]

  static func describe(
    _ report: EvaluationReport,
    failedCount: Int,
    outputs: [String]
  ) -> String {
    let metrics = metrics(of: report)
    let cases = report.evaluatedCases.count
    var head = "\(cases) case\(cases == 1 ? "" : "s")"
    if report.unit == .patient { head += " of \(report.patients.count) patients" }
    var lines = [head + "; mean and standard deviation:"]
    lines += TextTable.lines(statistics(report, metrics))
    for comparison in report.comparisons { lines += describe(comparison, metrics) }
    if let ranking = report.ranking { lines += describe(ranking) }
    for analysis in report.subgroups { lines += describe(analysis, report, metrics) }
    if report.structures.contains(where: { $0.key != "image" }) {
      lines.append(
        "Empty structures (\(report.emptyPolicy.rawValue)): \(report.emptyPolicy.explanation)"
      )
    }
    if let found = report.uncertainty { lines.append(describe(found)) }
    lines += report.problems.map { "Note: \($0)." }
    if failedCount > 0 {
      lines.append("\(failedCount) case\(failedCount == 1 ? "" : "s") failed:")
      lines += report.failedCases.map { "  \($0.id): \($0.problems.joined(separator: " "))" }
      lines += report.comparisons.flatMap { comparison in
        comparison.problems.map { "  \(comparison.title): \($0)" }
      }
    }
    lines += outputs.map { "Written to \($0)" }
    return lines.joined(separator: "\n")
  }

  private static func describe(_ found: UncertaintyEvaluation) -> String {
    func text(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 3) } ?? ReportNumber.undefined
    }
    var words = [
      "rank correlation with 1 - Dice \(text(found.rankCorrelation)) (n \(found.cases.count))",
      "area under the curve for wrong voxels \(text(found.voxelArea))",
      "area of risk \(text(found.riskArea)) (best \(text(found.bestRiskArea)), by chance "
        + "\(text(found.meanRisk)))",
    ]
    if let error = found.expectedCalibrationError {
      words.append("expected calibration error \(text(error))")
    }
    return "Uncertainty: " + words.joined(separator: "; ")
  }

  private static func metrics(of report: EvaluationReport) -> [Metric] {
    let available = report.metrics
    let chosen = available.filter { shown.contains($0.key) }
    return chosen.isEmpty ? Array(available.prefix(4)) : chosen
  }

  private static func statistics(_ report: EvaluationReport, _ metrics: [Metric]) -> [[String]] {
    let lacking = report.structures.contains { structure in
      report.summary[structure.key]?.values.contains { $0.missed + $0.falseAlarms > 0 } ?? false
    }
    var rows = [["structure", "n"] + metrics.map(title)]
    if lacking { rows[0] += ["missed", "false alarms"] }
    for structure in report.structures {
      let summary = report.summary[structure.key] ?? [:]
      let count = metrics.compactMap { summary[$0.key]?.n }.max() ?? 0
      var row = [structure.name, "\(count)"] + metrics.map { cell(summary[$0.key]) }
      if lacking {
        let entry = summary.values.first
        row += ["\(entry?.missed ?? 0)", "\(entry?.falseAlarms ?? 0)"]
      }
      rows.append(row)
    }
    return rows
  }

  private static func describe(_ comparison: ModelComparison, _ metrics: [Metric]) -> [String] {
    let keys = Set(metrics.map(\.key))
    var rows = [["structure", "metric", "n", "difference", "95 % interval", "p (Holm)"]]
    for row in comparison.rows where keys.contains(row.metric) && row.n > 0 {
      rows.append([
        row.name, row.metric, "\(row.n)", decimals(row.meanDifference ?? 0), interval(row.ci95),
        row.wilcoxon.map { decimals($0.holmP) } ?? "-",
      ])
    }
    return [
      "Less \(comparison.title), \(comparison.cases) cases, Wilcoxon's signed rank test over "
        + "\(comparison.tests) tests:"
    ] + TextTable.lines(rows)
  }

  private static func describe(_ ranking: ModelRanking) -> [String] {
    ["Mean ranks over \(ranking.rows.count) structures and metrics, 1 for the best:"]
      + TextTable.lines([
        ["evaluated"] + ranking.others, ranking.meanRanks.map(decimals),
      ])
  }

  private static func describe(
    _ analysis: SubgroupAnalysis,
    _ report: EvaluationReport,
    _ metrics: [Metric]
  ) -> [String] {
    var rows = [["structure", "metric"] + analysis.groups.map { "\($0.name) (\($0.count))" }]
    rows[0] += ["widest gap", "95 % interval"]
    for structure in report.structures {
      for metric in metrics where metric.better != .neither {
        let gap = analysis.widestGap(of: metric.key, structure: structure.key)
        var row = [structure.name, metric.key]
        row += analysis.groups.map {
          $0.summary[structure.key]?[metric.key]?.mean.map(decimals) ?? "-"
        }
        rows.append(row + [gap.map { decimals($0.difference) } ?? "-", interval(gap?.ci95)])
      }
    }
    return ["Means by \(analysis.property) (n):"] + TextTable.lines(rows)
  }

  private static func title(_ metric: Metric) -> String {
    metric.unit.isEmpty ? metric.key : "\(metric.key) (\(metric.unit))"
  }

  private static func cell(_ statistics: SummaryStatistics?) -> String {
    guard let statistics, let mean = statistics.mean else { return "undefined" }
    guard let deviation = statistics.sd, statistics.n > 1 else { return decimals(mean) }
    return "\(decimals(mean)) +- \(decimals(deviation))"
  }

  private static func interval(_ bounds: ClosedRange<Double>?) -> String {
    bounds.map { "\(decimals($0.lowerBound)) to \(decimals($0.upperBound))" } ?? "-"
  }

  private static func decimals(_ value: Double) -> String { String(format: "%.3f", value) }
}
