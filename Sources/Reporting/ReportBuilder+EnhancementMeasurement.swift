import Foundation
import Support

extension ReportBuilder {
  /// The page of a measurement: what was done, the quantities, the images, and pictures of some.
  /// - Parameters:
  ///   - item: The measurement.
  ///   - date: When the page was made.
  /// - Returns: HTML, UTF-8.
  public func html(_ item: EnhancementMeasurementData, date: Date) -> String {
    var first: [ReportBlock] = [.problems([item.warning])]
    first.append(.table(facts("What was done", item.facts.map { ($0.name, .text($0.value)) })))
    first += item.notes.map { .note($0) }
    return ReportWriter.html(
      ReportDocument(
        title: item.title,
        subtitle: "\(Self.text(of: date)) \u{00B7} lamina \(Version.current)",
        sections: [
          ReportSection("Measurement", first),
          ReportSection(
            "Against the clean images",
            [
              .table(quantities(item)),
              .note(
                "Intervals hold the mean with 95 % confidence (bootstrap over images). The lead is the "
                  + "model's value less the rival's on the same images; for errors less than zero is "
                  + "better."
              ),
              .table(cases(item)),
            ]
          ),
        ] + item.pictures
      )
    )
  }

  /// The pictures of one case: before, after, difference, reference and error.
  /// - Parameter item: The case.
  /// - Returns: A section that bears the case's name.
  /// - Throws: `SupportError.libraryFailure` when a picture cannot be written.
  public func picturesOfCase(_ item: EnhancementReportData) throws -> ReportSection {
    let structures = item.structures.map { blocks(of: $0) } ?? []
    return ReportSection(item.name, structures + (try pictures(item).blocks))
  }

  private func quantities(_ item: EnhancementMeasurementData) -> ReportTable {
    let hasRivals = item.rows.contains { $0.lead != nil }
    var columns: [ReportTable.Column] = [
      .init("Steps", isNumeric: false), .init("Quantity", isNumeric: false), .init("n"),
      .init("Before"), .init("After"), .init("SD"), .init("Change (95 % interval)"),
    ]
    if hasRivals { columns.append(.init("Lead of the model (95 % interval)")) }
    return ReportTable(
      caption: "Means over the images",
      columns: columns,
      rows: item.rows.map { row in
        let cells: [ReportTable.Cell] = [
          .text(row.name), .text(row.quantity), .number("\(row.n)"), cell(row.before),
          cell(row.after), cell(row.sd), cell(row.gain, row.interval),
        ]
        let lead: ReportTable.Cell = row.lead == nil ? .text("") : cell(row.lead, row.leadInterval)
        return hasRivals ? cells + [lead] : cells
      }
    )
  }

  private func cases(_ item: EnhancementMeasurementData) -> ReportTable {
    ReportTable(
      caption: "The images",
      columns: [.init("Image", isNumeric: false)] + item.caseColumns.map { .init($0) },
      rows: item.cases.map { [.text($0.id)] + $0.values.map { cell($0) } }
    )
  }

  private func cell(_ value: Double?, _ interval: [Double]? = nil) -> ReportTable.Cell {
    guard let value else {
      return .undefined(reason: "the images are equal, too small, or fewer than two")
    }
    let bounds = interval.map {
      " (\(ReportNumber.significant($0[0])) to \(ReportNumber.significant($0[1])))"
    }
    return .number(ReportNumber.significant(value, 4) + (bounds ?? ""))
  }
}
