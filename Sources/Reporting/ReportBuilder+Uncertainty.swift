import Evaluation
import Imaging

extension ReportBuilder {
  /// How unsure the models were of the scans; nil where no scan has it.
  func uncertainty(_ parts: Parts) throws -> ReportSection? {
    var blocks: [ReportBlock] = []
    let several = parts.segmentations.count > 1
    for (index, item) in parts.segmentations.enumerated() {
      guard let data = item.uncertainty else { continue }
      if several { blocks.append(.subheading(item.caseID)) }
      let statistics = data.statistics
      if let mean = statistics.meanEntropy {
        blocks.append(
          .lead(
            "On the voxels that have a label the model is unsure by "
              + "\(ReportNumber.significant(mean, 3)) on average, on a scale from 0 (certain) to 1 "
              + "(all classes alike)."
          )
        )
      }
      if let scan = item.scan, let map = data.map, index < Self.maximumPictured {
        blocks.append(
          .figures(
            try BodyPlane.shown(scan.geometry).map { try heatFigure(item, scan, map, $0) },
            legend: [0.1, 0.4, 0.7, 1].map { value in
              LegendEntry(
                OverlayRenderer.heatColor(value),
                "entropy \(ReportNumber.fixed(value, 1))"
              )
            }
          )
        )
      }
      if !statistics.structures.isEmpty { blocks.append(.table(table(item, statistics))) }
      if statistics.members.count > 1 {
        blocks.append(
          .note(
            "Compared were \(statistics.members.count) predictions: "
              + sentenceList(statistics.members) + "."
          )
        )
      }
    }
    guard !blocks.isEmpty else { return nil }
    blocks.append(.note(Self.uncertaintyNote))
    return ReportSection("Uncertainty", blocks)
  }

  private static let uncertaintyNote =
    "The entropy is that of the class probabilities, averaged over the predictions that were compared, "
    + "divided by the largest that it can be. Disagreement is the part that the single predictions do "
    + "not have by themselves (mutual information). Variation is the standard deviation of the "
    + "predictions' volumes over their mean, agreement the mean Dice of all pairs of them. These "
    + "numbers are no probabilities of an error: a model can be sure and wrong. Each plane shows the "
    + "slice with most entropy."

  private func table(
    _ item: SegmentationReportData,
    _ statistics: UncertaintyStatistics
  ) -> ReportTable {
    let isCompared = statistics.members.count > 1
    func cell(_ value: Double?, _ reason: String) -> ReportTable.Cell {
      value.map { .number(ReportNumber.significant($0, 3)) } ?? .undefined(reason: reason)
    }
    var columns: [ReportTable.Column] = [
      .init("Structure", isNumeric: false), .init("Mean entropy"),
    ]
    if isCompared {
      columns += [
        .init("Disagreement"), .init("Volumes", unit: "ml"), .init("Variation"),
        .init("Agreement"),
      ]
    }
    return ReportTable(
      caption: "Uncertainty by structure",
      columns: columns,
      rows: statistics.structures.map { entry in
        var cells: [ReportTable.Cell] = [
          .structure(entry.name, color(entry.label, item.labelMap)),
          cell(entry.meanEntropy, "the structure is absent"),
        ]
        guard isCompared else { return cells }
        let volumes = entry.memberVolumesML ?? []
        let range = [volumes.min(), volumes.max()].compactMap(\.self)
          .map(ReportNumber.millilitres)
        cells += [
          cell(entry.meanEpistemic, "the structure is absent"),
          range.isEmpty
            ? .undefined(reason: "there was nothing to compare")
            : .number(range.joined(separator: " to ")),
          cell(entry.volumeVariation, "no prediction has the structure"),
          cell(entry.pairwiseDice, "no prediction has the structure"),
        ]
        return cells
      }
    )
  }

  private func heatFigure(
    _ item: SegmentationReportData,
    _ scan: Volume<Float>,
    _ map: Volume<Float>,
    _ plane: BodyPlane
  ) throws -> ReportFigure {
    let view = SliceView(scan.geometry, plane: plane)
    let slice = view.hottestSlice(map.voxels)
    let image = try renderer.render(
      volume: scan,
      heat: map,
      plane: plane,
      slice: slice,
      window: window(item, scan)
    )
    let title = plane.rawValue.prefix(1).uppercased() + plane.rawValue.dropFirst()
    return ReportFigure(
      png: try image.png(),
      size: [image.width, image.height],
      widthMM: Double(view.width) * view.spacing.x,
      alternative: "\(title) slice \(slice + 1) of \(view.sliceCount) of \(item.caseID) with the "
        + "model's uncertainty in colours.",
      caption: "\(title), slice \(slice + 1) of \(view.sliceCount)",
      edges: [view.left, view.right, view.top, view.bottom]
    )
  }
}
