import Evaluation
import Imaging

extension ReportBuilder {
  /// The scans as they came in.
  func inputs(_ parts: Parts) -> ReportSection {
    let several = parts.segmentations.count > 1
    var blocks: [ReportBlock] = []
    if several {
      blocks.append(
        .table(
          ReportTable(
            caption: "Scans",
            columns: [
              .init("Scan", isNumeric: false), .init("Voxels"), .init("Voxel size", unit: "mm"),
              .init("Field of view", unit: "mm"), .init("Axes", isNumeric: false),
              .init("Values"),
            ],
            rows: parts.segmentations.map { item in
              [.text(item.caseID)] + Self.facts(item).map { .number($0.1) }
            }
          )
        )
      )
    } else if let item = parts.segmentations.first {
      blocks.append(
        .table(
          facts("The scan", (item.inputFacts + Self.facts(item)).map { ($0.0, .text($0.1)) })
        )
      )
    }
    let problems = parts.inputProblems
    blocks.append(
      problems.isEmpty
        ? .note("Nothing was noticed when the input was read.") : .problems(problems)
    )
    return ReportSection("Input", blocks)
  }

  private static func facts(
    _ item: SegmentationReportData
  ) -> [(name: String, value: String)] {
    let geometry = item.labelMap.geometry
    func list(_ values: [Double], _ decimals: Int) -> String {
      values.map { ReportNumber.significant($0, decimals).withoutTrailingZeros }
        .joined(separator: " \u{00D7} ")
    }
    let axes = geometry.isPlanar ? 2 : 3
    let size = Array(geometry.size.list.prefix(axes))
    let spacing = Array(geometry.spacing.list.prefix(axes))
    let sorted = item.scan.map { ViewerWindows.sorted($0.voxels) } ?? []
    let values: String
    if let first = sorted.first, let last = sorted.last {
      let ends = [first, last].map { ReportNumber.significant(Double($0)) }
      values = ReportNumber.with(ends.joined(separator: " to "), unit: item.intensityUnit)
    } else {
      values = "not at hand"
    }
    return [
      ("Voxels", size.map(String.init).joined(separator: " \u{00D7} ")),
      ("Voxel size", ReportNumber.with(list(spacing, 3), unit: "mm")),
      (
        "Field of view",
        ReportNumber.with(list(zip(size, spacing).map { Double($0) * $1 }, 3), unit: "mm")
      ),
      ("Axes", "\(geometry.orientation)"),
      ("Values", values),
    ]
  }

  /// What may be wrong with the segmentations.
  func quality(
    _ parts: Parts,
    _ findings: [[QualityCheck.Finding]]
  ) -> ReportSection {
    let several = parts.segmentations.count > 1
    let sentences = zip(parts.segmentations, findings).flatMap { item, found in
      found.map { several ? "\(item.caseID): \($0.sentence)" : $0.sentence }
    }
    let rules = Set(parts.segmentations.map(QualityCheck.rules)).sorted()
    return ReportSection(
      "Quality",
      [sentences.isEmpty ? .paragraph("Nothing was flagged.") : .problems(sentences)]
        + rules.map { .note($0) }
    )
  }
}
