import Foundation
import Imaging
import Support

extension ReportBuilder {
  private static let slicePixels = 420

  /// The page of an improved image: before, after and their difference.
  /// - Parameters:
  ///   - item: The image.
  ///   - date: When the page was made.
  /// - Returns: HTML, UTF-8.
  /// - Throws: `SupportError.libraryFailure` when a picture cannot be written.
  public func html(_ item: EnhancementReportData, date: Date) throws -> String {
    ReportWriter.html(
      ReportDocument(
        title: "Enhancement of \(item.name)",
        subtitle: "\(Self.text(of: date)) \u{00B7} lamina \(Version.current)",
        sections: try enhancement(item)
      )
    )
  }

  /// The sections of an improved image.
  /// - Parameter item: The image.
  /// - Returns: What was done, pictures, and the comparison with the reference.
  /// - Throws: `SupportError.libraryFailure` when a picture cannot be written.
  func enhancement(_ item: EnhancementReportData) throws -> [ReportSection] {
    var first: [ReportBlock] = [.problems([item.warning])]
    if !item.facts.isEmpty {
      first.append(.table(facts("What was done", item.facts.map { ($0.name, .text($0.value)) })))
    }
    first += item.notes.map { .note($0) }
    var sections = [ReportSection("Enhancement", first)]
    if !item.quality.isEmpty {
      sections.append(ReportSection("Comparison with the reference", [.table(quality(item))]))
    }
    if let structures = item.structures {
      sections.append(ReportSection("What it did to the segmentation", blocks(of: structures)))
    }
    sections.append(try pictures(item))
    return sections
  }

  /// What became of a segmentation: warnings, and a table of the structures.
  func blocks(of structures: EnhancementReportData.Structures) -> [ReportBlock] {
    func dice(_ value: Double?) -> ReportTable.Cell {
      value.map { .number(ReportNumber.fixed($0, 4)) }
        ?? .undefined(reason: "neither has the structure, or there is nothing to compare with")
    }
    let table = ReportTable(
      caption: "Structures before and after",
      columns: [
        .init("Structure", isNumeric: false), .init("Dice before"), .init("Dice after"),
        .init("Change"), .init("Volume before", unit: "ml"), .init("Volume after", unit: "ml"),
        .init("Change", unit: "ml"),
      ],
      rows: structures.rows.map { row in
        [.text(row.name)] + row.dice.map { dice($0) }
          + row.volumesML.map { .number(ReportNumber.millilitres($0)) }
      }
    )
    let warnings = structures.warnings.isEmpty ? [] : [ReportBlock.problems(structures.warnings)]
    return [.note(structures.explanation)] + warnings + [.table(table)]
  }

  private func quality(_ item: EnhancementReportData) -> ReportTable {
    func cell(_ value: Double?) -> ReportTable.Cell {
      value.map { .number(ReportNumber.significant($0, 4)) }
        ?? .undefined(reason: "the images are equal, or too small")
    }
    return ReportTable(
      caption: "Against the reference, before and after",
      columns: [
        .init("Quantity", isNumeric: false), .init("Before"), .init("After"), .init("Change"),
      ],
      rows: item.quality.map { row in
        let name = row.unit.isEmpty ? row.name : "\(row.name) (\(row.unit))"
        let change = row.before.flatMap { before in row.after.map { $0 - before } }
        return [.text(name), cell(row.before), cell(row.after), cell(change)]
      }
    )
  }

  func pictures(_ item: EnhancementReportData) throws -> ReportSection {
    let before =
      item.before.geometry.size == item.after.geometry.size
      ? item.before
      : item.before.resampled(to: item.after.geometry, interpolation: .linear)
    let difference = subtracted(item.after, before)
    let window = OverlayRenderer.window(of: item.reference ?? before)
    let spread = limit(difference)
    var blocks: [ReportBlock] = []
    for plane in item.isPicture ? [BodyPlane.axial] : BodyPlane.allCases {
      var figures = [
        try figure(item, before, plane, "before", window),
        try figure(item, item.after, plane, "after", window),
        try figure(item, difference, plane, "difference", -spread...spread),
      ]
      if let reference = item.reference {
        figures.append(try figure(item, reference, plane, "reference", window))
        figures.append(
          try figure(
            item,
            subtracted(item.after, reference),
            plane,
            "error",
            -spread...spread
          )
        )
      }
      if let map = item.spread {
        figures.append(try figure(item, map, plane, "spread", 0...limit(map)))
      }
      if !item.isPicture { blocks.append(.subheading(plane.rawValue.capitalized)) }
      blocks.append(.figures(figures, legend: []))
    }
    blocks.append(
      .note(
        "Before and after share one window of grey values. Differences are after less before: mid grey "
          + "is unchanged, white is brighter by \(ReportNumber.significant(Double(spread))) or more, "
          + "black darker. What shows structure in a difference was changed, not only cleaned."
      )
    )
    if let map = item.spread {
      let end = ReportNumber.significant(Double(limit(map)))
      blocks.append(
        .note(
          "Spread is the standard deviation of the results over the symmetries of planes, from 0 (black) "
            + "to \(end) or more (white), in the image's unit. It shows where the network is unsure, not "
            + "where it is wrong: what it invents alike in all of them has none."
        )
      )
    }
    return ReportSection("Pictures", blocks)
  }

  private func figure(
    _ item: EnhancementReportData,
    _ volume: Volume<Float>,
    _ plane: BodyPlane,
    _ name: String,
    _ window: ClosedRange<Float>
  ) throws -> ReportFigure {
    let painter = OverlayRenderer(longerSide: Self.slicePixels)
    let view = SliceView(volume.geometry, plane: plane)
    let empty = LabelMap(
      geometry: volume.geometry,
      labels: [UInt16](repeating: 0, count: volume.geometry.voxelCount),
      table: []
    )
    let image = try painter.render(
      volume: volume,
      labels: empty,
      plane: plane,
      slice: view.sliceCount / 2,
      window: window
    )
    return ReportFigure(
      png: try image.png(),
      size: [image.width, image.height],
      widthMM: item.isPicture ? nil : Double(view.width) * view.spacing.x,
      alternative: "\(item.isPicture ? "The picture" : "The middle \(plane.rawValue) slice"): "
        + "\(name).",
      caption: name,
      edges: item.isPicture ? [] : [view.left, view.right, view.top, view.bottom]
    )
  }

  private func subtracted(_ a: Volume<Float>, _ b: Volume<Float>) -> Volume<Float> {
    Volume(geometry: a.geometry, voxels: zip(a.voxels, b.voxels).map { $0 - $1 })
  }

  /// The 99.5th percentile of absolute differences, at least a tiny number.
  private func limit(_ difference: Volume<Float>) -> Float {
    let step = max(1, difference.voxels.count / (1 << 18))
    let sizes = stride(from: 0, to: difference.voxels.count, by: step)
      .map { abs(difference.voxels[$0]) }.filter(\.isFinite).sorted()
    guard let largest = sizes.last else { return 1 }
    let percentile = sizes[Int(Double(sizes.count - 1) * 0.995)]
    return percentile > 0 ? percentile : max(largest, 1e-6)
  }
}
