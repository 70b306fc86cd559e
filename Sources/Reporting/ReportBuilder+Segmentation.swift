import Evaluation
import Imaging

extension ReportBuilder {
  /// No more scans than this are shown in pictures on one page.
  private static let maximumPictured = 12

  /// The pictures of every scan in three planes.
  func pictures(_ parts: Parts) throws -> ReportSection {
    let shown = parts.segmentations.prefix(Self.maximumPictured)
    var blocks: [ReportBlock] = []
    for item in shown {
      blocks.append(.subheading(item.caseID))
      blocks += try pictures(item)
    }
    if shown.contains(where: { $0.scan != nil }) {
      blocks.append(
        .note(
          "Each plane shows the slice with the largest segmented area, along the scan's own axes, "
            + "enlarged with interpolation. R right, L left, A anterior, P posterior, S superior, "
            + "I inferior of the patient."
        )
      )
    }
    if shown.count < parts.segmentations.count {
      blocks.append(
        .note("Shown are the first \(shown.count) of \(parts.segmentations.count) scans.")
      )
    }
    return ReportSection("Segmentation", blocks)
  }

  private func pictures(_ item: SegmentationReportData) throws -> [ReportBlock] {
    guard let scan = item.scan else {
      return [.paragraph("The scan is not at hand, so no picture is shown.")]
    }
    let window = OverlayRenderer.window(of: scan)
    let planes: [BodyPlane] = scan.geometry.isPlanar ? [.axial] : BodyPlane.allCases
    let figures = try planes.map { try figure(item, scan, $0, window) }
    let present = Set(item.statistics.filter { $0.voxels > 0 }.map(\.label))
    var legend = item.labelMap.table.filter { present.contains($0.id) }
      .map { LegendEntry($0.color, $0.name) }
    if item.reference != nil { legend.append(LegendEntry(nil, "reference (outline)")) }
    let bounds = [window.lowerBound, window.upperBound].map {
      ReportNumber.with(ReportNumber.significant(Double($0)), unit: item.intensityUnit)
    }
    return [
      .figures(figures, legend: legend),
      .note("Grey values from \(bounds[0]) (black) to \(bounds[1]) (white)."),
    ]
  }

  private func figure(
    _ item: SegmentationReportData,
    _ scan: Volume<Float>,
    _ plane: BodyPlane,
    _ window: ClosedRange<Float>
  ) throws -> ReportFigure {
    let view = SliceView(scan.geometry, plane: plane)
    let isEmpty = !item.labelMap.labels.contains { $0 != 0 }
    let guide = isEmpty ? (item.reference ?? item.labelMap) : item.labelMap
    let slice = view.bestSlice(guide.labels)
    let image = try renderer.render(
      volume: scan,
      labels: item.labelMap,
      reference: item.reference,
      plane: plane,
      slice: slice,
      window: window
    )
    let shown = Set(
      (0..<view.height).flatMap { y in
        (0..<view.width).map { x in Int(item.labelMap.labels[view.offset(x, y, slice: slice)]) }
      }
    )
    let names = item.labelMap.table.filter { shown.contains($0.id) }.map(\.name)
    let what = names.isEmpty ? "no structure" : sentenceList(names)
    let title = plane.rawValue.prefix(1).uppercased() + plane.rawValue.dropFirst()
    return ReportFigure(
      png: try image.png(),
      size: [image.width, image.height],
      widthMM: Double(view.width) * view.spacing.x,
      alternative: "\(title) slice \(slice + 1) of \(view.sliceCount) of \(item.caseID) with "
        + "\(what) marked\(item.reference == nil ? "" : " and the reference outlined in white").",
      caption: "\(title), slice \(slice + 1) of \(view.sliceCount)",
      edges: [view.left, view.right, view.top, view.bottom]
    )
  }

  /// Volumes and intensities of all scans, as a table and as bars.
  func measurements(_ parts: Parts) -> ReportSection {
    let several = parts.segmentations.count > 1
    let units = Set(parts.segmentations.map(\.intensityUnit))
    var columns = [
      ReportTable.Column("Structure", isNumeric: false),
      .init("Volume", unit: "ml"), .init("Voxels"), .init("Pieces"),
      .init("Mean intensity", unit: units.count == 1 ? units.first ?? "" : ""),
      .init("SD"), .init("Range"), .init("Remarks", isNumeric: false),
    ]
    if several { columns.insert(.init("Scan", isNumeric: false), at: 1) }
    let rows = parts.segmentations.flatMap { item in
      item.statistics.map { row($0, item, several) }
    }
    var blocks: [ReportBlock] = [
      .table(ReportTable(caption: "Segmented structures", columns: columns, rows: rows)),
      .note(
        "Volume is the number of voxels times the volume of a voxel. Pieces are groups of voxels "
          + "that touch by a face, an edge or a corner. Intensities are those of the scan inside "
          + "the structure."
      ),
    ]
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
    return ReportSection("Measurements", blocks)
  }

  private func row(
    _ entry: StructureStatistics,
    _ item: SegmentationReportData,
    _ several: Bool
  ) -> [ReportTable.Cell] {
    var flags: [String] = []
    if entry.voxels == 0 { flags.append("absent") }
    if entry.touchesBorder { flags.append("reaches the edge of the scan") }
    if entry.components > 1 { flags.append("\(entry.components) pieces") }
    let reason = entry.voxels == 0 ? "the structure is absent" : "no intensities at hand"
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
    var cells: [ReportTable.Cell] = [
      .structure(entry.name, color(entry.label, item.labelMap)),
      .number(ReportNumber.millilitres(entry.volumeML)),
      .number("\(entry.voxels)"),
      .number("\(entry.components)"),
    ]
    cells += intensity + [.flags(flags)]
    if several { cells.insert(.text(item.caseID), at: 1) }
    return cells
  }

  private func color(_ label: Int, _ map: LabelMap) -> LabelColor {
    map.table.first { $0.id == label }?.color ?? LabelDefinition.defaultColor(max(0, label - 1))
  }
}
