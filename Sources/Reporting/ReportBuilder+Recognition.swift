import Foundation
import Support

extension ReportBuilder {
  /// Columns of the table of classes, after name and count.
  private static let classColumns = ["Sensitivity", "Specificity", "Precision", "AUC"]

  /// The page of what a network says of whole images.
  /// - Parameters:
  ///   - item: The results.
  ///   - date: When the page was made.
  /// - Returns: HTML, UTF-8.
  /// - Throws: `SupportError.libraryFailure` when a picture cannot be written.
  public func html(_ item: RecognitionReportData, date: Date) throws -> String {
    ReportWriter.html(
      ReportDocument(
        title: item.title,
        subtitle: "\(Self.text(of: date)) \u{00B7} lamina \(Version.current)",
        sections: try recognition(item)
      )
    )
  }

  /// The sections of what a network says of whole images.
  func recognition(_ item: RecognitionReportData) throws -> [ReportSection] {
    var sections: [ReportSection] = []
    var first: [ReportBlock] = [
      .table(facts("What was done", item.facts.map { ($0.name, .text($0.value)) }))
    ]
    first += item.notes.map { .note($0) }
    sections.append(ReportSection("Recognition", first))
    var results: [ReportBlock] = []
    if !item.results.isEmpty {
      results.append(.table(table("Over all \(item.things)", item.results)))
    }
    if !item.classRows.isEmpty { results.append(.table(classTable(item.classRows, item.things))) }
    if let confusion = item.confusion { results.append(.table(confusionTable(confusion))) }
    results += item.curves.map { .chart($0) }
    if !results.isEmpty { sections.append(ReportSection("Results", results)) }
    if !item.subgroups.isEmpty {
      sections.append(
        ReportSection(
          "Subgroups",
          [
            .table(table("Accuracy by subgroup", item.subgroups)),
            .note(
              "A model that is worse for one group than for another must not be used where that matters."
                + " Wide intervals say that a group is too small to tell."
            ),
          ]
        )
      )
    }
    for group in item.pictures where !group.pictures.isEmpty {
      sections.append(
        ReportSection(
          group.heading,
          [
            .figures(try group.pictures.map { try figure($0) }, legend: []),
            .note(group.note),
          ]
        )
      )
    }
    if let cases = item.cases {
      sections.append(
        ReportSection(
          item.things.capitalized,
          [
            .table(
              ReportTable(
                caption: "All \(item.things)",
                columns: cases.columns.enumerated().map { .init($1, isNumeric: $0 > 2) },
                rows: cases.rows.map { row in row.map { .text($0) } }
              )
            )
          ]
        )
      )
    }
    return sections
  }

  /// What moved the scores of segmented structures; nil where nothing was explained.
  func explanations(_ parts: Parts) throws -> ReportSection? {
    var blocks: [ReportBlock] = []
    for item in parts.segmentations {
      for group in item.explanations where !group.pictures.isEmpty {
        let name =
          parts.segmentations.count > 1 ? "\(item.caseID): \(group.heading)" : group.heading
        blocks += [
          .subheading(name), .figures(try group.pictures.map { try figure($0) }, legend: []),
          .note(group.note),
        ]
      }
    }
    return blocks.isEmpty ? nil : ReportSection("What moved the scores", blocks)
  }

  private func figure(_ picture: RecognitionReportData.Picture) throws -> ReportFigure {
    ReportFigure(
      png: try picture.image.png(),
      size: [picture.image.width, picture.image.height],
      widthMM: nil,
      alternative: picture.caption,
      caption: picture.caption,
      edges: []
    )
  }

  private func number(_ row: RecognitionReportData.Row) -> ReportTable.Cell {
    guard let value = row.value else {
      return .undefined(reason: "there is no image of the kind")
    }
    let bounds = row.interval.map {
      " (\(ReportNumber.significant($0[0])) to \(ReportNumber.significant($0[1])))"
    }
    return .number(ReportNumber.significant(value, 4) + (bounds ?? ""))
  }

  private func table(_ caption: String, _ rows: [RecognitionReportData.Row]) -> ReportTable {
    ReportTable(
      caption: caption,
      columns: [
        .init("Quantity", isNumeric: false), .init("Value (95 % interval)"), .init("n"),
      ],
      rows: rows.map { [.text($0.name), number($0), .text($0.n.map(String.init) ?? "")] }
    )
  }

  private func classTable(
    _ rows: [RecognitionReportData.ClassRow],
    _ things: String
  ) -> ReportTable {
    ReportTable(
      caption: "Each class against the others (exact intervals; that of the area by DeLong)",
      columns: [.init("Class", isNumeric: false), .init(things.capitalized)]
        + Self.classColumns.map { .init($0) },
      rows: rows.map { row in
        [.text(row.name), .number("\(row.count)")] + row.values.map { number($0) }
      }
    )
  }

  private func confusionTable(_ confusion: (names: [String], counts: [[Int]])) -> ReportTable {
    ReportTable(
      caption: "What was told (columns) of images of each class (rows)",
      columns: [.init("True class", isNumeric: false)] + confusion.names.map { .init($0) },
      rows: zip(confusion.names, confusion.counts).map { name, row in
        [.text(name)] + row.map { .number("\($0)") }
      }
    )
  }
}
