import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision classify evaluate`.
struct VisionClassifyEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model on labelled images.",
    discussion: "DATA is as for train; classes are matched by name."
  )

  @Argument(help: "Folder, table or .npz.")
  var data: String

  @OptionGroup var ensemble: RecognitionEnsembleOptions

  @OptionGroup var split: SplitOptions

  @OptionGroup var measurement: MeasurementOptions
  @Option(help: ArgumentHelp("Slices of each volume, from its middle half.", valueName: "n"))
  var slices = 8

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(1...1000).contains(slices) { throw ValidationError("--slices must be 1 to 1000.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let recognizer = try ensemble.recognizer(slicesPerVolume: slices)
    let images = try split.part(
      of: LabelledImages(path: data, slicesPerVolume: slices),
      path: data
    )
    let (evaluation, problems) = try recognizer.evaluate(
      images,
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in problems { context.progress.warn(problem) }
    try measurement.write(evaluation, in: context) {
      var page = RecognitionReportInput.page(
        evaluation,
        title: "\(recognizer.name) on \(images.name)",
        facts: [
          ("Model", recognizer.name + " " + recognizer.version),
          (
            "Data",
            "\(images.name)\(split.words), \(evaluation.cases.count) images"
          ),
          ("Command", OutputPath.command),
        ]
      )
      page.notes += problems
      return page
    }
    try context.confirm(evaluation) {
      func text(_ value: Double?) -> String {
        value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
      }
      let interval = evaluation.accuracy.map { " (\(text($0.ci95[0])) to \(text($0.ci95[1])))" }
      return [
        "\(measurement.output): \(evaluation.cases.count) images",
        "  accuracy: \(text(evaluation.accuracy?.value))\(interval ?? "")",
        "  mean AUC: \(text(evaluation.meanArea))",
        "  expected calibration error: \(text(evaluation.calibration?.expectedError))",
      ].joined(separator: "\n")
    }
    return problems.isEmpty ? .complete : .partial
  }
}
