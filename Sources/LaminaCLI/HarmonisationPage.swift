import Enhancement
import Foundation
import Reporting
import Stylization
import Support

/// A scan's part of the answer of `lamina vision stylise harmonise`.
struct HarmonisedCase: Encodable {
  /// The scan's name.
  let id: String
  /// "done" or "failed".
  let status: String
  /// What changed; nil where it failed.
  var change: HarmonizationChange?
  /// What became of a segmentation, or nil.
  var segmentation: SegmentationChange?
  /// Why it failed, one sentence, or nil.
  var error: String?
  /// For the page.
  var pictures: ReportSection?

  private enum CodingKeys: String, CodingKey { case id, status, change, segmentation, error }

  /// The numbers for the terminal.
  var lines: [String] {
    (change.map { ["  \(id): \(Self.words($0))"] } ?? []) + (segmentation?.lines ?? [])
  }

  /// What became of it.
  var words: String { error ?? change.map { Self.words($0) } ?? "" }

  private static func words(_ change: HarmonizationChange) -> String {
    func number(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 4) } ?? "undefined"
    }
    func percent(_ value: Double?) -> String { number(value) + (value == nil ? "" : " %") }
    return "distance \(percent(change.distanceBefore)) before, \(percent(change.distanceScaled)) "
      + "scaled, \(percent(change.distanceAfter)) after; SSIM \(number(change.quality.ssim)), gradients "
      + "\(number(change.gradientCorrelation)), Dice of tissues "
      + change.tissueDice.map { number($0) }.joined(separator: ", ")
  }
}

/// The page of `lamina vision stylise harmonise`.
enum HarmonisationPage {
  /// No more scans than this are shown in pictures.
  static let shownCount = 8

  /// Middle slices of a scan before and after, both on the scale after.
  /// - Parameters:
  ///   - result: The scan.
  ///   - item: Its part of the answer.
  /// - Returns: A section that bears the scan's name.
  /// - Throws: `SupportError.libraryFailure` when a picture cannot be written.
  static func pictures(
    of result: HarmonizationRun.Result,
    _ item: HarmonisedCase
  ) throws -> ReportSection {
    var data = EnhancementReportData(
      name: item.id,
      before: result.beforeOnScale,
      after: result.after,
      reference: nil,
      isPicture: result.enhanced.after.isPicture,
      warning: EnhancementRecord.standardWarning
    )
    data.structures = item.segmentation?.report
    var section = try ReportBuilder().picturesOfCase(data)
    section.blocks.append(
      .note("Before is shown on the scale of after, to which the best straight line brings it.")
    )
    return section
  }

  /// Makes the page.
  /// - Parameters:
  ///   - cases: The scans.
  ///   - facts: What was done, by name.
  ///   - date: When the page was made.
  /// - Returns: HTML, UTF-8.
  static func html(
    _ cases: [HarmonisedCase],
    facts: [(name: String, value: String)],
    date: Date
  ) -> String {
    let warnings = cases.flatMap { one in
      (one.change?.warnings ?? []).map { "\(one.id): \($0)" }
    }
    let done = ReportTable(
      caption: "What was done",
      columns: [.init("What", isNumeric: false), .init("Value", isNumeric: false)],
      rows: facts.map { [.text($0.name), .text($0.value)] }
    )
    let scans = ReportTable(
      caption: "All scans",
      columns: [.init("Scan", isNumeric: false), .init("What became of it", isNumeric: false)],
      rows: cases.map { [.text($0.id), .text($0.words)] }
    )
    return ReportWriter.html(
      ReportDocument(
        title: "Scans harmonised",
        subtitle: "\(date.formatted(.iso8601)) \u{00B7} lamina \(Version.current)",
        sections: [
          ReportSection("Harmonisation", [.problems(warnings), .table(done)]),
          ReportSection("Results", [.table(means(cases.compactMap(\.change)))]),
          ReportSection("Scans", [.table(scans)]),
        ] + cases.compactMap(\.pictures)
      )
    )
  }

  /// Means over the scans in which a quantity is defined.
  private static func means(_ changes: [HarmonizationChange]) -> ReportTable {
    func row(_ name: String, _ value: (HarmonizationChange) -> Double?) -> [ReportTable.Cell] {
      let found = changes.compactMap(value)
      let mean = found.reduce(0, +) / Double(max(1, found.count))
      return [
        .text(name),
        found.isEmpty
          ? .undefined(reason: "no scan has enough values, or differs from itself")
          : .number(ReportNumber.significant(mean, 4)),
        .number("\(found.count)"),
      ]
    }
    var rows = [
      row("Distance from the reference before, % of its range") { $0.distanceBefore },
      row("Distance when scaled alone, %") { $0.distanceScaled },
      row("Distance after, %") { $0.distanceAfter },
      row("PSNR against itself, dB") { $0.quality.psnr },
      row("SSIM against itself") { $0.quality.ssim },
      row("Correlation of gradients") { $0.gradientCorrelation },
    ]
    for tissue in 0..<HarmonizationChange.tissueCount {
      rows.append(
        row("Dice of tissue \(tissue + 1), before and after") { $0.tissueDice[tissue] }
      )
    }
    return ReportTable(
      caption: "Means over the scans in which a quantity is defined",
      columns: [.init("Quantity", isNumeric: false), .init("Mean"), .init("Scans")],
      rows: rows
    )
  }
}
