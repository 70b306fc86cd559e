import ArgumentParser
import Foundation
import ImagingIO
import Pipelines
import Support

/// `lamina convert`: an image in another format.
struct ConvertCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Writes an image in another format, chosen by the output's ending.",
    discussion: """
      .nii, .nii.gz, .nrrd and .mha keep geometry (mm), scalar type and values, so label maps stay \
      integer; a folder takes one PNG per slice, .png a single slice. PNG holds no geometry; \
      values that are not whole numbers from 0 to 65535 are mapped linearly to 16 bits, which is said.
      """
  )

  @Argument(help: "An image file (NIfTI, DICOM, NRRD, MetaImage, MGH, PNG, JPEG, TIFF) or folder.")
  var input: String

  @Argument(
    help: "The file (.nii, .nii.gz, .hdr, .img, .nrrd, .mha, .png) or folder (PNG slices) to make."
  )
  var output: String

  @Option(
    help: ArgumentHelp(
      "Which series, by UID or by its number in `lamina info` (default: the only one).",
      valueName: "uid|number"
    )
  )
  var series: String?

  @Option(
    help: ArgumentHelp(
      "Which volume of the series or time point, from 1 (default: the only one, or all time "
        + "points).",
      valueName: "number"
    )
  )
  var volume: Int?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  private struct Answer: Encodable {
    let input: String
    let output: String
    let files: [String]
    let problems: [InputProblem]
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let conversion = ImageConversion(
      outputs: context.outputs,
      interruption: context.interruption,
      progress: context.progress
    )
    let result = try conversion.convert(
      input,
      to: output,
      selection: VolumeSelection(series: series, volume: volume)
    )
    for problem in result.summary.problems {
      context.progress.warn("\(input): \(problem.message) \(problem.remedy)")
    }
    if let remark = result.remark { context.progress.note(remark) }
    try context.confirm(
      Answer(
        input: input,
        output: output,
        files: result.files,
        problems: result.summary.problems
      )
    ) {
      result.files.count == 1
        ? "Wrote \(output)" : "Wrote \(output): \(result.files.count) files"
    }
    return .complete
  }
}
