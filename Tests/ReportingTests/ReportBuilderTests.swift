import Evaluation
import Foundation
import Imaging
import Reporting
import Support
import Testing

struct ReportBuilderTests {
  @Test func pageIsWellFormedAndSelfContained() throws {
    let page = try builder().html(sampleItems(), date: sampleDate)
    #expect(Markup.problems(page) == [])
    let names = Markup.elementNames(page)
    #expect(names.isSuperset(of: ["main", "header", "footer", "nav", "section", "caption", "svg"]))
    #expect(names.isDisjoint(with: ["iframe", "object", "form"]))
    // Nothing is fetched: no address but data and anchors inside the page.
    for attribute in ["src=\"", "href=\""] {
      for part in page.split(separator: attribute).dropFirst() {
        #expect(part.hasPrefix("data:") || part.hasPrefix("#"), "\(part.prefix(40))")
      }
    }
    #expect(!page.contains("url(") && !page.contains("@import"))
    // One program, which the policy names, and data.
    #expect(page.ranges(of: "<script>").count == 1)
    #expect(page.ranges(of: "<script").count == 2)
  }

  @Test func theNoticeStandsOnEveryPage() throws {
    let empty = ReportWriter.html(ReportDocument(title: "", subtitle: "", sections: []))
    for page in [empty, try builder().html(sampleItems(), date: sampleDate)] {
      #expect(page.ranges(of: Version.disclaimer).count >= 3, "top, foot, and every printed page")
      #expect(
        page.contains("<aside class=\"notice\" aria-label=\"Notice\">\(Version.disclaimer)</aside>")
      )
    }
  }

  @Test func whatUsersNameIsEscapedEverywhere() throws {
    let page = try builder().html(
      sampleItems(caseID: hostile),
      title: hostile,
      introduction: hostile,
      date: sampleDate
    )
    #expect(Markup.problems(page) == [])
    #expect(!page.contains("<script>alert") && !page.contains("<img src=x"))
    #expect(!page.contains("\u{0}"))
    #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"))
    #expect(page.contains("&amp;amp;"))
  }

  @Test func undefinedValuesAreMarkedWithTheirReason() throws {
    let page = try builder().html(sampleItems(), date: sampleDate)
    #expect(page.contains("undefined: the reference is empty"))
    #expect(!page.lowercased().contains(">nan<") && !page.lowercased().contains(">inf<"))
  }

  @Test func numbersOfThePageAreThoseOfTheEvaluation() throws {
    let items = try sampleItems()
    let page = try builder().html(items, date: sampleDate)
    for case .evaluation(let data) in items {
      let dice = try #require(data.report.summary["1"]?["dice"]?.mean)
      #expect(page.contains(">\(ReportNumber.fixed(dice, 3))<"))
      let mean = try #require(data.report.foregroundMean["dice"] ?? nil)
      #expect(page.contains("<dd>\(ReportNumber.fixed(mean, 3))</dd>"))
    }
  }

  @Test func provenanceAndProblemsAreSaid() throws {
    let page = try builder().html(sampleItems(), date: sampleDate)
    for text in [
      "boxes 1.2.3", "case 1.nii.gz", "lamina segment case 1.nii.gz --model boxes --output out",
      "case 1: the slices are unevenly spaced by 0.2 mm", "label 2 (posterior): false alarm",
      "2025-03-14 09:26 UTC",
    ] {
      #expect(page.contains(HTMLText.escaped(text)), "\(text)")
    }
  }

  @Test func theSameItemsGiveTheSamePage() throws {
    let first = try builder().html(sampleItems(), date: sampleDate)
    #expect(try first == builder().html(sampleItems(), date: sampleDate))
  }

  @Test func picturesCarryTextForThoseWhoCannotSeeThem() throws {
    let document = try builder().document(sampleItems(), date: sampleDate)
    var figures: [ReportFigure] = []
    for block in document.sections.flatMap(\.blocks) {
      if case .figures(let shown, _) = block { figures += shown }
    }
    // Three planes, the slice that differs most from the reference, and surfaces from three sides.
    #expect(figures.count >= 7)
    #expect(
      figures.prefix(7).map(\.edges) == [
        ["R", "L", "A", "P"], ["R", "L", "S", "I"], ["A", "P", "S", "I"], ["R", "L", "A", "P"],
        ["R", "L", "S", "I"], ["A", "P", "S", "I"], ["L", "R", "A", "P"],
      ]
    )
    #expect(figures[0].alternative.contains("anterior and posterior marked"))
    #expect(figures[0].widthMM == 12 && figures[2].widthMM == 16)
  }

  @Test func aScanOnAnotherGridIsRefused() throws {
    let (_, labels) = try sampleScan()
    let geometry = try ImageGeometry(
      size: [2, 2, 2],
      spacing: [1, 1, 1],
      origin: .zero,
      direction: .identity
    )
    let data = SegmentationReportData(
      caseID: "a",
      scan: Volume(geometry: geometry, voxels: .init(repeating: 0, count: 8)),
      labelMap: labels,
      statistics: [],
      provenance: ProvenanceRecord(programVersion: "0")
    )
    #expect(throws: ImagingError.self) {
      try builder().html([.segmentation(data)], date: sampleDate)
    }
  }

  @Test func anEmptySegmentationStillMakesAPage() throws {
    var (scan, labels) = try sampleScan()
    labels.labels = .init(repeating: 0, count: labels.labels.count)
    scan.voxels = .init(repeating: .nan, count: scan.voxels.count)
    let data = SegmentationReportData(
      caseID: "a",
      scan: scan,
      labelMap: labels,
      statistics: try StructureStatistics.measure(labels, scan: scan),
      provenance: ProvenanceRecord(programVersion: "0")
    )
    let page = try builder().html([.segmentation(data)], date: sampleDate)
    #expect(Markup.problems(page) == [])
    #expect(page.contains("absent"))
  }
}

/// The escaping that a test expects, written apart from the program's.
enum HTMLText {
  static func escaped(_ text: String) -> String {
    text.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
      .split(separator: "<", omittingEmptySubsequences: false).joined(separator: "&lt;")
  }
}
