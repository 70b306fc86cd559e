import ArgumentParser
import Foundation
import Pipelines
import Registration
import Support

extension RegistrationSettings.Kind: ExpressibleByArgument {}
extension RegistrationSettings.Start: ExpressibleByArgument {}
extension SimilarityMeasure: ExpressibleByArgument {}
extension LabelInterpolation: ExpressibleByArgument {}

/// `lamina register`: an image moved onto another.
struct RegisterCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "register",
    abstract: "Lays an image, and its labels, over another image.",
    discussion: """
      MOVING and FIXED are image files or folders of DICOM. The moved image lies on FIXED's grid and \
      keeps MOVING's scalar type (64-bit types become 32-bit fractions); where MOVING shows nothing it has MOVING's smallest value. \
      Transforms map points of FIXED to points of MOVING (LPS, mm): rigid, then affine, then a \
      B-spline deformation, each from the result of the one before, coarse to fine. A transform that \
      was stored is used again by --apply, for example on another image of MOVING's patient.
      """
  )

  @Argument(help: "The image to be moved.")
  var moving: String

  @Argument(help: "The image onto which it is moved.")
  var fixed: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The moved image: .nii, .nii.gz, .nrrd or .mha.", valueName: "out")
  )
  var output: String

  @Option(help: ArgumentHelp("How freely MOVING may be deformed.", valueName: "kind"))
  var transform = RegistrationSettings.Kind.affine

  @Option(
    help: ArgumentHelp(
      "What makes images alike: mutual information (any contrasts), normalised cross-correlation or "
        + "mean squares (one contrast).",
      valueName: "measure"
    )
  )
  var metric = SimilarityMeasure.mutualInformation

  @Option(
    help: ArgumentHelp(
      "How the images are laid over each other at first; automatic tries headers, centres and centres "
        + "of mass.",
      valueName: "start"
    )
  )
  var start = RegistrationSettings.Start.automatic

  @Option(
    help: ArgumentHelp(
      "A label map on FIXED: only its voxels other than 0 count.",
      valueName: "file"
    )
  )
  var mask: String?

  @Option(help: ArgumentHelp("Labels of MOVING, to be moved with it.", valueName: "file"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "Where the moved labels go, .nii or .nii.gz; for --labels.",
      valueName: "file"
    )
  )
  var writeLabels: String?

  @Option(
    help: ArgumentHelp(
      "How labels between voxels are found: nearest, or the largest of linearly interpolated masks.",
      valueName: "kind"
    )
  )
  var labelInterpolation = LabelInterpolation.linear

  @Option(help: ArgumentHelp("Store the transform as JSON.", valueName: "file.json"))
  var writeTransform: String?

  @Option(
    help: ArgumentHelp("Use a stored transform instead of finding one.", valueName: "file.json")
  )
  var apply: String?

  @Option(
    help: ArgumentHelp(
      "Distance of the B-spline's control points, mm (default: 10).",
      valueName: "mm"
    )
  )
  var spacing: Double?

  @Option(
    help: ArgumentHelp(
      "What the B-spline's bending counts, mm²; more is smoother (default: 20).",
      valueName: "weight"
    )
  )
  var bending: Double?

  @Option(help: ArgumentHelp("Levels from coarse to fine (default: 3).", valueName: "n"))
  var levels: Int?

  @Option(
    help: ArgumentHelp(
      "The most voxels of FIXED that are compared (default: 40000, for B-splines 400000).",
      valueName: "n"
    )
  )
  var samples: Int?

  @Option(help: ArgumentHelp("Which voxels are drawn.", valueName: "n"))
  var seed: UInt64 = 0

  @OptionGroup var selectionOptions: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  private var settings: RegistrationSettings {
    var settings = RegistrationSettings(kind: transform, measure: metric)
    settings.start = start
    settings.seed = seed
    settings.controlSpacingMM = spacing ?? settings.controlSpacingMM
    settings.bendingWeight = bending ?? settings.bendingWeight
    settings.levels = levels ?? settings.levels
    settings.linearSamples = samples ?? settings.linearSamples
    settings.splineSamples = samples ?? settings.splineSamples
    return settings
  }

  func validate() throws {
    if (labels == nil) != (writeLabels == nil) {
      throw ValidationError("--labels and --write-labels go together.")
    }
    func place(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    if let writeLabels, place(writeLabels) == place(output) {
      throw ValidationError("--output and --write-labels name the same file.")
    }
    if transform != .bspline, spacing != nil || bending != nil {
      throw ValidationError("--spacing and --bending are for --transform bspline.")
    }
    if apply != nil, mask != nil || writeTransform != nil {
      throw ValidationError("--apply searches nothing; leave out --mask and --write-transform.")
    }
    if let writeTransform, !writeTransform.lowercased().hasSuffix(".json") {
      throw ValidationError("--write-transform \(writeTransform) must end in .json.")
    }
    do {
      try settings.check()
    } catch {
      throw ValidationError(error.description)
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    var options = RegistrationRun.Options()
    options.settings = settings
    options.mask = mask
    options.stored = apply
    options.labels = labels
    options.labelInterpolation = labelInterpolation
    options.selection = selectionOptions.selection
    options.labelOutput = writeLabels
    options.transformOutput = writeTransform
    let record = try RegistrationRun(
      options: options,
      outputs: context.outputs,
      interruption: context.interruption,
      progress: context.progress
    ).move(moving, onto: fixed, output: output)
    for problem in record.problems {
      context.progress.warn("\(problem.message) \(problem.remedy)")
    }
    if record.folding.foldedShare > 0 {
      context.progress.warn(
        "The deformation folds in \(Self.percent(record.folding.foldedShare)) of the voxels; a larger "
          + "--bending or --spacing is smoother."
      )
    }
    try context.confirm(record) { Self.text(of: record) }
    return .complete
  }

  private static func text(of record: RegistrationRun.Record) -> String {
    var lines: [String] = []
    if let last = record.steps.last, let first = record.steps.first, let settings = record.settings
    {
      lines.append(
        "\(settings.measure.name): \(rounded(first.before)) at the start (\(first.spacingMM) mm), "
          + "\(rounded(last.after)) at the end (\(last.spacingMM) mm)"
      )
    }
    lines.append(
      "Change of volume: \(rounded(record.folding.smallestDeterminant)) to "
        + "\(rounded(record.folding.largestDeterminant)) times; folded: "
        + percent(record.folding.foldedShare)
    )
    lines.append("Wrote \(record.files.joined(separator: ", "))")
    return lines.joined(separator: "\n")
  }

  private static func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }

  private static func percent(_ share: Double) -> String { "\((share * 1e4).rounded() / 100) %" }
}
