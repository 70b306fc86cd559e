import Evaluation
import Imaging

extension ReportBuilder {
  /// No more differences than this are drawn in one chart of a comparison.
  private static let mostCharts = 6

  /// An evaluation against another one of the same cases.
  func comparison(_ comparison: ModelComparison, _ item: EvaluationReportData) -> ReportSection {
    var blocks: [ReportBlock] = [.paragraph(Self.verdict(comparison, item))]
    if !comparison.problems.isEmpty {
      blocks.append(.problems(comparison.problems.map { PathNames.shortened($0) }))
    }
    blocks += comparison.rows.filter { $0.metric == "dice" && $0.n > 2 }.prefix(Self.mostCharts)
      .map { .chart(differenceChart($0, comparison, item)) }
    blocks.append(.table(table(comparison, item)))
    blocks.append(
      .note(
        "Differences are \(item.title) less \(comparison.title), case by case. p is the two-sided "
          + "Wilcoxon signed-rank test and the sign-flip permutation test (\(comparison.permutations) "
          + "permutations where they are drawn at random), corrected by Holm for "
          + "\(comparison.tests) tests of a kind. The effect is the rank-biserial correlation, from "
          + "\u{2212}1 (always lower) to 1 (always higher). The interval is that of the mean "
          + "difference. A small p says that chance alone would hardly do it, not that the "
          + "difference matters."
      )
    )
    return ReportSection("Comparison with \(comparison.title)", blocks)
  }

  /// The mean ranks among all compared predictions.
  func ranking(_ ranking: ModelRanking, _ item: EvaluationReportData) -> ReportSection {
    let titles = [item.title] + ranking.others
    func ranks(_ values: [Double]) -> [ReportTable.Cell] {
      values.map { .number(ReportNumber.fixed($0, 2)) }
    }
    let groups = item.report.structures.compactMap { structure -> ReportTable.Group? in
      let rows = ranking.rows.filter { $0.structure == structure.key }
      guard !rows.isEmpty else { return nil }
      return ReportTable.Group(
        heading: .structure(structure.name, structureColor(structure.key, item)),
        rows: rows.map {
          [.text(Metric.named($0.metric)?.name ?? $0.metric), .number("\($0.n)")]
            + ranks($0.meanRanks)
        }
      )
    }
    let order = titles.indices.sorted {
      (ranking.meanRanks[$0], $0) < (ranking.meanRanks[$1], $1)
    }
    let sentence = order.map {
      "\(titles[$0]) \(ReportNumber.fixed(ranking.meanRanks[$0], 2))"
    }
    return ReportSection(
      "Mean ranks",
      [
        .paragraph(
          "Over \(counted(ranking.rows.count, "metric")) of structures the mean ranks are "
            + sentenceList(sentence) + "."
        ),
        .table(
          ReportTable(
            caption: "Mean ranks, 1 for the best",
            columns: [.init("Metric", isNumeric: false), .init("n")] + titles.map { .init($0) },
            groups: groups
          )
        ), .note(ModelRanking.explanation),
      ]
    )
  }

  /// What the comparison says of Dice in plain words, or of its first metric.
  static func verdict(_ comparison: ModelComparison, _ item: EvaluationReportData) -> String {
    let shown =
      comparison.rows.contains { $0.metric == "dice" } ? "dice" : comparison.rows.first?.metric
    guard let key = shown, let metric = Metric.named(key) else {
      return "\(item.title) and \(comparison.title) have no metric in common."
    }
    let rows = comparison.rows.filter { $0.metric == key && $0.n > 0 }
    func names(_ side: PairedComparison.Favours) -> [String] {
      rows.filter { $0.favours == side && ($0.wilcoxon?.holmP ?? 1) < 0.05 }.map(\.name)
    }
    let (first, other) = (names(.first), names(.other))
    var parts: [String] = []
    if !first.isEmpty { parts.append("\(item.title) is better for \(sentenceList(first))") }
    if !other.isEmpty { parts.append("\(comparison.title) is better for \(sentenceList(other))") }
    let cases = counted(comparison.cases, "case")
    guard !parts.isEmpty else {
      return
        "In \(cases) no structure's \(metric.name) differs beyond chance (corrected p at least "
        + "0.05)."
    }
    return "By \(metric.name) in \(cases), " + parts.joined(separator: ", and ")
      + " (corrected p below 0.05)."
      + (first.count + other.count < rows.count
        ? " The other structures do not differ beyond chance." : "")
  }

