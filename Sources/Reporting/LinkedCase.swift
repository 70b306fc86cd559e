import Evaluation
import Foundation
import Imaging

/// A segmented scan whose page stands beside the report: what the report says about it.
///
/// It holds no voxels, so that a report of hundreds of scans needs the memory of one.
public struct LinkedCase: Sendable {
  /// The case's name.
  public let caseID: String
  /// The page's address from the report, such as "report-pages/case-0001.html".
  public let address: String
  /// The measurements.
  public let statistics: [StructureStatistics]
  /// The structures.
  public let table: [LabelDefinition]
  /// What the user should know about the input.
  public let problems: [String]
  /// What was noticed about the segmentation, one sentence each.
  public let findings: [String]
  /// What made it.
  public let provenance: ProvenanceRecord
  /// The model card, Markdown.
  public let modelCard: String?
  /// Small pictures, shown when the case is among the worst.
  let figures: [ReportFigure]
  let legend: [LegendEntry]
}

/// A page that the report links to.
public struct LinkedPage: Sendable {
  /// The file's name in the folder of pages.
  public let name: String
  /// HTML, UTF-8.
  public let html: String
}

/// A report and the pages that it links to.
public struct ReportPages: Sendable {
  /// The report, HTML.
  public let main: String
  /// The pages of its folder.
  public let linked: [LinkedPage]
}

extension ReportBuilder {
  /// The small pictures' longer side, pixels.
  private static let smallSide = 260

  /// The page of one scan of many, and what the report says about it.
  /// - Parameters:
  ///   - item: The segmented scan.
  ///   - number: The scan's number, from 1, which makes its page's name unique.
  ///   - folder: The folder of pages, from the report's own folder.
  ///   - report: The report's file name, to which the page leads back.
  ///   - date: When the page was made.
  /// - Returns: What goes into the report, and the page.
  /// - Throws: `ImagingError.gridMismatch` when a scan and its labels lie on different grids.
  public func linkedCase(
    _ item: SegmentationReportData,
    number: Int,
    folder: String,
    report: String,
    date: Date
  ) throws -> (LinkedCase, LinkedPage) {
    let digits = String(number)
    let name =
      "case-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".html"
    var document = try document([.segmentation(item)], date: date)
    document.back = ReportDocument.Link("Back to the report", to: "../" + Self.address(report))
    let profiles = StructureProfile.profiles(of: item.labelMap)
    let small = ReportBuilder(renderer: OverlayRenderer(longerSide: Self.smallSide))
    let linked = LinkedCase(
      caseID: item.caseID,
      address: Self.address(folder) + "/" + name,
      statistics: item.statistics,
      table: item.labelMap.table,
      problems: item.problems,
      findings: QualityCheck.findings(item, profiles).map(\.sentence),
      provenance: item.provenance,
      modelCard: item.modelCard,
      figures: try small.smallFigures(item),
      legend: legend(item)
    )
    return (linked, LinkedPage(name: name, html: ReportWriter.html(document)))
  }

  /// The axial and the coronal slice that show most, or in which the reference differs most.
  func smallFigures(_ item: SegmentationReportData) throws -> [ReportFigure] {
    guard let scan = item.scan else { return [] }
    let window = window(item, scan)
    return try BodyPlane.shown(scan.geometry).map { plane in
      let view = SliceView(scan.geometry, plane: plane)
      let slice = item.reference.flatMap {
        view.mostDifferentSlice(item.labelMap.labels, $0.labels)
      }
      return try figure(item, scan, plane, slice, window)
    }
  }

  /// A file name as part of an address.
  static func address(_ name: String) -> String {
    name.addingPercentEncoding(
      withAllowedCharacters: CharacterSet.urlPathAllowed.subtracting(
        CharacterSet(charactersIn: ":")
      )
    ) ?? name
  }
}
