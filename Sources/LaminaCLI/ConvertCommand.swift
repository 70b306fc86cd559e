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
      integer. .dcm takes labels as a DICOM object (--as seg, labelmap or rtstruct), or a PDF or \
      pictures of a report (--as document); --reference names the series that gives patient, study \
      and slices. A folder takes one PNG per slice, or with --as dicom a DICOM series; .png takes a \
      single slice. .stl, .obj and .glb (glTF 2.0) take the surfaces of labels, positions in mm of \
      the patient's LPS frame (in .glb turned by its root into metres with +Y to the head); .obj \
      and .glb keep names and colours. PNG holds no geometry; values that are not whole numbers from 0 to 65535 are \
      mapped linearly to 16 bits, which is said.
      """
  )

  @Argument(
    help: """
      An image file (NIfTI, DICOM, NRRD, MetaImage, MGH, PNG, JPEG, TIFF, BMP), a folder or zip, a DICOM SEG \
      or RTSTRUCT.
      """
  )
  var input: String

  @Argument(
    help: """
      The file (.nii, .nii.gz, .hdr, .img, .nrrd, .mha, .png, .dcm, .stl, .obj, .glb) or folder to \
      make.
      """
  )
  var output: String

  /// What `--as` names.
  enum Form: String, ExpressibleByArgument, CaseIterable {
    case seg, labelmap, rtstruct, document, dicom, png
  }

  @Option(
    name: .customLong("as"),
    help: ArgumentHelp(
      "What a .dcm or a folder holds (default for folders: png).",
      valueName: "seg|labelmap|rtstruct|document|dicom|png"
    )
  )
  var form: Form?

  @Option(
    help: ArgumentHelp(
      "The DICOM series that gives patient, study and frame of reference.",
      valueName: "dicom"
    )
  )
  var reference: String?

  @Option(
    help: ArgumentHelp(
      "Which series of the reference, by UID or number (default: the only one).",
      valueName: "uid|number"
    )
  )
  var referenceSeries: String?

  @Option(
    help: ArgumentHelp(
      "What labels mean: a JSON file {name: number} (default: what lies beside the input).",
      valueName: "file"
    )
  )
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "What the images of a DICOM series are (default: what the reference's are).",
      valueName: "ct|mr"
    )
  )
  var kind: Kind?

  /// What `--kind` names.
  enum Kind: String, ExpressibleByArgument, CaseIterable { case ct, mr }

  @Option(
    help: ArgumentHelp(
      "How often surfaces are smoothed; 0 keeps the steps of the voxels (pairs of steps).",
      valueName: "count"
    )
  )
  var smoothing = 12

  @OptionGroup var selectionOptions: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  private struct Answer: Encodable {
    let input: String
    let output: String
    let files: [String]
    let problems: [InputProblem]
  }

  func validate() throws {
    let isObject = output.lowercased().hasSuffix(".dcm")
    let objects: [Form] = [.seg, .labelmap, .rtstruct, .document]
    if isObject, !(form.map(objects.contains) ?? false) {
      throw ValidationError("\(output) needs --as seg, labelmap, rtstruct or document.")
    }
    guard (0...1000).contains(smoothing) else {
      throw ValidationError("--smoothing \(smoothing) must be 0 to 1000.")
    }
    if !isObject, let form, objects.contains(form) {
      throw ValidationError("--as \(form.rawValue) needs an output that ends in .dcm.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let result = try convert(in: context)
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

  private func convert(in context: CommandContext) throws -> ImageConversion.Result {
    let objects = ObjectConversion(
      outputs: context.outputs,
      interruption: context.interruption,
      progress: context.progress
    )
    var options = ObjectConversion.Options()
    options.reference = reference
    options.referenceSelection = VolumeSelection(series: referenceSeries)
    options.referenceSelection.regrids = true
    options.selection = selectionOptions.selection
    options.labelsFile = labels
    options.kind = kind.flatMap { DICOMImageSeries.Kind(rawValue: $0.rawValue.uppercased()) }
    switch form {
    case .seg: return try objects.write(input, to: output, as: .seg, options: options)
    case .labelmap: return try objects.write(input, to: output, as: .labelmap, options: options)
    case .rtstruct: return try objects.write(input, to: output, as: .rtstruct, options: options)
    case .document: return try objects.writeDocument(input, to: output, options: options)
    case .dicom: return try objects.writeSeries(input, to: output, options: options)
    case .png, nil: break
    }
    if let format = MeshFormat(path: output) {
      return try objects.writeSurfaces(
        input,
        to: output,
        format: format,
        smoothingSteps: smoothing,
        options: options
      )
    }
    if ObjectConversion.isStructureSet(input) {
      return try objects.writeStructures(input, to: output, options: options)
    }
    return try ImageConversion(
      outputs: context.outputs,
      interruption: context.interruption,
      progress: context.progress
    ).convert(input, to: output, selection: selectionOptions.selection)
  }
}
