import Evaluation
import Imaging

extension ReportBuilder {
  /// No more structures than this have a chart of their volumes.
  private static let mostVolumeCharts = 8

  /// The agreement of volumes, the subgroups and the pairing of an evaluation, as far as it has them.
  func statisticalSections(_ item: EvaluationReportData) -> [ReportSection] {
    let report = item.report
    return [volumes(item), pairing(item)].compactMap(\.self)
      + report.subgroups.map { subgroup($0, item) }
      + report.comparisons.map { comparison($0, item) }
      + [report.ranking.map { ranking($0, item) }].compactMap(\.self)
  }

  // MARK: Volumes

  private func volumes(_ item: EvaluationReportData) -> ReportSection? {
    let entries = item.report.volumeAgreement
    guard !entries.isEmpty else { return nil }
    var blocks: [ReportBlock] = entries.filter { $0.points.count > 2 }
      .prefix(Self.mostVolumeCharts).map { .chart(volumeChart($0, item)) }
    blocks.append(
      .table(
        ReportTable(
          caption: "Agreement of volumes",
          columns: [
            .init("Structure", isNumeric: false), .init("n"), .init("Bias", unit: "ml"),
            .init("95 % interval", unit: "ml"), .init("Limits of agreement", unit: "ml"),
            .init("Pearson"), .init("Concordance"), .init("95 % interval"), .init("Absent"),
          ],
          rows: entries.map { entry in
            let few = "too few cases have the structure, or their volumes do not differ"
            func range(_ value: ClosedRange<Double>?, _ text: (Double) -> String)
              -> ReportTable.Cell
            {
              value.map { .number("\(text($0.lowerBound)) to \(text($0.upperBound))") }
                ?? .undefined(reason: few)
            }
            func number(_ value: Double?, _ text: (Double) -> String) -> ReportTable.Cell {
              value.map { .number(text($0)) } ?? .undefined(reason: few)
            }
            let ratio = { (value: Double) in ReportNumber.fixed(value, 3) }
            return [
              .structure(entry.name, structureColor(entry.structure, item)),
              .number("\(entry.points.count)"),
              number(entry.biasML, ReportNumber.millilitres),
              range(entry.biasCI95, ReportNumber.millilitres),
              range(entry.limitsML, ReportNumber.millilitres), number(entry.pearson, ratio),
              number(entry.concordance, ratio), range(entry.concordanceCI95, ratio),
              .number("\(entry.absent)"),
            ]
          }
        )
      )
    )
    blocks.append(
      .note(
        "The bias is the mean of prediction less reference; between the limits of agreement lie "
          + "about 95 % of the differences (Bland and Altman 1986). Concordance is Lin's coefficient "
          + "(1989), 1 for equal volumes. Cases in which the structure is absent from both are left "
          + "out and counted."
      )
    )
    return ReportSection("Volumes: \(item.title)", blocks)
  }

  private func volumeChart(_ entry: VolumeAgreement, _ item: EvaluationReportData) -> ReportChart {
    func number(_ value: Double) -> String {
      ReportNumber.with(ReportNumber.millilitres(value), unit: "ml")
    }
    var guides: [ReportChart.Scatter.Guide] = []
    var summary = "Each dot is a case."
    if let bias = entry.biasML {
      guides.append(.init(y: bias, label: "bias \(number(bias))"))
      summary +=
        " On average the prediction is \(number(abs(bias)))"
        + " \(bias < 0 ? "smaller" : "larger") than the reference"
      if let limits = entry.limitsML {
        guides.append(
          .init(y: limits.lowerBound, label: "lower limit \(number(limits.lowerBound))")
        )
        guides.append(
          .init(y: limits.upperBound, label: "upper limit \(number(limits.upperBound))")
        )
        summary +=
          "; about 95 % of the differences lie between "
          + "\(ReportNumber.millilitres(limits.lowerBound)) and \(number(limits.upperBound))"
      }
      summary += "."
    }
    return ReportChart(
      title: "Volume of \(entry.name): difference against mean",
      summary: summary,
      form: .scatter(
        .init(
          dots: entry.points.map { point in
            .init(
              place: [point.meanML, point.differenceML],
              label: "\(point.id): \(number(point.predictionML)), reference "
                + number(point.referenceML),
              color: structureColor(entry.structure, item)
            )
          },
          guides: guides,
          xLabel: "mean of prediction and reference (ml)",
          yLabel: "prediction less reference (ml)"
        )
      )
    )
  }

  // MARK: Pairing

