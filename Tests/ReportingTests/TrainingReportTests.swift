import Foundation
import Imaging
import Reporting
import Support
import Testing

@Suite struct TrainingReportTests {
  private let table = [
    LabelDefinition(id: 4, name: "ball", color: LabelDefinition.defaultColor(0))
  ]

  private func slice(_ caption: String) throws -> TrainingReportData.SliceRecord {
    let geometry = try ImageGeometry(
      size: [12, 8, 1],
      spacing: [1, 2, 1],
      origin: [0, 0, 0],
      direction: Orientation.lps.direction
    )
    func map(_ columns: Range<Int>) -> LabelMap {
      LabelMap(
        geometry: geometry,
        labels: (0..<96).map { columns.contains($0 % 12) && $0 > 24 ? 4 : 0 },
        table: table
      )
    }
    return TrainingReportData.SliceRecord(
      scan: Volume(geometry: geometry, voxels: (0..<96).map { Float(2 * $0) }),
      labels: map(3..<7),
      reference: map(4..<8),
      caption: caption
    )
  }

  private func data() -> TrainingReportData {
    TrainingReportData(
      modelName: "balls",
      facts: [("Network", "unet")],
      curves: [
        .init(
          title: "Dice of 2 held-out cases",
          lines: [.init(label: "ball", points: [[100, 0.2], [200, 0.8]])],
          xLabel: "step"
        )
      ],
      provenance: ProvenanceRecord(programVersion: "1")
    )
  }

  @Test func timesAddUpAndHaveShares() throws {
    var item = data()
    item.timings = [("Steps", 90), ("Waiting for data", 9), ("Looks at held-out cases", 1)]
    let section = try ReportBuilder().document([.training(item)], date: Date()).sections
      .first { $0.heading == "Training: balls" }
    let tables = (section?.blocks ?? []).compactMap { block -> ReportTable? in
      if case .table(let table) = block { table } else { nil }
    }
    let table = try #require(tables.first { $0.caption == "Where the time went" })
    let rows = table.groups.flatMap(\.rows)
    #expect(
      rows.map { $0[0] } == [
        .text("Steps"), .text("Waiting for data"), .text("Looks at held-out cases"), .text("All"),
      ]
    )
    #expect(
      rows.map { $0[2] } == [.number("90.0"), .number("9.0"), .number("1.0"), .number("100.0")]
    )
  }

  @Test func slicesStandUnderTheirHeadingsWithTheReference() throws {
    var item = data()
    item.progress = [try slice("step 100"), try slice("step 200")]
    item.worst = [try slice("ball_3, slice 5 of 9")]
    let blocks = try #require(
      try ReportBuilder().document([.training(item)], date: Date()).sections
        .first { $0.heading == "Training: balls" }
    ).blocks
    let figures = blocks.compactMap { block -> ([ReportFigure], [LegendEntry])? in
      if case .figures(let figures, let legend) = block { (figures, legend) } else { nil }
    }
    #expect(
      figures.map { $0.0.map(\.caption) } == [
        ["step 100", "step 200"], ["ball_3, slice 5 of 9"],
      ]
    )
    #expect(figures[0].1.map(\.label) == ["ball", "reference (outline)"])
    // 12 x 1 mm by 8 x 2 mm: the taller side has 300 pixels.
    #expect(figures[0].0[0].size == [225, 300])
    #expect(figures[0].0[0].edges == ["R", "L", "A", "P"])
  }

  @Test func picturesHaveNeitherSidesNorMillimetres() throws {
    let one = try slice("step 100")
    var item = data()
    item.progress = [
      TrainingReportData.SliceRecord(
        scan: one.scan,
        labels: one.labels,
        reference: one.reference,
        caption: "step 100",
        isPicture: true
      )
    ]
    let html = try ReportBuilder().html([.training(item)], date: Date())
    #expect(html.contains("segmentation of one picture."))
    #expect(!html.contains("class=\"edge") && !html.contains("class=\"scale\""))
    item.progress = [one]
    let scan = try ReportBuilder().html([.training(item)], date: Date())
    #expect(scan.contains("class=\"edge") && scan.contains("class=\"scale\""))
  }

  @Test func aTrainingWithoutPicturesHasNoHeadingsForThem() throws {
    let html = try ReportBuilder().html([.training(data())], date: Date())
    #expect(!html.contains("worst held-out") && !html.contains("along the run"))
  }
}
