import Foundation

/// An evaluation as Markdown, for people who read it in a repository or a terminal.
struct EvaluationMarkdown {
  private let report: EvaluationReport
  private var lines: [String] = []

  /// Writes a report.
  init(_ report: EvaluationReport) {
    self.report = report
    head()
    statistics()
    agreement()
    for comparison in report.comparisons { compare(comparison) }
    if let ranking = report.ranking { rank(ranking) }
    for analysis in report.subgroups { groups(analysis) }
    values()
    failures()
    definitions()
  }

  /// The document.
  var text: String { lines.joined(separator: "\n") + "\n" }

  private mutating func head() {
    let failed = report.failedCases.count
    let count = report.evaluatedCases.count
    lines += [
      "# Evaluation",
      "",
      "Not for clinical use.",
      "",
      "- Cases: \(count) evaluated" + (failed > 0 ? ", \(failed) failed or without a partner" : ""),
    ]
    if report.unit == .patient {
      lines.append("- Statistical unit: the patient (\(report.patients.count))")
    }
    lines.append(
      "- Empty structures (`\(report.emptyPolicy.rawValue)`): \(report.emptyPolicy.explanation)"
    )
    if let tolerance = report.toleranceText({ Self.number($0) }) {
      lines.append("- Tolerance of surface Dice and boundary IoU: \(Self.escaped(tolerance))")
    }
    if let label = report.ignoreLabel {
      lines.append("- Voxels of label \(label) of the reference are left out")
    }
    lines += [
      "- Intervals: 95 %, \(report.bootstrap.method.explanation) of the mean, "
        + "\(report.bootstrap.resamples) resamples, seed \(report.bootstrap.seed)",
      "- Numbers have five digits here; the JSON and CSV outputs hold the same numbers in full",
    ]
    lines += report.problems.map { "- Note: \(Self.escaped($0))" }
  }

  private mutating func statistics() {
    guard !report.summary.isEmpty else { return }
    lines += ["", "## Statistics", ""]
    var rows = [
      [
        "Structure", "Metric", "Mean", "95 % interval", "SD", "Median", "IQR", "Min", "Max", "n",
        "Undefined", "Missed", "False alarms",
      ]
    ]
    for structure in report.structures {
      for metric in report.metrics {
        guard let entry = report.summary[structure.key]?[metric.key] else { continue }
        rows.append([
          structure.name, Self.title(metric), Self.number(entry.mean), Self.interval(entry.ci95),
          Self.number(entry.sd), Self.number(entry.median), Self.number(entry.iqr),
          Self.number(entry.min), Self.number(entry.max), "\(entry.n)", "\(entry.undefined)",
          "\(entry.missed)", "\(entry.falseAlarms)",
        ])
      }
    }
    for metric in report.metrics where metric.better != .neither {
      guard let mean = report.foregroundMean[metric.key] else { continue }
      rows.append(
        ["Mean of structures", Self.title(metric), Self.number(mean)]
          + .init(repeating: "", count: 10)
      )
    }
    lines += Self.table(rows, text: 2)
  }

  private mutating func agreement() {
    let found = report.volumeAgreement.filter { $0.points.count > 1 }
    guard !found.isEmpty else { return }
    lines += [
      "", "## Agreement of volumes", "", "Prediction less reference, ml (Bland and Altman).", "",
    ]
    var rows = [
      [
        "Structure", "n", "Bias", "95 % interval", "Limits of agreement", "Pearson",
        "Concordance", "95 % interval",
      ]
    ]
    for item in found {
      rows.append([
        item.name, "\(item.points.count)", Self.number(item.biasML), Self.interval(item.biasCI95),
        Self.interval(item.limitsML), Self.number(item.pearson), Self.number(item.concordance),
        Self.interval(item.concordanceCI95),
      ])
    }
    lines += Self.table(rows, text: 1)
  }

  private mutating func compare(_ comparison: ModelComparison) {
    lines += [
      "", "## Against \(Self.escaped(comparison.title))", "",
      "\(comparison.cases) cases on both sides; differences are the evaluated predictions less "
        + "\(Self.escaped(comparison.title)). P-values are two-sided and corrected by Holm over "
        + "\(comparison.tests) tests of a kind.", "",
    ]
    var rows = [
      [
        "Structure", "Metric", "n", "Mean", "Other", "Difference", "95 % interval",
        "Wilcoxon p", "Permutation p", "Rank-biserial", "dz", "Better / other / equal",
      ]
    ]
    for row in comparison.rows where row.n > 0 {
      guard let metric = Metric.named(row.metric) else { continue }
      rows.append([
        row.name, Self.title(metric), "\(row.n)", Self.number(row.firstMean),
        Self.number(row.otherMean), Self.number(row.meanDifference), Self.interval(row.ci95),
        Self.number(row.wilcoxon?.holmP), Self.number(row.permutation?.holmP),
        Self.number(row.rankBiserial), Self.number(row.cohensDz),
        "\(row.firstBetter) / \(row.otherBetter) / \(row.equal)",
      ])
    }
    lines += Self.table(rows, text: 2)
    lines += comparison.problems.isEmpty ? [] : [""]
    lines += comparison.problems.map { "- \(Self.escaped($0))" }
  }