  private func pairing(_ item: EvaluationReportData) -> ReportSection? {
    guard let record = item.report.pairing, !record.byRule.isEmpty || !record.unpaired.isEmpty
    else { return nil }
    var blocks: [ReportBlock] = [
      .paragraph("\(counted(record.exact, "case")) paired by equal names.")
    ]
    if !record.byRule.isEmpty {
      blocks.append(
        .table(
          ReportTable(
            caption: "Paired by a rule",
            columns: [
              .init("Case", isNumeric: false), .init("Prediction", isNumeric: false),
              .init("Reference", isNumeric: false), .init("Rule", isNumeric: false),
            ],
            rows: record.byRule.prefix(Self.maximumCaseRows).map {
              [.text($0.id), .code($0.prediction), .code($0.reference), .text($0.rule)]
            }
          )
        )
      )
    }
    if !record.unpaired.isEmpty {
      blocks.append(
        .table(
          ReportTable(
            caption: "Without a partner, and left out",
            columns: [
              .init("Case", isNumeric: false), .init("Side", isNumeric: false),
              .init("File", isNumeric: false), .init("Why", isNumeric: false),
            ],
            rows: record.unpaired.prefix(Self.maximumCaseRows).map {
              [.text($0.id), .text($0.side.rawValue), .code($0.path), .text($0.reason)]
            }
          )
        )
      )
    }
    return ReportSection("Pairing: \(item.title)", blocks)
  }

  // MARK: Subgroups

  private func subgroup(
    _ analysis: SubgroupAnalysis,
    _ item: EvaluationReportData
  ) -> ReportSection {
    let key =
      item.report.metrics.contains { $0.key == "dice" } ? "dice" : item.report.metrics.first?.key
    let metric = key.flatMap(Metric.named)
    var blocks: [ReportBlock] = [.paragraph(Self.gapSentence(analysis, metric))]
    if let metric, let chart = subgroupChart(analysis, metric, item) {
      blocks.append(.chart(chart))
    }
    let small = "too few cases"
    func interval(_ range: ClosedRange<Double>?, _ metric: Metric?) -> ReportTable.Cell {
      guard let range, let metric else { return .undefined(reason: small) }
      return .number(
        "\(ReportNumber.metric(range.lowerBound, metric)) to "
          + ReportNumber.metric(range.upperBound, metric)
      )
    }
    blocks.append(
      .table(
        ReportTable(
          caption: "Gaps by \(analysis.property)",
          columns: [
            .init("Structure", isNumeric: false), .init("Metric", isNumeric: false),
            .init("Better", isNumeric: false), .init("Worse", isNumeric: false),
            .init("Difference"), .init("95 % interval"), .init("Remarks", isNumeric: false),
          ],
          rows: analysis.gaps.prefix(Self.maximumCaseRows).map { gap in
            let metric = Metric.named(gap.metric)
            return [
              .structure(gap.name, structureColor(gap.structure, item)),
              .text(metric?.name ?? gap.metric), .text(gap.better), .text(gap.worse),
              .number(
                metric.map { ReportNumber.metric(gap.difference, $0) }
                  ?? ReportNumber.significant(gap.difference)
              ),
              interval(gap.ci95, metric),
              .flags(
                (gap.isClear ? ["clear gap"] : []) + (gap.isSmall ? ["small group"] : [])
              ),
            ]
          }
        )
      )
    )
    blocks.append(
      .note(
        "Groups: "
          + sentenceList(analysis.groups.map { "\($0.name) (\($0.count))" })
          + ". A group of fewer than \(analysis.minimumGroupSize) is small. A gap is clear when its "
          + "interval does not hold zero; of many gaps a few are clear by chance."
      )
    )
    return ReportSection("Groups by \(analysis.property): \(item.title)", blocks)
  }

  private static func gapSentence(_ analysis: SubgroupAnalysis, _ metric: Metric?) -> String {
    guard let metric else { return "There is nothing to compare." }
    let gaps = analysis.gaps.filter { $0.metric == metric.key }
    let clear = gaps.filter(\.isClear)
    guard let widest = clear.max(by: { abs($0.difference) < abs($1.difference) }) else {
      return "No gap of \(metric.name) between the groups is clear."
    }
    return "\(clear.count) of \(counted(gaps.count, "gap")) of \(metric.name) "
      + "\(clear.count == 1 ? "is" : "are") clear; the widest is "
      + ReportNumber.with(ReportNumber.metric(abs(widest.difference), metric), unit: metric.unit)
      + " for \(widest.name), where \(widest.better) is better than \(widest.worse)."
  }

  private func subgroupChart(
    _ analysis: SubgroupAnalysis,
    _ metric: Metric,
    _ item: EvaluationReportData
  ) -> ReportChart? {
    let strips = analysis.groups.flatMap { group -> [ReportChart.Strip] in
      let members = Set(group.cases)
      return item.report.structures.map { structure in
        ReportChart.Strip(
          label: "\(structure.name), \(group.name)",
          values: item.report.values(of: metric.key, structure: structure.key)
            .filter { members.contains($0.caseID) }.compactMap(\.value.number),
          color: structureColor(structure.key, item)
        )
      }
    }
    let all = strips.flatMap(\.values)
    guard let low = all.min(), let high = all.max(), strips.count <= 24 else { return nil }
    let isRatio = metric.range == 0...1
    return ReportChart(
      title: "\(metric.name) by \(analysis.property)",
      summary: "Each dot is a case; a box spans the quartiles and a bar marks the median.",
      form: .strips(
        strips,
        range: (isRatio ? max(0, ((low - 0.02) * 10).rounded(.down) / 10) : low)...(isRatio
          ? 1 : max(high, low + 1e-9))
      )
    )
  }
}
