import Evaluation
import Imaging

extension ReportBuilder {
  /// No more structures than this have a line of their own in the plot of areas.
  private static let mostAreaLines = 6

  /// Volumes, lengths and intensities of all scans, as tables and charts.
  func measurements(
    _ parts: Parts,
    _ profiles: [[Int: StructureProfile]],
    _ findings: [[QualityCheck.Finding]]
  ) -> ReportSection {
    let several = parts.segmentations.count > 1
    var blocks: [ReportBlock] = [.table(table(parts, profiles, findings))]
    if let totals = totals(parts) { blocks.append(.table(totals)) }
    blocks.append(
      .note(
        "Volume is the number of voxels times the volume of a voxel. The diameter is the largest "
          + "distance of two points of the surface. The extent is that of the voxels from right to "
          + "left, from front to back and from feet to head, along the scan's axes. Pieces are "
          + "groups of voxels that touch by a face, an edge or a corner. Intensities are those of "
          + "the scan inside the structure; the SD is that of its voxels."
          + (hasConfidence(parts) ? Self.confidenceNote : "") + intervalNote(parts)
      )
    )
    let bars = parts.segmentations.flatMap { item in
      item.statistics.map { entry in
        ReportChart.Bar(
          label: several ? "\(entry.name), \(item.caseID)" : entry.name,
          value: entry.volumeML,
          text: ReportNumber.with(ReportNumber.millilitres(entry.volumeML), unit: "ml"),
          color: color(entry.label, item.labelMap)
        )
      }
    }
    if (2...40).contains(bars.count), let largest = bars.max(by: { $0.value < $1.value }) {
      blocks.append(
        .chart(
          ReportChart(
            title: "Volumes",
            summary: "The largest is \(largest.label) with \(largest.text).",
            form: .bars(bars)
          )
        )
      )
    }
    for (index, item) in parts.segmentations.prefix(Self.maximumPictured).enumerated() {
      if let chart = areas(item, profiles[index], several) { blocks.append(.chart(chart)) }
    }
    return ReportSection("Measurements", blocks)
  }

  private static let confidenceNote =
    " The confidence is the mean, over the structure's voxels, of the probability that the model gave "
    + "them for it. It is not calibrated: it tells structures and scans of one model apart, and 0.9 "
    + "does not mean that nine voxels of ten are right."

  /// What the intervals of volumes mean; empty without any.
  private func intervalNote(_ parts: Parts) -> String {
    let all = parts.segmentations.flatMap { $0.volumeIntervals.values }
    guard let first = all.first else { return "" }
    let cases = all.map(\.cases)
    let (least, most) = (cases.min() ?? 0, cases.max() ?? 0)
    let level = ReportNumber.with(ReportNumber.significant(100 * first.level), unit: "%")
    return
      " The interval holds the true volume in at least \(level) of cases that are drawn as the "
      + (least == most ? "\(least)" : "\(least) to \(most)")
      + " calibration cases were (split conformal prediction, widths in proportion to the volume"
      + (first.scale == .uncertainty ? " times the uncertainty of the case" : "")
      + "). This is a share of all cases, not a promise for one of them, and says nothing of other "
      + "scanners, patients or settings."
  }

  private func hasConfidence(_ parts: Parts) -> Bool {
    parts.segmentations.contains { !$0.confidence.isEmpty }
  }

  /// The volumes of several structures together, with their definitions.
  private func totals(_ parts: Parts) -> ReportTable? {
    let several = parts.segmentations.count > 1
    let rows = parts.segmentations.flatMap { item in
      item.totals.map { total -> [ReportTable.Cell] in
        [.text(total.name)] + (several ? [.text(item.caseID)] : [])
          + [.number(ReportNumber.millilitres(total.volumeML)), .text(total.definition)]
      }
    }
    guard !rows.isEmpty else { return nil }
    var columns = [
      ReportTable.Column("Total", isNumeric: false), .init("Volume", unit: "ml"),
      .init("Definition", isNumeric: false),
    ]
    if several { columns.insert(.init("Scan", isNumeric: false), at: 1) }
    return ReportTable(
      caption: "Volumes of several structures together",
      columns: columns,
      rows: rows
    )
  }

