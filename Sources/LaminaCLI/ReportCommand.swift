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
      costs its pictures, which is said. More than \(ReportBuilder.maximumPictured) scans get pages \
      of their own, in the folder NAME-pages beside NAME.html.
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

  @Option(
    help: ArgumentHelp(
      "Unit of the scans' values, such as HU (default: what the scans say).",
      valueName: "unit"
    )
  )
  var unit: String?

  @Option(
    help: ArgumentHelp(
      "Plausible volumes and positions: a JSON list of {name, volumeML: [low, high], position: "
        + "[[low, high], ...], source}; positions as shares of the segmented region (default: none).",
      valueName: "file"
    )
  )
  var ranges: String?

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
    let pages: Int
    let segmentations: Int
    let evaluations: Int
    let trainings: Int
    let benchmarks: Int
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let date = Date()
    let pages = CasePages(report: output, outputs: context.outputs, date: date)
    var options = ReportInputs.Options()
    options.intensityUnit = unit
    options.expectations = try ranges.map(Self.expectations) ?? []
    let inputs = try ReportInputs(
      results,
      options: options,
      links: pages,
      progress: context.progress,
      interruption: context.interruption
    )
    context.progress.begin("writing the report", total: nil)
    let made = try ReportBuilder().pages(
      inputs.items,
      title: title,
      introduction: introduction,
      report: pages.reportName,
      folder: pages.folderName,
      date: date
    )
    context.progress.end()
    for page in made.linked { try pages.write(page) }
    try context.outputs.write(Data(made.main.utf8), to: output)
    try context.confirm(
      Answer(
        report: output,
        pages: inputs.linkedCases.count + made.linked.count,
        segmentations: inputs.segmentations.count + inputs.linkedCases.count,
        evaluations: inputs.evaluations.count,
        trainings: inputs.trainings.count,
        benchmarks: inputs.benchmarks.count
      )
    ) { "Wrote \(output)" }
    return .complete
  }

  /// Reads the file of `--ranges`.
  private static func expectations(_ path: String) throws -> [StructureExpectation] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    guard let list = try? JSONDecoder().decode([StructureExpectation].self, from: data) else {
      throw ReportInputError.damagedRanges(path: path, reason: "it is no list of ranges")
    }
    if let wrong = list.first(where: { !$0.isValid }) {
      throw ReportInputError.damagedRanges(
        path: path,
        reason: "the ranges of \(wrong.name) are not pairs of a lower and a higher number"
      )
    }
    return list
  }
}