  private mutating func rank(_ ranking: ModelRanking) {
    lines += ["", "## Mean ranks", "", ModelRanking.explanation, ""]
    lines += Self.table(
      [["Structure", "Metric", "n", "Evaluated"] + ranking.others]
        + ranking.rows.map { row in
          [row.name, row.metric, "\(row.n)"] + row.meanRanks.map(Self.number)
        }
        + [["Mean of all", "", ""] + ranking.meanRanks.map(Self.number)],
      text: 2
    )
  }

  private mutating func groups(_ analysis: SubgroupAnalysis) {
    lines += ["", "## By \(Self.escaped(analysis.property))", ""]
    var rows = [["Structure", "Metric"]]
    rows[0] += analysis.groups.map { "\($0.name) (n = \($0.count)\($0.isSmall ? ", small" : ""))" }
    rows[0] += ["Widest gap", "95 % interval", "Between"]
    for structure in report.structures {
      for metric in report.metrics where metric.better != .neither {
        let gap = analysis.widestGap(of: metric.key, structure: structure.key)
        rows.append(
          [structure.name, Self.title(metric)]
            + analysis.groups.map {
              Self.number($0.summary[structure.key]?[metric.key]?.mean)
            }
            + [
              Self.number(gap?.difference), Self.interval(gap?.ci95),
              gap.map { "\($0.better) and \($0.worse)" } ?? "",
            ]
        )
      }
    }
    lines += Self.table(rows, text: 2)
    lines += [
      "",
      "Groups of fewer than \(analysis.minimumGroupSize) \(report.unit.rawValue)s are small: their "
        + "intervals hold less often than they say. The intervals are not corrected for the number "
        + "of pairs.",
    ]
  }

  private mutating func values() {
    let metrics = report.metrics
    guard !report.evaluatedCases.isEmpty else { return }
    lines += ["", "## Cases", ""]
    var rows = [["Case", "Structure", "State"] + metrics.map(Self.title)]
    for item in report.evaluatedCases {
      for label in item.labels {
        rows.append(
          [item.id, label.name, label.state?.rawValue ?? ""]
            + metrics.map { Self.number(label.values[$0.key]?.number) }
        )
      }
    }
    lines += Self.table(rows, text: 3)
    let remarks = report.evaluatedCases.flatMap { item in
      item.problems.map { "- \(Self.escaped(item.id)): \(Self.escaped($0))" }
    }
    lines += remarks.isEmpty ? [] : [""] + remarks
  }

  private mutating func failures() {
    let failed = report.failedCases
    guard !failed.isEmpty else { return }
    lines += ["", "## Cases that failed or have no partner", ""]
    lines += Self.table(
      [["Case", "Problem"]] + failed.map { [$0.id, $0.problems.joined(separator: " ")] },
      text: 2
    )
  }

  private mutating func definitions() {
    lines += ["", "## Metrics", ""]
    lines += report.metrics.map {
      "- \(Self.escaped($0.name)) (`\($0.key)`\($0.unit.isEmpty ? "" : ", \($0.unit)")): "
        + Self.escaped($0.definition)
    }
  }

  // MARK: Pieces

  private static func title(_ metric: Metric) -> String {
    metric.unit.isEmpty ? metric.key : "\(metric.key) (\(metric.unit))"
  }

  /// Five digits; a dash for what is undefined.
  static func number(_ value: Double?) -> String {
    guard let value else { return "–" }
    return String(format: "%.5g", value)
  }

  private static func interval(_ bounds: ClosedRange<Double>?) -> String {
    bounds.map { "\(number($0.lowerBound)) to \(number($0.upperBound))" } ?? "–"
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      if character.isNewline {
        escaped.append(" ")
      } else {
        if "\\`*_|<>[]#".contains(character) { escaped.append("\\") }
        escaped.append(character)
      }
    }
    return escaped
  }

  /// The first columns hold text, which is escaped; the others are aligned to the right.
  private static func table(_ rows: [[String]], text columns: Int) -> [String] {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    guard let header = rows.first else { return [] }
    let rule = header.indices.map { $0 < columns ? "---" : "---:" }
    return [line(header.map(escaped)), line(rule)]
      + rows.dropFirst().map { line($0.map(escaped)) }
  }
}

extension EvaluationReport {
  /// The evaluation as Markdown: statistics, agreement, comparisons, groups, cases and definitions.
  ///
  /// Numbers are rounded to five digits for reading; they are those of the JSON.
  /// - Returns: The document.
  public func markdown() -> String { EvaluationMarkdown(self).text }
}