  private func table(
    _ parts: Parts,
    _ profiles: [[Int: StructureProfile]],
    _ findings: [[QualityCheck.Finding]]
  ) -> ReportTable {
    let several = parts.segmentations.count > 1
    let units = Set(parts.segmentations.map(\.intensityUnit))
    var columns = [
      ReportTable.Column("Structure", isNumeric: false),
      .init("Volume", unit: "ml"), .init("Diameter", unit: "mm"), .init("Extent", unit: "mm"),
      .init("Voxels"), .init("Pieces"),
      .init("Mean intensity", unit: units.count == 1 ? units.first ?? "" : ""),
      .init("SD"), .init("Range"), .init("Remarks", isNumeric: false),
    ]
    let showsConfidence = hasConfidence(parts)
    if showsConfidence { columns.insert(.init("Confidence"), at: 2) }
    let showsIntervals = parts.segmentations.contains { !$0.volumeIntervals.isEmpty }
    if showsIntervals { columns.insert(.init("Interval", unit: "ml"), at: 2) }
    if several { columns.insert(.init("Scan", isNumeric: false), at: 1) }
    let rows = parts.segmentations.enumerated().flatMap { index, item in
      item.statistics.map { entry in
        var cells = row(
          entry,
          item,
          profiles[index][entry.label],
          findings[index].filter { $0.label == entry.label },
          viewer: viewerID(parts, index)
        )
        if showsConfidence {
          cells.insert(
            item.confidence[entry.label].map { .number(ReportNumber.fixed($0, 2)) }
              ?? .undefined(
                reason: entry.voxels == 0 ? "the structure is absent" : "the model gave none"
              ),
            at: 2
          )
        }
        if showsIntervals {
          cells.insert(
            item.volumeIntervals[entry.label].map {
              .number(
                "\(ReportNumber.millilitres($0.lowML))\u{2013}\(ReportNumber.millilitres($0.highML))"
              )
            }
              ?? .undefined(
                reason: entry.voxels == 0 ? "the structure is absent" : "it was not calibrated"
              ),
            at: 2
          )
        }
        if several { cells.insert(.text(item.caseID), at: 1) }
        return cells
      }
    }
    return ReportTable(caption: "Segmented structures", columns: columns, rows: rows)
  }

  private func row(
    _ entry: StructureStatistics,
    _ item: SegmentationReportData,
    _ profile: StructureProfile?,
    _ findings: [QualityCheck.Finding],
    viewer: String?
  ) -> [ReportTable.Cell] {
    let absent = "the structure is absent"
    let reason = entry.voxels == 0 ? absent : "no intensities at hand"
    let intensity: [ReportTable.Cell] =
      entry.intensity.map {
        [
          .number(ReportNumber.significant($0.mean, 4)),
          .number(ReportNumber.significant($0.sd, 3)),
          .number(
            "\(ReportNumber.significant($0.min))\u{2013}\(ReportNumber.significant($0.max))"
          ),
        ]
      } ?? Array(repeating: .undefined(reason: reason), count: 3)
    let name = entry.name
    let swatch = color(entry.label, item.labelMap)
    let extent = profile.map { profile in
      profile.extentMM.list.map { ReportNumber.fixed($0, 1) }.joined(separator: " \u{00D7} ")
    }
    var flags = findings.map(\.flag)
    if entry.voxels == 0 { flags.insert("absent", at: 0) }
    return [
      viewer.map { .viewedStructure(name, swatch, viewer: $0, label: entry.label) }
        ?? .structure(name, swatch),
      .number(ReportNumber.millilitres(entry.volumeML)),
      entry.largestDiameterMM.map { .number(ReportNumber.fixed($0, 1)) }
        ?? .undefined(reason: absent),
      extent.map { .number($0) } ?? .undefined(reason: absent),
      .number("\(entry.voxels)"), .number("\(entry.components)"),
    ] + intensity + [.flags(flags)]
  }

  /// The area of the largest structures in each axial slice.
  private func areas(
    _ item: SegmentationReportData,
    _ profiles: [Int: StructureProfile],
    _ several: Bool
  ) -> ReportChart? {
    let largest = item.statistics.filter { $0.voxels > 0 }
      .sorted { ($1.volumeML, $0.label) < ($0.volumeML, $1.label) }
      .prefix(Self.mostAreaLines)
    let lines = largest.compactMap { entry in
      profiles[entry.label].map { profile in
        let peak = profile.areas.map(\.y).max() ?? 0
        return ReportChart.Line(
          label: entry.name,
          points: Self.span(profile.areas),
          remark: "at most "
            + ReportNumber.with(ReportNumber.significant(peak), unit: "mm\u{00B2}"),
          color: color(entry.label, item.labelMap)
        )
      }
    }
    guard lines.contains(where: { $0.points.count > 2 }) else { return nil }
    let peaks = largest.compactMap { entry in
      profiles[entry.label]?.areas.map(\.y).max().map { (entry.name, $0) }
    }
    let summary = peaks.prefix(3).map { name, area in
      "\(name) \(ReportNumber.with(ReportNumber.significant(area), unit: "mm\u{00B2}"))"
    }
    let omitted = item.statistics.filter { $0.voxels > 0 }.count - lines.count
    return ReportChart(
      title: "Area in axial slices" + (several ? ", \(item.caseID)" : ""),
      summary: "Square millimetres in each slice, from the feet to the head. The largest: "
        + sentenceList(Array(summary)) + "."
        + (omitted > 0 ? " The \(lines.count) largest structures are shown." : ""),
      form: .lines(lines, xLabel: "mm above the lowest slice")
    )
  }

  /// The slices with an area, and one empty slice on either side.
  private static func span(_ areas: [SIMD2<Double>]) -> [SIMD2<Double>] {
    guard let first = areas.firstIndex(where: { $0.y > 0 }),
      let last = areas.lastIndex(where: { $0.y > 0 })
    else { return [] }
    return Array(areas[max(0, first - 1)...min(areas.count - 1, last + 1)])
  }
}
