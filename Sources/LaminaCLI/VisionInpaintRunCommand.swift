import ArgumentParser
import Autoencoders
import Enhancement
import Foundation
import ImagingIO
import Pipelines
import Reporting
import Support

/// What fills holes: an equation or a model.
struct InpainterOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A model's name or folder, or \(ClassicalFilling.allCases.map(\.rawValue).joined(separator: " or ")).",
      valueName: "model"
    )
  )
  var model: String

  /// Loads it.
  /// - Returns: What fills holes.
  /// - Throws: What opening a model throws.
  func inpainter() throws -> Inpainter {
    if let classical = ClassicalFilling(rawValue: model) { return Inpainter(classical) }
    return try Inpainter(ModelStore().model(model))
  }
}

/// `lamina vision inpaint run`.
struct VisionInpaintRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Fills the holes of an image and changes nothing else.",
    discussion: """
      IMAGE is a picture or a scan, filled slice by slice along its third axis; its grid and its type of values \
      stay. Holes are where --mask (a picture or label map of the same grid) is not 0, and where the image has \
      the value --missing (nan: not a number). Harmonic solves Laplace's equation from the hole's border, \
      biharmonic continues slopes too.
      """
  )

  @Argument(help: "A picture or scan.")
  var image: String

  @OptionGroup var filling: InpainterOptions

  @Option(help: ArgumentHelp("Other than 0 where the image is to be filled.", valueName: "file"))
  var mask: String?

  @Option(help: ArgumentHelp("The value that stands for missing ones, or nan.", valueName: "value"))
  var missing: Double?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .png of pictures; a .nii.gz, .nii, .nrrd or .mha.", valueName: "file")
  )
  var output: String

  @Option(
    help: ArgumentHelp("A page, .html, with the slice of the largest hole.", valueName: "file")
  )
  var report: String?

  @OptionGroup var selection: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let schema = "lamina.inpainted/1"
    let input: String
    let output: String
    let model: String
    let size: [Int]
    let filledVoxels: Int
    let notes: [String]
    let notice = Version.disclaimer
  }

  private static let endings = [".png", ".nii", ".nii.gz", ".nrrd", ".mha"]

  func validate() throws {
    if !Self.endings.contains(where: output.lowercased().hasSuffix) {
      throw ValidationError("--output must end in \(Self.endings.joined(separator: ", ")).")
    }
    if mask == nil, missing == nil {
      throw ValidationError("Say what is to be filled: --mask FILE, --missing VALUE, or both.")
    }
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    for path in [output, report].compactMap(\.self) { try context.outputs.check(path) }
    // Said before anything is read, and of scans alone: pictures may become single slices.
    if output.lowercased().hasSuffix(".png"), FileManager.default.fileExists(atPath: image),
      !PictureFormat().recognises(image)
    {
      throw EnhancementError.unfitOutput(
        path: output,
        reason: "a scan is no picture; end it in .nii.gz"
      )
    }
    let inpainter = try filling.inpainter()
    let result = try InpaintingRun(
      inpainter,
      selection: selection.selection,
      progress: context.progress,
      interruption: context.interruption
    ).fill(image, holes: InpaintingRun.Holes(mask: mask, missing: missing))
    for note in result.notes { context.progress.note(note) }
    try context.outputs.writeFile(output) { try result.write(to: $0) }
    if let report {
      var page = RecognitionReportData(title: "Filled by \(inpainter.name)")
      page.facts = [
        ("Model", inpainter.model?.description.summary ?? inpainter.name),
        ("Filled", "\(result.filledCount) of \(result.count) pixels or voxels"),
        ("Command", OutputPath.command),
      ]
      page.notes = result.notes
      page.pictures = [
        (
          "The slice with the most holes", AutoencoderReportInput.fillingNote,
          [AutoencoderReportInput.picture(result)]
        )
      ]
      let html = try ReportBuilder().html(page, date: Date())
      try context.outputs.write(Data(html.utf8), to: report)
    }
    let answer = Answer(
      input: URL(fileURLWithPath: image).lastPathComponent,
      output: output,
      model: inpainter.name,
      size: result.size,
      filledVoxels: result.filledCount,
      notes: result.notes
    )
    try context.confirm(answer) {
      "\(output): \(result.filledCount) of \(result.count) filled by \(inpainter.name)"
    }
    return .complete
  }
}
