import ArgumentParser
import Autoencoders
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision anomaly evaluate`.
struct VisionAnomalyEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures how well a model tells unusual images from normal ones.",
    discussion: """
      DATA has classes, as for train; every class but the normal one counts as unusual. Principal components are \
      measured on the same images.
      """
  )

  @Argument(help: "Folder, table or .npz.")
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "The class of normal images (default: the one that was trained on).",
      valueName: "class"
    )
  )
  var normal: String?

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
    let detector = try AnomalyDetector(ModelStore().model(model))
    let images = try split.part(
      of: LabelledImages(withOrWithoutClasses: data, slicesPerVolume: slices),
      path: data
    )
    var hottest = [true, false].map { _ in HighestFew<AnomalyDetector.Scored>(count: 12) }
    var coolest = HighestFew<AnomalyDetector.Scored>(count: 12)
    let (evaluation, problems) = try detector.evaluate(
      images,
      path: data,
      normalClass: normal,
      progress: context.progress,
      interruption: context.interruption
    ) { scored, isNormal in
      hottest[isNormal ? 1 : 0].add(scored, scored.result.score)
      if !isNormal { coolest.add(scored, -scored.result.score) }
    }
    for problem in problems { context.progress.warn(problem) }
    try measurement.write(evaluation, in: context) {
      var page = AutoencoderReportInput.page(
        evaluation,
        title: "\(evaluation.model) on \(images.name)",
        facts: AutoencoderReportInput.facts(detector) + [
          (
            "Data",
            "\(images.name)\(split.words): \(evaluation.normalCount) images of "
              + "\(evaluation.normalClass), \(evaluation.unusualCount) others"
          ),
          ("Command", OutputPath.command),
        ]
      )
      page.notes += problems
      page.pictures = [
        ("The most unusual of the unusual images", hottest[0].items),
        ("The least unusual of the unusual images", coolest.items),
        ("The most unusual of the normal images", hottest[1].items),
      ].map { heading, items in
        (
          heading, AutoencoderReportInput.heatNote,
          items.map { AutoencoderReportInput.picture($0) }
        )
      }
      return page
    }
    try context.confirm(evaluation) { AutoencoderReportInput.text(evaluation, measurement.output) }
    return problems.isEmpty ? .complete : .partial
  }
}
