import ArgumentParser
import Foundation
import Pipelines
import Reporting
import Support

/// `lamina report`: results as one page.
struct ReportCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract:
      "Writes one self-contained HTML page from segmentations, evaluations, trainings and benchmarks.",
    discussion: """
      The page needs no network and no other file. Volumes are in ml, distances in mm. Scans are \
      read again for the pictures from where `lamina segment` found them; a scan that is gone \
      costs its pictures, which is said.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Result folders of `lamina segment`, folders of such, JSON files of `lamina evaluate`, "
        + "models of `lamina train`, JSON files of `lamina-bench`."
    )
  )
  var results: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("The page to make.", valueName: "file.html"))
  var output: String

  @Option(
    help: ArgumentHelp("Title of the page (default: made of the results).", valueName: "text")
  )
  var title: String?

  @Option(
    help: ArgumentHelp("A paragraph that opens the summary (default: none).", valueName: "text")
  )
  var introduction: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  func validate() throws {
    guard ["html", "htm"].contains(URL(fileURLWithPath: output).pathExtension.lowercased()) else {
      throw ValidationError("--output \(output) must end in .html.")
    }
  }

  private struct Answer: Encodable {
    let report: String
    let segmentations: Int
    let evaluations: Int
    let trainings: Int
    let benchmarks: Int
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let inputs = try ReportInputs(
      results,
      progress: context.progress,
      interruption: context.interruption
    )
    context.progress.begin("writing the report", total: nil)
    let html = try Self.html(inputs, title: title, introduction: introduction)
    context.progress.end()
    try context.outputs.write(Data(html.utf8), to: output)
    try context.confirm(
      Answer(
        report: output,
        segmentations: inputs.segmentations.count,
        evaluations: inputs.evaluations.count,
        trainings: inputs.trainings.count,
        benchmarks: inputs.benchmarks.count
      )
    ) { "Wrote \(output)" }
    return .complete
  }

  /// The page of inputs.
  /// - Parameters:
  ///   - inputs: What was read.
  ///   - title: The page's title, or nil for one made of the results.
  ///   - introduction: A paragraph that opens the summary, or nil.
  /// - Returns: HTML.
  /// - Throws: `ImagingError.gridMismatch` when a scan and its labels lie on different grids.
  static func html(
    _ inputs: ReportInputs,
    title: String?,
    introduction: String?
  ) throws -> String {
    try ReportBuilder().html(
      inputs.items,
      title: title,
      introduction: introduction,
      date: Date()
    )
  }
}
