import Evaluation
import Foundation
import Imaging

/// Looks for what may be wrong with a segmentation, by rules that the page states.
struct QualityCheck {
  /// More pieces than this are many, when the largest holds less than `mainShare`.
  static let manyPieces = 3
  /// The share of the voxels that a whole structure has in its largest piece.
  static let mainShare = 0.95
  /// A mean probability below this is low.
  static let lowConfidence = 0.8

  /// What was noticed about a structure.
  struct Finding: Equatable {
    let label: Int
    /// A few words for a table.
    let flag: String
    /// A sentence with the numbers.
    let sentence: String
  }

  /// The rules in words.
  static func rules(_ item: SegmentationReportData) -> String {
    var text =
      "Flagged are structures that reach the edge of the scan; that are in more than one piece with "
      + "less than \(Int(100 * mainShare)) % of the voxels in the largest, or in more than "
      + "\(manyPieces) pieces; and pairs named left and right whose middles lie the other way round."
    let sources = Set(item.expectations.map(\.source)).sorted()
    text +=
      sources.isEmpty
      ? " No ranges of plausible volumes or positions were given."
      : " Plausible ranges are those of \(sentenceList(sources))."
    text +=
      item.confidence.isEmpty
      ? " Confidence was not given."
      : " A mean probability below \(ReportNumber.fixed(lowConfidence, 2)) is low."
    return text
  }

  static func findings(
    _ item: SegmentationReportData,
    _ profiles: [Int: StructureProfile]
  ) -> [Finding] {
    item.statistics.flatMap { entry in
      border(entry) + pieces(entry, profiles[entry.label]) + ranges(entry, item)
        + confidence(entry, item)
    } + sides(item)
  }

  private static func border(_ entry: StructureStatistics) -> [Finding] {
    guard entry.touchesBorder else { return [] }
    return [
      Finding(
        label: entry.label,
        flag: "reaches the edge of the scan",
        sentence: "\(entry.name) reaches the edge of the scan and may be cut off there."
      )
    ]
  }

  private static func pieces(
    _ entry: StructureStatistics,
    _ profile: StructureProfile?
  ) -> [Finding] {
    guard entry.components > 1, let share = profile?.largestShare else { return [] }
    guard entry.components > manyPieces || share < mainShare else { return [] }
    return [
      Finding(
        label: entry.label,
        flag: "\(entry.components) pieces",
        sentence: "\(entry.name) is in \(entry.components) pieces; the largest has "
          + "\(ReportNumber.fixed(100 * share, 1)) % of its voxels."
      )
    ]
  }

  private static func ranges(
    _ entry: StructureStatistics,
    _ item: SegmentationReportData
  ) -> [Finding] {
    var findings: [Finding] = []
    for expected in item.expectations where expected.name == entry.name && expected.isValid {
      if let range = expected.volumeML, entry.voxels > 0,
        !(range[0]...range[1]).contains(entry.volumeML)
      {
        findings.append(
          Finding(
            label: entry.label,
            flag: "implausible volume",
            sentence: "\(entry.name) has "
              + ReportNumber.with(ReportNumber.millilitres(entry.volumeML), unit: "ml")
              + ", outside \(ReportNumber.millilitres(range[0])) to "
              + ReportNumber.with(ReportNumber.millilitres(range[1]), unit: "ml")
              + " (\(expected.source))."
          )
        )
      }
      if let ranges = expected.position, let place = relativePlace(entry, item) {
        let axes = ["from right to left", "from front to back", "from feet to head"]
        for axis in 0..<3 where !(ranges[axis][0]...ranges[axis][1]).contains(place[axis]) {
          findings.append(
            Finding(
              label: entry.label,
              flag: "implausible position",
              sentence: "The middle of \(entry.name) lies at "
                + "\(ReportNumber.fixed(100 * place[axis], 0)) % of the segmented region "
                + "\(axes[axis]), outside \(ReportNumber.fixed(100 * ranges[axis][0], 0)) to "
                + "\(ReportNumber.fixed(100 * ranges[axis][1], 0)) % (\(expected.source))."
            )
          )
        }
      }
    }
    return findings
  }

  /// The middle of a structure as shares of the box around all structures, in LPS.
  private static func relativePlace(
    _ entry: StructureStatistics,
    _ item: SegmentationReportData
  ) -> SIMD3<Double>? {
    guard let centre = entry.centroidMM else { return nil }
    let geometry = item.labelMap.geometry
    var low = SIMD3<Double>(repeating: .infinity)
    var high = SIMD3<Double>(repeating: -.infinity)
    for other in item.statistics {
      guard let first = other.boxLow, let last = other.boxHigh else { continue }
      for corner in 0..<8 {
        let index = SIMD3<Double>(
          Double((corner & 1 == 0 ? first : last)[0]),
          Double((corner & 2 == 0 ? first : last)[1]),
          Double((corner & 4 == 0 ? first : last)[2])
        )
        let point = geometry.position(ofIndex: index)
        low = pointwiseMin(low, point)
        high = pointwiseMax(high, point)
      }
    }
    let extent = high - low
    guard extent.min() > 0 else { return nil }
    return (SIMD3(centre[0], centre[1], centre[2]) - low) / extent
  }

  private static func confidence(
    _ entry: StructureStatistics,
    _ item: SegmentationReportData
  ) -> [Finding] {
    guard let mean = item.confidence[entry.label], mean < lowConfidence else { return [] }
    return [
      Finding(
        label: entry.label,
        flag: "low confidence",
        sentence: "The model's mean probability in \(entry.name) is \(ReportNumber.fixed(mean, 2))."
      )
    ]
  }

  /// Structures whose names differ in left and right alone must lie that way: x of LPS grows to the
  /// patient's left.
  private static func sides(_ item: SegmentationReportData) -> [Finding] {
    item.statistics.compactMap { entry in
      let name = entry.name.lowercased()
      guard name.contains("left"), let x = entry.centroidMM?.first else { return nil }
      let partner = name.replacingOccurrences(of: "left", with: "right")
      guard let other = item.statistics.first(where: { $0.name.lowercased() == partner }),
        let otherX = other.centroidMM?.first, x < otherX
      else { return nil }
      return Finding(
        label: entry.label,
        flag: "sides exchanged",
        sentence: "\(entry.name) lies to the right of \(other.name); the sides may be exchanged."
      )
    }
  }
}
