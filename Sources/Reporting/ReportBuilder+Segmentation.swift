import Evaluation
import Imaging

extension ReportBuilder {
  /// No more scans than this are shown in pictures on one page; others get pages of their own.
  public static let maximumPictured = 12
  /// The text of all viewers of a page together, bytes.
  private static let viewerBudget = 14 << 20
  /// The text of one viewer, bytes.
  private static let largestViewer = 4 << 20

  /// The name of a scan's viewer in the page; nil when it has none.
  func viewerID(_ parts: Parts, _ index: Int) -> String? {
    index < Self.maximumPictured && parts.segmentations[index].scan != nil
      ? "viewer-\(index + 1)" : nil
  }

  /// Every scan in the viewer, in three planes and as surfaces.
  func pictures(_ parts: Parts) throws -> ReportSection {
    let shown = parts.segmentations.prefix(Self.maximumPictured)
    var blocks: [ReportBlock] = []
    for (index, item) in shown.enumerated() {
      if parts.segmentations.count > 1 { blocks.append(.subheading(item.caseID)) }
      let surfaces = try CaseSurfaces.surfaces(of: item.labelMap)
      if let id = viewerID(parts, index) {
        let encoder = ViewerEncoder(
          budget: min(Self.largestViewer, Self.viewerBudget / shown.count)
        )
        if let json = try encoder.json(item, surfaces: surfaces) {
          blocks.append(
            .viewer(ReportViewer(id: id, title: "Viewer of \(item.caseID)", json: json))
          )
        }
      }
      blocks += try pictures(item, surfaces)
    }
    if shown.contains(where: { $0.scan != nil }) {
      blocks.append(
        .note(
          "Each plane shows the slice that shows most of the structures, each weighed by its own "
            + "largest area, along the scan's own axes, enlarged with interpolation. R right, L "
            + "left, A anterior, P posterior, S superior, I inferior of the patient."
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

  private func pictures(
    _ item: SegmentationReportData,
    _ surfaces: [LabelSurface]
  ) throws -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    let legend = legend(item)
    if let scan = item.scan {
      let window = window(item, scan)
      var figures = try BodyPlane.shown(scan.geometry).map {
        try figure(item, scan, $0, nil, window)
      }
      if let reference = item.reference {
        let view = SliceView(scan.geometry, plane: .axial)
        let slice = view.mostDifferentSlice(item.labelMap.labels, reference.labels)
        if let slice { figures.append(try figure(item, scan, .axial, slice, window)) }
      }
      let bounds = [window.lowerBound, window.upperBound].map {
        ReportNumber.with(ReportNumber.significant(Double($0)), unit: item.intensityUnit)
      }
      blocks += [
        .figures(figures, legend: legend),
        .note(
          "Grey values from \(bounds[0]) (black) to \(bounds[1]) (white)."
            + (figures.count > BodyPlane.shown(scan.geometry).count
              ? " The last picture is the axial slice in which the segmentation differs most from "
                + "the reference." : "")
        ),
      ]
    } else {
      blocks.append(.paragraph("The scan is not at hand, so its slices are not shown."))
    }
    let views = try surfaceFigures(item, surfaces)
    if !views.isEmpty {
      blocks += [
        .figures(views, legend: item.scan == nil ? legend : []),
        .note(
          "Surfaces of the segmented structures, smoothed; each picture has a scale of its own."
        ),
      ]
    }
    return blocks
  }

  /// The grey range of the pictures: of computed tomography the soft tissue window.
  func window(_ item: SegmentationReportData, _ scan: Volume<Float>) -> ClosedRange<Float> {
    item.intensityUnit == "HU" ? -160...240 : OverlayRenderer.window(of: scan)
  }

  /// The structures that occur, with their colours, and the reference.
  func legend(_ item: SegmentationReportData) -> [LegendEntry] {
    let present = Set(item.statistics.filter { $0.voxels > 0 }.map(\.label))
    var legend = item.labelMap.table.filter { present.contains($0.id) }
      .map { LegendEntry($0.color, $0.name) }
    if item.reference != nil { legend.append(LegendEntry(nil, "reference (outline)")) }
    return legend
  }

  private func surfaceFigures(
    _ item: SegmentationReportData,
    _ surfaces: [LabelSurface]
  ) throws -> [ReportFigure] {
    let painter = SurfaceRenderer(longerSide: min(renderer.longerSide, 440))
    let names = surfaces.map(\.definition.name)
    let shown = names.count > 8 ? Array(names.prefix(8)) + ["others"] : names
    return try SurfaceRenderer.Viewpoint.allCases.compactMap { viewpoint in
      guard let picture = painter.render(surfaces, from: viewpoint) else { return nil }
      let from =
        switch viewpoint {
        case .front: "from the front"
        case .left: "from the patient's left"
        case .above: "from above"
        }
      return ReportFigure(
        png: try picture.image.png(),
        size: [picture.image.width, picture.image.height],
        widthMM: picture.widthMM,
        alternative: "Surfaces of \(sentenceList(shown)) of \(item.caseID), seen \(from).",
        caption: "Seen \(from)",
        edges: viewpoint.edges
      )
    }
  }

  /// The picture of a slice; of the one that shows most when none is named.
  func figure(
    _ item: SegmentationReportData,
    _ scan: Volume<Float>,
    _ plane: BodyPlane,
    _ slice: Int?,
    _ window: ClosedRange<Float>
  ) throws -> ReportFigure {
    let view = SliceView(scan.geometry, plane: plane)
    let isEmpty = !item.labelMap.labels.contains { $0 != 0 }
    let guide = isEmpty ? (item.reference ?? item.labelMap) : item.labelMap
    let slice = slice ?? view.bestSlice(guide.labels)
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
        + "\(what) marked"
        + (item.reference == nil ? "." : " and the reference outlined in white."),
      caption: "\(title), slice \(slice + 1) of \(view.sliceCount)",
      edges: [view.left, view.right, view.top, view.bottom]
    )
  }

  func color(_ label: Int, _ map: LabelMap) -> LabelColor {
    map.table.first { $0.id == label }?.color ?? LabelDefinition.defaultColor(max(0, label - 1))
  }
}
