import Foundation
import Reporting
import Support

/// The folder of pages beside a report, which is made when the first page comes.
struct CasePages {
  /// The report's file name.
  let reportName: String
  /// The folder's name.
  let folderName: String
  private let folder: String
  private let outputs: OutputGuard
  private let date: Date

  /// The pages of a report.
  /// - Parameters:
  ///   - report: The report's path.
  ///   - outputs: Writes the pages.
  ///   - date: When the report is made.
  init(report: String, outputs: OutputGuard, date: Date) {
    let url = URL(fileURLWithPath: report)
    reportName = url.lastPathComponent
    folderName = url.deletingPathExtension().lastPathComponent + "-pages"
    folder = url.deletingLastPathComponent().appendingPathComponent(folderName).path
    self.outputs = outputs
    self.date = date
  }

  /// Writes a page into the folder.
  /// - Parameter page: The page.
  /// - Throws: `SupportError.unwritable` when it exists, without `--force`, or the system refuses.
  func write(_ page: LinkedPage) throws {
    try outputs.write(Data(page.html.utf8), to: folder + "/" + page.name)
  }

  /// Makes and writes the page of a scan.
  /// - Parameters:
  ///   - item: The scan.
  ///   - number: Its number, from 1.
  /// - Returns: What the report says about it.
  /// - Throws: What making and writing the page throw.
  func write(_ item: SegmentationReportData, number: Int) throws -> LinkedCase {
    let (linked, page) = try ReportBuilder().linkedCase(
      item,
      number: number,
      folder: folderName,
      report: reportName,
      date: date
    )
    try write(page)
    return linked
  }
}