  private func differenceChart(
    _ row: PairedComparison,
    _ comparison: ModelComparison,
    _ item: EvaluationReportData
  ) -> ReportChart {
    let metric = Metric.named(row.metric)
    func number(_ value: Double) -> String {
      metric.map { ReportNumber.with(ReportNumber.metric(value, $0), unit: $0.unit) }
        ?? ReportNumber.significant(value)
    }
    let ordered = row.differences.sorted { ($0.difference, $0.id) < ($1.difference, $1.id) }
    var guides = [ReportChart.Scatter.Guide(y: 0, label: "no difference")]
    if let mean = row.meanDifference {
      guides.append(.init(y: mean, label: "mean \(number(mean))"))
    }
    let better = metric?.better == .lower ? "Below" : "Above"
    return ReportChart(
      title: "\(metric?.name ?? row.metric) of \(row.name), case by case",
      summary: "\(better) the line \(item.title) is better: \(row.firstBetter) of \(row.n) cases; "
        + "\(comparison.title) is better in \(row.otherBetter), and \(row.equal) are equal.",
      form: .scatter(
        .init(
          dots: ordered.enumerated().map { rank, entry in
            .init(
              place: [Double(rank + 1), entry.difference],
              label: "\(entry.id): \(number(entry.first)) and \(number(entry.other))",
              color: LabelDefinition.defaultColor(
                entry.difference == 0
                  ? 7 : (entry.difference > 0) == (metric?.better != .lower) ? 5 : 6
              )
            )
          },
          guides: guides,
          xLabel: "rank of the difference",
          yLabel: "difference" + (metric.map { $0.unit.isEmpty ? "" : " (\($0.unit))" } ?? "")
        )
      )
    )
  }

  private func table(_ comparison: ModelComparison, _ item: EvaluationReportData) -> ReportTable {
    let keys = item.report.structures.map(\.key)
    let groups = keys.compactMap { key -> ReportTable.Group? in
      let rows = comparison.rows.filter { $0.structure == key }
      guard let first = rows.first else { return nil }
      return ReportTable.Group(
        heading: .structure(first.name, structureColor(key, item)),
        rows: rows.map(Self.row)
      )
    }
    return ReportTable(
      caption: "\(item.title) against \(comparison.title)",
      columns: [
        .init("Metric", isNumeric: false), .init("n"), .init(item.title), .init(comparison.title),
        .init("Mean difference"), .init("95 % interval"), .init("Better, worse, equal"),
        .init("p, Wilcoxon"), .init("p, permutation"), .init("Effect"),
      ],
      groups: groups
    )
  }

  private static func row(_ row: PairedComparison) -> [ReportTable.Cell] {
    let metric = Metric.named(row.metric)
    let none = "no case has both values"
    let few = "too few cases, or all differences are zero"
    func number(_ value: Double?) -> ReportTable.Cell {
      value.map { value in
        .number(metric.map { ReportNumber.metric(value, $0) } ?? ReportNumber.significant(value))
      } ?? .undefined(reason: none)
    }
    func chance(_ result: TestResult?) -> ReportTable.Cell {
      result.map { .number(probability($0.holmP)) } ?? .undefined(reason: few)
    }
    let interval = row.ci95.map { bounds in
      [bounds.lowerBound, bounds.upperBound].map { value in
        metric.map { ReportNumber.metric(value, $0) } ?? ReportNumber.significant(value)
      }.joined(separator: " to ")
    }
    let unit = metric.map { $0.unit.isEmpty ? "" : "(\($0.unit))" } ?? ""
    return [
      .text(ReportNumber.with(metric?.name ?? row.metric, unit: unit)), .number("\(row.n)"),
      number(row.firstMean), number(row.otherMean), number(row.meanDifference),
      interval.map { .number($0) } ?? .undefined(reason: few),
      .number("\(row.firstBetter), \(row.otherBetter), \(row.equal)"), chance(row.wilcoxon),
      chance(row.permutation),
      row.rankBiserial.map { .number(ReportNumber.fixed($0, 2)) } ?? .undefined(reason: few),
    ]
  }

  /// A probability: three decimals, or that it is smaller.
  static func probability(_ value: Double) -> String {
    value < 0.001 ? "< 0.001" : ReportNumber.fixed(value, 3)
  }
}
