import ArgumentParser
import Foundation
import Reporting

/// Where the measurements of `lamina vision` go.
struct MeasurementOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json file for the results.", valueName: "file")
  )
  var output: String

  @Option(help: ArgumentHelp("A page, .html.", valueName: "file"))
  var report: String?

  func validate() throws {
    if !output.lowercased().hasSuffix(".json") {
      throw ValidationError("--output must end in .json.")
    }
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
  }

  /// Checks that nothing would be lost.
  /// - Parameter context: Where to write.
  /// - Throws: `SupportError.outputExists`.
  func check(in context: CommandContext) throws {
    for path in [output, report].compactMap(\.self) { try context.outputs.check(path) }
  }

  /// Writes the results, and the page if it is wanted.
  /// - Parameters:
  ///   - results: What was measured.
  ///   - context: Where to write.
  ///   - page: Makes the page.
  /// - Throws: `SupportError.unwritable`; what making the page throws.
  func write(
    _ results: some Encodable,
    in context: CommandContext,
    page: () throws -> RecognitionReportData
  ) throws {
    try context.outputs.write(try JSONOutput.data(results), to: output)
    guard let report else { return }
    let html = try ReportBuilder().html(page(), date: Date())
    try context.outputs.write(Data(html.utf8), to: report)
  }
}
