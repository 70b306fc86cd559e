import Evaluation
import Imaging

extension ReportBuilder {
  /// The metrics of the table of cases; the statistics show all.
  private static let caseMetrics = [
    "dice", "iou", "sensitivity", "precision", "hd95", "assd", "nsd", "volumePredictionML",
    "volumeReferenceML", "mse", "mae", "psnr", "ssim2d", "ssim3d",
  ]

  /// No more cases than this stand in the page's table; the JSON has all.
  private static let maximumRows = 1000

  /// How well the segmentations agree with their references.
  func agreement(_ item: EvaluationReportData) -> ReportSection {
    let report = item.report
    var blocks: [ReportBlock] = [charts(item), statistics(item), cases(item)].compactMap(\.self)
    if report.cases.count * report.structures.count > Self.maximumRows {
      blocks.append(
        .note("The table shows the first \(Self.maximumRows) rows; the evaluation file has all.")
      )
    }
    blocks.append(
      .note(
        "Empty structures: \(report.emptyPolicy.explanation) Statistics are over cases; the "
          + "interval is the percentile bootstrap of the mean (\(SummaryStatistics.resamples) "
          + "resamples, seed \(EvaluationReport.bootstrapSeed)); undefined values are counted and "
          + "left out."
      )
    )
    let definitions = report.metrics.map { metric in
      [
        ReportTable.Cell.text(metric.name), .text(metric.unit.isEmpty ? "ratio" : metric.unit),
        .text(
          metric.key == "nsd"
            ? metric.definition
              + " Tolerance: \(ReportNumber.significant(report.toleranceMM ?? 0, 2)) mm."
            : metric.definition
        ),
      ]
    }
    blocks.append(
      .table(
        ReportTable(
          caption: "What the metrics mean",
          columns: [
            .init("Metric", isNumeric: false), .init("Unit", isNumeric: false),
            .init("Definition", isNumeric: false),
          ],
          rows: definitions
        )
      )
    )
    return ReportSection("Agreement: \(item.title)", blocks)
  }

  private func color(_ key: String, _ item: EvaluationReportData) -> LabelColor {
    let index = item.report.structures.firstIndex { $0.key == key } ?? 0
    return item.colors[key] ?? LabelDefinition.defaultColor(index)
  }

  private func charts(_ item: EvaluationReportData) -> ReportBlock? {
    let strips = item.report.structures.map { structure in
      ReportChart.Strip(
        label: structure.name,
        values: item.report.values(of: "dice", structure: structure.key)
          .compactMap(\.value.number),
        color: color(structure.key, item)
      )
    }
    let all = strips.flatMap(\.values)
    guard let low = all.min(), let high = all.max(), strips.count <= 60 else { return nil }
    // Dice has a natural upper end; the lower end is the tenth below the worst case.
    let start = max(0, ((low - 0.02) * 10).rounded(.down) / 10)
    return .chart(
      ReportChart(
        title: "Dice by structure",
        summary: "Each dot is a case, from \(ReportNumber.fixed(low, 3)) to "
          + "\(ReportNumber.fixed(high, 3)). The axis begins at "
          + "\(ReportNumber.significant(start, 2)); with four cases or more a box spans the "
          + "quartiles and a bar marks the median.",
        form: .strips(strips, range: start...1)
      )
    )
  }

  private func statistics(_ item: EvaluationReportData) -> ReportBlock? {
    let report = item.report
    guard report.cases.count > 1 else { return nil }
    let groups = report.structures.map { structure in
      ReportTable.Group(
        heading: .structure(structure.name, color(structure.key, item)),
        rows: report.metrics.compactMap { metric in
          report.summary[structure.key]?[metric.key].map { Self.row(metric, $0) }
        }
      )
    }
    return .table(
      ReportTable(
        caption: "Statistics over \(report.cases.count) cases",
        columns: [
          .init("Metric", isNumeric: false), .init("Mean"), .init("95 % interval"), .init("SD"),
          .init("Median"), .init("IQR"), .init("Lowest"), .init("n"), .init("Undefined"),
        ],
        groups: groups
      )
    )
  }

  private static func row(_ metric: Metric, _ summary: SummaryStatistics) -> [ReportTable.Cell] {
    func number(_ value: Double?, _ reason: String) -> ReportTable.Cell {
      value.map { .number(ReportNumber.metric($0, metric)) } ?? .undefined(reason: reason)
    }
    let none = "no case has a value"
    let few = "fewer than two cases have a value"
    let interval = summary.ci95.map { bounds in
      [bounds.lowerBound, bounds.upperBound].map { ReportNumber.metric($0, metric) }
        .joined(separator: " to ")
    }
    return [
      .text(ReportNumber.with(metric.name, unit: metric.unit.isEmpty ? "" : "(\(metric.unit))")),
      number(summary.mean, none), interval.map { .number($0) } ?? .undefined(reason: few),
      number(summary.sd, few), number(summary.median, none), number(summary.iqr, none),
      number(summary.min, none), .number("\(summary.n)"), .number("\(summary.undefined)"),
    ]
  }

  private func cases(_ item: EvaluationReportData) -> ReportBlock {
    let report = item.report
    let metrics = report.metrics.filter { Self.caseMetrics.contains($0.key) }
    let several = report.structures.count > 1
    var columns = [ReportTable.Column("Case", isNumeric: false)]
    if several || report.structures.first?.key != "image" {
      columns.append(.init("Structure", isNumeric: false))
    }
    columns += metrics.map { .init(Self.shortName($0), unit: $0.unit) }
    var rows: [[ReportTable.Cell]] = []
    for evaluated in report.cases {
      for label in evaluated.labels where rows.count < Self.maximumRows {
        var cells: [ReportTable.Cell] = [.text(evaluated.id)]
        if columns.count > metrics.count + 1 {
          cells.append(.structure(label.name, color(label.key, item)))
        }
        cells += metrics.map { metric in
          switch label.values[metric.key] {
          case .value(let number): .number(ReportNumber.metric(number, metric))
          case .undefined(let reason): .undefined(reason: reason)
          case nil: .undefined(reason: "not computed")
          }
        }
        rows.append(cells)
      }
    }
    return .table(ReportTable(caption: "Every case", columns: columns, rows: rows))
  }

  private static func shortName(_ metric: Metric) -> String {
    switch metric.key {
    case "hd95": "HD95"
    case "assd": "ASSD"
    case "nsd": "Surface Dice"
    case "volumePredictionML": "Predicted"
    case "volumeReferenceML": "Reference"
    case "mse", "mae", "psnr": metric.key.uppercased()
    default: metric.name
    }
  }
}
