import Evaluation
import Foundation
import Imaging
import Reporting
import Testing

struct QualityReportTests {
  private func data(
    _ label: (SIMD3<Int>) -> UInt16,
    names: [String]
  ) throws -> SegmentationReportData {
    let geometry = try ImageGeometry(
      size: [20, 10, 10],
      spacing: [1, 1, 2],
      origin: .zero,
      direction: .identity
    )
    var labels: [UInt16] = []
    for z in 0..<10 { for y in 0..<10 { for x in 0..<20 { labels.append(label([x, y, z])) } } }
    let map = LabelMap(
      geometry: geometry,
      labels: labels,
      table: names.enumerated().map {
        LabelDefinition(id: $0 + 1, name: $1, color: LabelDefinition.defaultColor($0))
      }
    )
    return SegmentationReportData(
      caseID: "c",
      scan: nil,
      labelMap: map,
      statistics: try StructureStatistics.measure(map, scan: nil),
      provenance: ProvenanceRecord(programVersion: "0")
    )
  }

  private func page(_ data: SegmentationReportData) throws -> String {
    let page = try builder().html([.segmentation(data)], date: sampleDate)
    #expect(Markup.problems(page) == [])
    return page
  }

  /// Two blocks of 4 x 4 x 4 voxels, the first at low x, the second at high x.
  private static func blocks(_ index: SIMD3<Int>) -> UInt16 {
    guard (3...6).contains(index.y), (3...6).contains(index.z) else { return 0 }
    return (3...6).contains(index.x) ? 1 : (13...16).contains(index.x) ? 2 : 0
  }

  @Test func nothingIsFlaggedWithoutAReason() throws {
    let page = try page(data(Self.blocks, names: ["right kidney", "left kidney"]))
    #expect(page.contains("Nothing was flagged."))
    #expect(page.contains("No problem was noticed."))
    #expect(page.contains("No ranges of plausible volumes or positions were given."))
  }

  @Test func exchangedSidesAreFlagged() throws {
    // x of LPS grows to the patient's left, where the right kidney must not lie.
    let page = try page(data(Self.blocks, names: ["left kidney", "right kidney"]))
    #expect(page.contains("left kidney lies to the right of right kidney"))
    #expect(page.contains("1 remark needs a look: see Quality."))
  }

  @Test func edgesAndPiecesAreFlagged() throws {
    let page = try page(
      data(
        { $0.x < 2 && $0.y < 2 ? 1 : $0.x > 5 && $0.x % 3 == 0 && $0.y == 5 ? 2 : 0 },
        names: ["a", "b"]
      )
    )
    #expect(page.contains("a reaches the edge of the scan and may be cut off there."))
    #expect(page.contains("b is in 5 pieces; the largest has 20.0 % of its voxels."))
    #expect(page.contains(">reaches the edge of the scan</span>"))
  }

  @Test func implausibleVolumesAndPositionsAreFlaggedWithTheirSource() throws {
    var item = try data(Self.blocks, names: ["a", "b"])
    // Both have 64 voxels of 2 mm³.
    item.expectations = [
      StructureExpectation(name: "a", volumeML: [0.5, 2], source: "the training data"),
      StructureExpectation(
        name: "b",
        volumeML: [0.1, 0.2],
        position: [[0, 0.5], [0, 1], [0, 1]],
        source: "the training data"
      ),
    ]
    let page = try page(item)
    #expect(
      page.contains("a has 0.13\u{202F}ml, outside 0.50 to 2.00\u{202F}ml (the training data).")
    )
    #expect(page.contains("The middle of b lies at"))
    #expect(page.contains("from right to left, outside 0 to 50 % (the training data)."))
    #expect(!page.contains("b has 0.13"))
    item.expectations = [StructureExpectation(name: "a", volumeML: [2, 0.5], source: "s")]
    #expect(!item.expectations[0].isValid)
    #expect(try self.page(item).contains("Nothing was flagged."))
  }

  @Test func lowConfidenceIsFlagged() throws {
    var item = try data(Self.blocks, names: ["a", "b"])
    item.confidence = [1: 0.95, 2: 0.61]
    let page = try page(item)
    #expect(page.contains("The model&#39;s mean probability in b is 0.61."))
    #expect(!page.contains("mean probability in a"))
  }

  @Test func confidenceIsAColumnThatSaysThatItIsNotCalibrated() throws {
    var item = try data(Self.blocks, names: ["a", "b"])
    #expect(!(try page(item)).contains("Confidence</th>"))
    item.confidence = [1: 0.951]
    let page = try page(item)
    #expect(page.contains(">0.95<"))
    #expect(page.contains("undefined: the model gave none"))
    #expect(page.contains("It is not calibrated"))
  }

  @Test func totalsHaveTheirDefinitionAndAreKeyFigures() throws {
    var item = try data(Self.blocks, names: ["a", "b"])
    item.totals = [
      try #require(
        VolumeTotal(
          name: "Intracranial volume",
          labels: [1, 2],
          definition: "the sum of a & b",
          of: item.statistics
        )
      )
    ]
    let page = try page(item)
    #expect(page.contains("the sum of a &amp; b"))
    // Two blocks of 64 voxels of 2 mm³.
    #expect(page.contains("0.26\u{202F}ml"))
    #expect(page.contains("intracranial volume"))
  }

  @Test func measurementsHaveLengthsAndAreas() throws {
    let page = try page(data(Self.blocks, names: ["a", "b"]))
    // 4 voxels of 1 x 1 x 2 mm along each axis; an area of 16 mm² in each slice.
    #expect(page.contains("4.0 \u{00D7} 4.0 \u{00D7} 8.0"))
    #expect(page.contains("The largest: a 16.0\u{202F}mm\u{00B2} and b 16.0\u{202F}mm\u{00B2}."))
  }
}
