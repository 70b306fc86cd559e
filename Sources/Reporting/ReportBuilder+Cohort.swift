import Evaluation
import Imaging

extension ReportBuilder {
  /// So many cases stand among the worst.
  private static let worstCount = 6
  /// No more columns than this fit into a picture of cases and structures.
  private static let mostColumns = 150

  /// The mean of a metric over a case's structures; nil when none has a value.
  static func mean(_ metric: String, _ evaluated: CaseEvaluation) -> Double? {
    let values = evaluated.labels.compactMap { $0.values[metric]?.number }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// The cases with a mean, the worst first; ties by name.
  private static func ranked(
    _ report: EvaluationReport,
    _ metric: Metric
  ) -> [(item: CaseEvaluation, mean: Double)] {
    report.cases.compactMap { item in mean(metric.key, item).map { (item, $0) } }
      .sorted { first, second in
        if first.mean != second.mean {
          return metric.better == .lower
            ? first.mean > second.mean : first.mean < second.mean
        }
        return first.item.id < second.item.id
      }
  }

  /// What the cases are ranked by: Dice, or what an evaluation has instead.
  private static func rankingMetric(_ report: EvaluationReport) -> Metric? {
    let metrics = report.metrics.filter { $0.better == .higher || $0.better == .lower }
    return metrics.first { $0.key == "dice" } ?? metrics.first
  }

  /// Every case by rank, and every case and structure as colours.
  func cohortCharts(_ item: EvaluationReportData) -> [ReportBlock] {
    let report = item.report
    guard report.cases.count > 2, let metric = Self.rankingMetric(report) else { return [] }
    return [rankChart(report, metric), heatChart(report, metric)].compactMap(\.self)
      .map { .chart($0) }
  }

  private func rankChart(_ report: EvaluationReport, _ metric: Metric) -> ReportChart? {
    let ranked = Self.ranked(report, metric)
    guard ranked.count > 2, let worst = ranked.first, let best = ranked.last else { return nil }
    let name = metric.name
    func number(_ value: Double) -> String {
      ReportNumber.with(ReportNumber.metric(value, metric), unit: metric.unit)
    }
    let several = report.structures.count > 1
    return ReportChart(
      title: "Cases by rank",
      summary: "Each dot is a case\(several ? ", with the mean over its structures" : ""); the "
        + "worst is \(worst.item.id) with \(number(worst.mean)), the best \(best.item.id) with "
        + "\(number(best.mean)).",
      form: .scatter(
        .init(
          dots: ranked.enumerated().map { rank, entry in
            .init(
              place: [Double(rank + 1), entry.mean],
              label: "\(entry.item.id): \(number(entry.mean))",
              color: LabelDefinition.defaultColor(5)
            )
          },
          guides: [],
          xLabel: "rank, the worst first",
          yLabel: metric.unit.isEmpty ? name : "\(name) (\(metric.unit))"
        )
      )
    )
  }

  private func heatChart(_ report: EvaluationReport, _ metric: Metric) -> ReportChart? {
    let structures = report.structures
    let ranked = Self.ranked(report, metric)
    guard structures.count > 1, structures.count <= Self.mostColumns, ranked.count > 2 else {
      return nil
    }
    let rows = ranked.map { entry in
      let values = Dictionary(
        entry.item.labels.map { ($0.key, $0.values[metric.key]?.number) },
        uniquingKeysWith: { first, _ in first }
      )
      return structures.map { values[$0.key] ?? nil }
    }
    let all = rows.flatMap { $0 }.compactMap(\.self)
    guard let low = all.min(), let high = all.max() else { return nil }
    let isRatio = metric.range == 0...1
    let better = metric.better == .lower ? "dark" : "bright"
    return ReportChart(
      title: "Cases and structures",
      summary: "\(metric.name) of each case (row, the worst first) and structure (column); "
        + "\(better) is better. Grey cells are undefined.",
      form: .heat(
        .init(
          rows: ranked.map(\.item.id),
          columns: structures.map(\.name),
          values: rows,
          range: isRatio ? min(low, 0.5)...1 : low...max(low, high),
          quantity: metric.unit.isEmpty ? metric.name : "\(metric.name) (\(metric.unit))"
        )
      )
    )
  }

  /// The worst cases with their pictures, where the scans are at hand.
  func worstCases(_ item: EvaluationReportData, _ parts: Parts) throws -> ReportSection? {
    let report = item.report
    guard report.cases.count > 2, let metric = Self.rankingMetric(report) else { return nil }
    let worst = Self.ranked(report, metric).prefix(min(Self.worstCount, report.cases.count / 2))
    guard !worst.isEmpty else { return nil }
    let rows = worst.map { entry -> [ReportTable.Cell] in
      let values = entry.item.labels.compactMap { label in
        label.values[metric.key]?.number.map { (label.name, $0) }
      }
      let lowest =
        metric.better == .lower
        ? values.max { $0.1 < $1.1 } : values.min { $0.1 < $1.1 }
      return [
        caseCell(entry.item.id, parts),
        .number(ReportNumber.metric(entry.mean, metric)),
        .text(
          lowest.map { "\($0.0) \(ReportNumber.metric($0.1, metric))" } ?? ReportNumber.undefined
        ),
        .flags(entry.item.problems),
      ]
    }
    var blocks: [ReportBlock] = [
      .table(
        ReportTable(
          caption: "The \(worst.count) cases with the worst \(metric.name)",
          columns: [
            .init("Case", isNumeric: false), .init("Mean", unit: metric.unit),
            .init("Worst structure", isNumeric: false), .init("Remarks", isNumeric: false),
          ],
          rows: rows
        )
      )
    ]
    for entry in worst {
      let id = entry.item.id
      let (figures, legend) = try smallPictures(id, parts)
      guard !figures.isEmpty else { continue }
      blocks.append(
        .subheading("\(id): \(metric.name) \(ReportNumber.metric(entry.mean, metric))")
      )
      blocks.append(.figures(figures, legend: legend))
    }
    if blocks.count > 1 {
      blocks.append(
        .note("The slices are those in which the segmentation differs most from the reference.")
      )
    }
    return ReportSection("Worst cases: \(item.title)", blocks)
  }

  private func smallPictures(
    _ id: String,
    _ parts: Parts
  ) throws -> ([ReportFigure], [LegendEntry]) {
    if let linked = parts.linkedCases.first(where: { $0.caseID == id }) {
      return (linked.figures, linked.legend)
    }
    guard let item = parts.segmentations.first(where: { $0.caseID == id }) else { return ([], []) }
    return (try smallFigures(item), legend(item))
  }

  /// A case's name, which leads to its page when it has one.
  func caseCell(_ id: String, _ parts: Parts) -> ReportTable.Cell {
    parts.addresses[id].map { .link(id, to: $0) } ?? .text(id)
  }

  /// The scans that have pages of their own.
  func linkedCases(_ parts: Parts) -> ReportSection? {
    guard !parts.linkedCases.isEmpty else { return nil }
    let rows = parts.linkedCases.map { item -> [ReportTable.Cell] in
      let total = item.statistics.reduce(0) { $0 + $1.volumeML }
      let remarks = item.problems.count + item.findings.count
      return [
        .link(item.caseID, to: item.address),
        .number("\(item.statistics.filter { $0.voxels > 0 }.count)"),
        .number(ReportNumber.millilitres(total)),
        .flags(remarks == 0 ? [] : [counted(remarks, "remark")]),
      ]
    }
    return ReportSection(
      "Scans",
      [
        .table(
          ReportTable(
            caption: "\(parts.linkedCases.count) scans, each on its own page",
            columns: [
              .init("Scan", isNumeric: false), .init("Structures"),
              .init("Segmented volume", unit: "ml"), .init("Remarks", isNumeric: false),
            ],
            rows: rows
          )
        ),
        .note("The pages stand in the folder beside this file and have viewers and pictures."),
      ]
    )
  }
}
