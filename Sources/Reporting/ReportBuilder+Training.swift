import Imaging

extension ReportBuilder {
  /// Pictures of slices are small; a page has several of them side by side.
  private static let slicePixels = 300

  /// A training run: its facts, curves, times and pictures.
  func training(_ item: TrainingReportData) throws -> ReportSection {
    var blocks: [ReportBlock] = []
    if !item.facts.isEmpty {
      blocks.append(
        .table(facts("The run", item.facts.map { ($0.name, .text($0.value)) }))
      )
    }
    if !item.timings.isEmpty { blocks.append(.table(timingTable(item.timings))) }
    blocks += item.curves.map { .chart(chart($0)) }
    if let first = item.progress.first {
      let place =
        first.isPicture
        ? "one picture"
        : "one axial slice, the one with most of the reference's voxels, seen from the feet"
      blocks += [
        .subheading("A held-out scan along the run"),
        .figures(try item.progress.map { try figure($0) }, legend: legend(item.progress)),
        .note(
          "The averaged weights' segmentation of \(place). White lines are the reference."
        ),
      ]
    }
    if let first = item.worst.first {
      let place =
        first.isPicture
        ? "" : ", each at the axial slice that differs most from the reference, seen from the feet"
      blocks += [
        .subheading("The worst held-out scans"),
        .figures(try item.worst.map { try figure($0) }, legend: legend(item.worst)),
        .note(
          "The held-out scans with the lowest mean Dice coefficient of the finished model\(place). "
            + "White lines are the reference."
        ),
      ]
    }
    return ReportSection("Training: \(item.modelName)", blocks)
  }

  private func chart(_ curves: TrainingReportData.Curves) -> ReportChart {
    let finals = curves.lines.compactMap { line in
      line.points.last { $0.y.isFinite }.map {
        "\(line.label) \(ReportNumber.significant($0.y))"
      }
    }
    return ReportChart(
      title: curves.title,
      summary: finals.isEmpty
        ? "There are no values." : "At the end: " + sentenceList(finals) + ".",
      form: .lines(curves.lines, xLabel: curves.xLabel)
    )
  }

  private func timingTable(_ timings: [(name: String, seconds: Double)]) -> ReportTable {
    let total = timings.reduce(0) { $0 + $1.seconds }
    func row(_ name: String, _ seconds: Double) -> [ReportTable.Cell] {
      [
        .text(name), .number(ReportNumber.duration(seconds)),
        total > 0
          ? .number(ReportNumber.fixed(100 * seconds / total, 1))
          : .undefined(reason: "no time was noted"),
      ]
    }
    return ReportTable(
      caption: "Where the time went",
      columns: [.init("What", isNumeric: false), .init("Time"), .init("Share", unit: "%")],
      rows: timings.map { row($0.name, $0.seconds) } + [row("All", total)]
    )
  }

  private func figure(_ slice: TrainingReportData.SliceRecord) throws -> ReportFigure {
    let painter = OverlayRenderer(
      longerSide: Self.slicePixels,
      fillOpacity: renderer.fillOpacity,
      outlineWidth: 1
    )
    let image = try painter.render(
      volume: slice.scan,
      labels: slice.labels,
      reference: slice.reference,
      plane: .axial,
      slice: 0,
      window: 0...255
    )
    let view = SliceView(slice.scan.geometry, plane: .axial)
    let shown = Set(slice.labels.labels.map(Int.init))
    let names = slice.labels.table.filter { shown.contains($0.id) }.map(\.name)
    return ReportFigure(
      png: try image.png(),
      size: [image.width, image.height],
      widthMM: slice.isPicture ? nil : Double(view.width) * view.spacing.x,
      alternative: "\(slice.caption): \(slice.isPicture ? "picture" : "axial slice") with "
        + "\(names.isEmpty ? "no structure" : sentenceList(names)) marked and the reference "
        + "outlined in white.",
      caption: slice.caption,
      edges: slice.isPicture ? [] : [view.left, view.right, view.top, view.bottom]
    )
  }

  private func legend(_ slices: [TrainingReportData.SliceRecord]) -> [LegendEntry] {
    let shown = Set(slices.flatMap { Set($0.labels.labels).union($0.reference.labels) })
    let table = slices.first?.labels.table ?? []
    return table.filter { shown.contains(UInt16(truncatingIfNeeded: $0.id)) }
      .map { LegendEntry($0.color, $0.name) } + [LegendEntry(nil, "reference (outline)")]
  }
}
