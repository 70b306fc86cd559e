import Evaluation
import Imaging

extension ReportBuilder {
  /// The metrics of the table of cases; the statistics show all.
  private static let caseMetrics = [
    "dice", "iou", "sensitivity", "precision", "hd95", "assd", "nsd", "volumePredictionML",
    "volumeReferenceML", "mse", "mae", "psnr", "ssim2d", "ssim3d",
  ]

  /// No more rows than this stand in the report's table of cases.
  static let maximumCaseRows = 1000
  /// No more rows than this stand on a page of further ones.
  private static let rowsOfPage = 2500

  /// How well the segmentations agree with their references.
  func agreement(_ item: EvaluationReportData, _ parts: Parts) -> ReportSection {
    let report = item.report
    var blocks: [ReportBlock] = [charts(item)].compactMap(\.self)
    blocks += cohortCharts(item)
    if let table = statistics(item) { blocks.append(table) }
    if let table = missedStructures(report) { blocks.append(table) }
    blocks += caseTables(item, parts)
    blocks.append(
      .note(
        "Empty structures: \(report.emptyPolicy.explanation) Statistics are over cases; the "
          + "interval is the \(report.bootstrap.method.explanation) of the mean "
          + "(\(report.bootstrap.resamples) resamples, seed \(report.bootstrap.seed))"
          + "\(report.unit == .patient ? " over patients" : ""); undefined values are counted and "
          + "left out."
      )
    )
    let tolerance = report.toleranceText { ReportNumber.significant($0, 2) }
    let definitions = report.metrics.map { metric in
      let addition = metric.usesTolerance ? tolerance.map { " Tolerance: \($0)." } ?? "" : ""
      return [
        ReportTable.Cell.text(metric.name), .text(metric.unit.isEmpty ? "ratio" : metric.unit),
        .text(metric.definition + addition),
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

  /// The colour of an evaluation's structure.
  func structureColor(_ key: String, _ item: EvaluationReportData) -> LabelColor {
    let index = item.report.structures.firstIndex { $0.key == key } ?? 0
    return item.colors[key] ?? LabelDefinition.defaultColor(index)
  }

  private func charts(_ item: EvaluationReportData) -> ReportBlock? {
    let strips = item.report.structures.map { structure in
      ReportChart.Strip(
        label: structure.name,
        values: item.report.values(of: "dice", structure: structure.key)
          .compactMap(\.value.number),
        color: structureColor(structure.key, item)
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
    guard report.evaluatedCases.count > 1 else { return nil }
    let groups = report.structures.map { structure in
      ReportTable.Group(
        heading: .structure(structure.name, structureColor(structure.key, item)),
        rows: report.metrics.compactMap { metric in
          report.summary[structure.key]?[metric.key].map { Self.row(metric, $0) }
        }
      )
    }
    return .table(
      ReportTable(
        caption: "Statistics over \(report.evaluatedCases.count) cases",
        columns: [
          .init("Metric", isNumeric: false), .init("Mean"), .init("95 % interval"), .init("SD"),
          .init("Median"), .init("IQR"), .init("Lowest"), .init("Highest"),
          .init("n"), .init("Undefined"),
        ],
        groups: groups
      )
    )
  }

  /// In how many cases structures were missed or are false alarms; nil when none was.
  private func missedStructures(_ report: EvaluationReport) -> ReportBlock? {
    let rows = report.structures.compactMap { structure -> [ReportTable.Cell]? in
      let entries = report.summary[structure.key]?.values
      guard let missed = entries?.map(\.missed).max(),
        let falseAlarms = entries?.map(\.falseAlarms).max(), missed + falseAlarms > 0
      else { return nil }
      return [.text(structure.name), .number("\(missed)"), .number("\(falseAlarms)")]
    }
    guard !rows.isEmpty else { return nil }
    return .table(
      ReportTable(
        caption: "Structures in one of the two only",
        columns: [
          .init("Structure", isNumeric: false), .init("Missed", unit: "cases"),
          .init("False alarms", unit: "cases"),
        ],
        rows: rows
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
      number(summary.min, none), number(summary.max, none), .number("\(summary.n)"),
      .number("\(summary.undefined)"),
    ]
  }

  /// The table of cases: a row for each structure, or where these are too many for one page a row
  /// for each case, with the rest on linked pages.
  private func caseTables(_ item: EvaluationReportData, _ parts: Parts) -> [ReportBlock] {
    let rows = rows(of: item, parts)
    if rows.count <= Self.maximumCaseRows {
      return [.table(ReportTable(caption: "Every case", columns: columns(item), rows: rows))]
    }
    let pages = tablePageNames(item, parts, rows.count)
    let metrics = tableMetrics(item)
    var blocks: [ReportBlock] = [
      .table(
        ReportTable(
          caption: "Every case, means over its structures",
          columns: [.init("Case", isNumeric: false)]
            + metrics.map { .init(Self.shortName($0), unit: $0.unit) },
          rows: item.report.cases.prefix(Self.maximumCaseRows).map { evaluated in
            [caseCell(evaluated.id, parts)]
              + metrics.map { metric in
                Self.mean(metric.key, evaluated).map {
                  .number(ReportNumber.metric($0, metric))
                } ?? .undefined(reason: "no structure has a value")
              }
          }
        )
      )
    ]
    if pages.isEmpty {
      blocks.append(.note("The evaluation file has every structure of every case."))
    } else {
      blocks.append(
        .table(
          ReportTable(
            caption: "Every structure of every case",
            columns: [.init("Rows", isNumeric: false)],
            rows: pages.enumerated().map { index, name in
              let first = index * Self.rowsOfPage + 1
              return [
                .link(
                  "\(first) to \(min(rows.count, first + Self.rowsOfPage - 1))",
                  to: Self.address(linkFolder ?? "") + "/" + name
                )
              ]
            }
          )
        )
      )
    }
    return blocks
  }

  /// The names of the pages that hold an evaluation's rows.
  private func tablePageNames(
    _ item: EvaluationReportData,
    _ parts: Parts,
    _ count: Int
  ) -> [String] {
    guard linkFolder != nil else { return [] }
    let number = (parts.evaluations.firstIndex { $0.title == item.title } ?? 0) + 1
    return (0..<((count + Self.rowsOfPage - 1) / Self.rowsOfPage)).map {
      "values-\(number)-\($0 + 1).html"
    }
  }

  /// The pages of rows that do not fit into the report.
  func tablePages(_ parts: Parts, report: String, subtitle: String) -> [LinkedPage] {
    parts.evaluations.flatMap { item -> [LinkedPage] in
      var parts = parts
      // On a page in the folder the addresses from the report do not hold.
      let names = tablePageNames(
        item,
        parts,
        item.report.cases.count * item.report.structures.count
      )
      parts.addresses = [:]
      let rows = rows(of: item, parts)
      guard rows.count > Self.maximumCaseRows else { return [] }
      return names.enumerated().map { index, name in
        let first = index * Self.rowsOfPage
        let shown = rows[first..<min(rows.count, first + Self.rowsOfPage)]
        var document = ReportDocument(
          title: "\(item.title): values \(first + 1) to \(first + shown.count)",
          subtitle: subtitle,
          sections: [
            ReportSection(
              "Values",
              [
                .table(
                  ReportTable(caption: "Every case", columns: columns(item), rows: Array(shown))
                )
              ]
            )
          ]
        )
        document.back = ReportDocument.Link("Back to the report", to: "../" + Self.address(report))
        return LinkedPage(name: name, html: ReportWriter.html(document))
      }
    }
  }

  private func tableMetrics(_ item: EvaluationReportData) -> [Metric] {
    item.report.metrics.filter { Self.caseMetrics.contains($0.key) }
  }

  private func namesStructures(_ item: EvaluationReportData) -> Bool {
    item.report.structures.count > 1 || item.report.structures.first?.key != "image"
  }

  private func columns(_ item: EvaluationReportData) -> [ReportTable.Column] {
    [.init("Case", isNumeric: false)]
      + (namesStructures(item) ? [.init("Structure", isNumeric: false)] : [])
      + tableMetrics(item).map { .init(Self.shortName($0), unit: $0.unit) }
  }

  private func rows(of item: EvaluationReportData, _ parts: Parts) -> [[ReportTable.Cell]] {
    let metrics = tableMetrics(item)
    let namesStructures = namesStructures(item)
    return item.report.cases.flatMap { evaluated in
      evaluated.labels.map { label in
        var cells = [caseCell(evaluated.id, parts)]
        if namesStructures { cells.append(.structure(label.name, structureColor(label.key, item))) }
        cells += metrics.map { metric in
          switch label.values[metric.key] {
          case .value(let number): .number(ReportNumber.metric(number, metric))
          case .undefined(let reason): .undefined(reason: reason)
          case nil: .undefined(reason: "not computed")
          }
        }
        return cells
      }
    }
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
