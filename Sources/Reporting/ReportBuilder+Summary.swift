import Evaluation

extension ReportBuilder {
  /// The first section: the results in plain words, and the numbers that matter most.
  func summary(
    _ parts: Parts,
    _ introduction: String?,
    remarks: Int
  ) -> ReportSection {
    var blocks: [ReportBlock] = []
    if let introduction { blocks.append(.lead(introduction)) }
    blocks += sentences(parts, remarks).map { .paragraph($0) }
    let figures = keyFigures(parts)
    if !figures.isEmpty { blocks.append(.keyFigures(figures)) }
    return ReportSection("Summary", blocks)
  }

  private func sentences(_ parts: Parts, _ remarks: Int) -> [String] {
    var sentences: [String] = []
    if parts.scans > 0 { sentences.append(segmentationSentence(parts)) }
    for item in parts.evaluations {
      if let sentence = evaluationSentence(item, parts) { sentences.append(sentence) }
      sentences += item.report.comparisons.map { Self.verdict($0, item) }
    }
    for item in parts.trainings {
      let time = item.provenance.elapsedSeconds.map { " in \(ReportNumber.duration($0))" } ?? ""
      sentences.append("The model \(item.modelName) was trained\(time).")
    }
    if let sentence = benchmarkSentence(parts) { sentences.append(sentence) }
    let places = [
      ("Input", parts.inputProblems.count), ("Problems", parts.problems.count),
      ("Quality", remarks),
    ].filter { $0.1 > 0 }
    let count = places.reduce(0) { $0 + $1.1 }
    let verdict =
      count == 0
      ? "No problem was noticed."
      : "\(counted(count, "remark")) need\(count == 1 ? "s" : "") a look: see "
        + "\(sentenceList(places.map(\.0)))."
    if let last = sentences.popLast() { return sentences + [last + " " + verdict] }
    return [verdict]
  }

  private func segmentationSentence(_ parts: Parts) -> String {
    let tables = parts.segmentations.map(\.labelMap.table) + parts.linkedCases.map(\.table)
    var names: [String] = []
    var seen = Set<String>()
    for name in tables.flatMap({ $0.map(\.name) }) where seen.insert(name).inserted {
      names.append(name)
    }
    let records = parts.segmentations.map(\.provenance) + parts.linkedCases.map(\.provenance)
    let models = Set(records.compactMap(\.modelName)).sorted()
    let by = models.isEmpty ? "" : " by the model \(sentenceList(models))"
    let shown = names.count > 8 ? Array(names.prefix(8)) + ["others"] : names
    let what =
      names.isEmpty ? "" : " into \(counted(names.count, "structure")): \(sentenceList(shown))"
    return "\(counted(parts.scans, "scan")) \(parts.scans == 1 ? "was" : "were") segmented"
      + "\(by)\(what)."
  }

  private func evaluationSentence(_ item: EvaluationReportData, _ parts: Parts) -> String? {
    let report = item.report
    guard let dice = Metric.named("dice"), let mean = report.foregroundMean["dice"] ?? nil else {
      return nil
    }
    let kinds = report.structures.count > 1 ? " averaged over the structures" : ""
    let several = parts.evaluations.count > 1
    var text =
      "Compared with the reference in \(counted(report.evaluatedCases.count, "case"))"
      + (several ? " (\(item.title))" : "") + ", the mean Dice"
      + "\(kinds) is \(ReportNumber.metric(mean, dice)), where 1 means the same voxels and 0 none"
      + " in common."
    let all = report.structures.flatMap { structure in
      report.values(of: "dice", structure: structure.key).compactMap { entry in
        entry.value.number.map { ($0, "\(structure.name) of \(entry.caseID)") }
      }
    }
    if all.count > 1, let worst = all.min(by: { $0.0 < $1.0 }) {
      text += " The lowest is \(ReportNumber.metric(worst.0, dice)) (\(worst.1))."
    }
    return text
  }

  /// The totals of no more scans than this are among the key figures.
  private static let mostKeyTotals = 3

  private func keyFigures(_ parts: Parts) -> [KeyFigure] {
    var figures: [KeyFigure] = []
    for item in parts.evaluations {
      for (key, text) in [
        ("dice", "mean Dice"), ("hd95", "mean 95th percentile Hausdorff distance"),
        ("psnr", "mean peak signal-to-noise ratio"),
      ] {
        guard let metric = Metric.named(key), let mean = item.report.foregroundMean[key] ?? nil
        else { continue }
        figures.append(
          KeyFigure(
            ReportNumber.with(ReportNumber.metric(mean, metric), unit: metric.unit),
            parts.evaluations.count > 1 ? "\(text), \(item.title)" : text
          )
        )
      }
    }
    for item in parts.segmentations.prefix(Self.mostKeyTotals) {
      for total in item.totals {
        figures.append(
          KeyFigure(
            ReportNumber.with(ReportNumber.millilitres(total.volumeML), unit: "ml"),
            total.name.lowercased() + (parts.segmentations.count > 1 ? ", \(item.caseID)" : "")
          )
        )
      }
    }
    if parts.scans > 0 {
      let statistics =
        parts.segmentations.flatMap(\.statistics) + parts.linkedCases.flatMap(\.statistics)
      let total = statistics.reduce(0) { $0 + $1.volumeML }
      figures.append(
        KeyFigure(
          ReportNumber.with(ReportNumber.millilitres(total), unit: "ml"),
          "segmented in all"
        )
      )
      let records = parts.segmentations.map(\.provenance) + parts.linkedCases.map(\.provenance)
      let seconds = records.compactMap(\.elapsedSeconds)
      if !seconds.isEmpty {
        figures.append(
          KeyFigure(
            ReportNumber.duration(seconds.reduce(0, +) / Double(seconds.count)),
            "mean time per scan"
          )
        )
      }
    }
    return figures
  }
}
