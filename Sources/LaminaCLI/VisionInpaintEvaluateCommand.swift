import ArgumentParser
import Autoencoders
import Foundation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision inpaint evaluate`.
struct VisionInpaintEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Hides parts of clean images and measures what is filled in.",
    discussion: """
      DATA is as for train. The harmonic filling of the same holes is measured beside the model: peak \
      signal-to-noise ratio and structural similarity within the holes and of the image, with paired intervals.
      """
  )

  @Argument(help: "Folder, table or .npz.")
  var data: String

  @OptionGroup var filling: InpainterOptions

  @OptionGroup var split: SplitOptions

  @Option(
    help: ArgumentHelp(
      "Shape of the holes: one rectangle, several, or strokes.",
      valueName: HolePattern.Shape.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var holes = HolePattern.Shape.blocks

  @Option(help: ArgumentHelp("Share of the pixels that is hidden.", valueName: "share"))
  var hide = 0.25

  @Option(help: ArgumentHelp("Seed of the holes.", valueName: "n"))
  var seed: UInt64 = 1

  @OptionGroup var measurement: MeasurementOptions
  @Option(help: ArgumentHelp("Slices of each volume, from its middle half.", valueName: "n"))
  var slices = 8

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(hide > 0 && hide < 1) { throw ValidationError("--hide must be above 0 and below 1.") }
    if !(1...1000).contains(slices) { throw ValidationError("--slices must be 1 to 1000.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let inpainter = try filling.inpainter()
    let images = try split.part(
      of: LabelledImages(withOrWithoutClasses: data, slicesPerVolume: slices),
      path: data
    )
    let pattern = HolePattern(holes, share: hide)
    var first: [Inpainter.Shown] = []
    var worst = HighestFew<Inpainter.Shown>(count: 8)
    let (evaluation, problems) = try inpainter.evaluate(
      images,
      path: data,
      holes: pattern,
      seed: seed,
      progress: context.progress,
      interruption: context.interruption
    ) { shown in
      if first.count < 8 { first.append(shown) }
      worst.add(shown, shown.result.model.squaredErrorInHoles)
    }
    for problem in problems { context.progress.warn(problem) }
    try measurement.write(evaluation, in: context) {
      var page = AutoencoderReportInput.page(
        evaluation,
        title: "\(evaluation.model) on \(images.name)",
        facts: [
          ("Model", inpainter.model?.description.summary ?? inpainter.name),
          (
            "Data",
            "\(images.name)\(split.words): \(evaluation.cases.count) images"
          ),
          ("Holes", "\(pattern.words); seed \(seed)"), ("Command", OutputPath.command),
        ]
      )
      page.notes += problems
      page.pictures = [("The first images", first), ("The worst images", worst.items)]
        .map { heading, items in
          (
            heading, AutoencoderReportInput.fillingNote,
            items.map { AutoencoderReportInput.picture($0) }
          )
        }
      return page
    }
    try context.confirm(evaluation) { AutoencoderReportInput.text(evaluation, measurement.output) }
    return problems.isEmpty ? .complete : .partial
  }
}
