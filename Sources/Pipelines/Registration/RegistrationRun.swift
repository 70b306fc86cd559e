import Foundation
import Imaging
import ImagingIO
import Registration
import Support

/// Lays one image over another and writes what comes of it.
public struct RegistrationRun: Sendable {
  /// What a run depends on besides its two images.
  public struct Options: Sendable {
    /// How the transform is found.
    public var settings = RegistrationSettings()
    /// A label map in whose voxels other than 0 the fixed image counts; nil for everywhere.
    public var mask: String?
    /// A stored transform that is used instead of a search; nil for none.
    public var stored: String?
    /// A label map of the moving image.
    public var labels: String?
    /// How labels between voxels are found.
    public var labelInterpolation = LabelInterpolation.linear
    /// Which series and volume of the moving image.
    public var selection = VolumeSelection()
    /// Where the moved labels go; needs `labels`.
    public var labelOutput: String?
    /// Where the transform goes.
    public var transformOutput: String?

    /// Creates options: an affine transform by mutual information, and no labels.
    public init() {}
  }

  /// What a run did; the program's answer.
  public struct Record: Sendable, Encodable {
    /// The moving image.
    public let moving: String
    /// The fixed image.
    public let fixed: String
    /// The files that were written.
    public let files: [String]
    /// How the transform was found; nil where it was a stored one.
    public let settings: RegistrationSettings?
    /// The start that was used; nil where the transform was a stored one.
    public let start: RegistrationSettings.Start?
    /// The steps of the search.
    public let steps: [RegistrationResult.Step]
    /// Where the transform folds, over the fixed image's grid.
    public let folding: FoldCheck
    /// What is odd about the images.
    public let problems: [InputProblem]
    /// The time of the whole run.
    public let elapsedSeconds: Double
  }

  private let options: Options
  private let outputs: OutputGuard
  private let interruption: Interruption
  private let progress: any ProgressReporter

  /// Creates a run.
  /// - Parameters:
  ///   - options: What it depends on.
  ///   - outputs: Writes the outputs.
  ///   - interruption: Looked at before each evaluation.
  ///   - progress: Told about reading and searching.
  public init(
    options: Options,
    outputs: OutputGuard,
    interruption: Interruption,
    progress: any ProgressReporter
  ) {
    self.options = options
    self.outputs = outputs
    self.interruption = interruption
    self.progress = progress
  }

  /// Moves an image.
  /// - Parameters:
  ///   - movingPath: The image that is moved: a file or folder.
  ///   - fixedPath: The image onto which it is moved.
  ///   - output: The moved image, .nii, .nii.gz, .nrrd or .mha: on the fixed image's grid, in the moving
  ///     image's scalar type (64-bit types as 32-bit fractions), its smallest value where it shows nothing.
  /// - Returns: What was done.
  /// - Throws: `RegistrationError`; `ImagingIOError` for inputs and endings; `SupportError` for outputs.
  public func move(_ movingPath: String, onto fixedPath: String, output: String) throws -> Record {
    let clock = ContinuousClock()
    let began = clock.now
    let target = try ImageConversion.Target(output)
    guard [.nifti, .nrrd, .metaImage].contains(target), ImageConversion.pair(output) == nil else {
      throw ImagingIOError.unknownOutputFormat(path: output)
    }
    if let path = options.labelOutput,
      try ImageConversion.Target(path) != .nifti || ImageConversion.pair(path) != nil
    {
      throw ImagingIOError.unknownOutputFormat(path: path)
    }
    let files = [output, options.labelOutput, options.transformOutput].compactMap(\.self)
    for file in files { try outputs.check(file) }
    let stored = try options.stored.map { try Self.readTransform($0) }
    let fixed = try ImageFormats.read(fixedPath, progress: progress)
    let moving = try ImageFormats.read(movingPath, selection: options.selection, progress: progress)
    let labels = try options.labels.map { try Self.readLabels($0) }
    try checkContrast(fixed.summary.modality, moving.summary.modality)
    try interruption.check()
    let values = moving.volume.asFloat
    var found: RegistrationResult?
    let transform: CompositeTransform
    if let stored {
      // The stored transform holds for points, so that the grid may be any.
      transform = CompositeTransform(stored.stages, geometry: fixed.volume.geometry)
    } else {
      let result = try ImageRegistration(
        settings: options.settings,
        interruption: interruption,
        progress: progress
      ).register(
        values,
        to: fixed.volume.asFloat,
        mask: try options.mask.map { try Self.readLabels($0) }
      )
      found = result
      transform = result.transform
    }
    let folding = found?.folding ?? FoldCheck(transform, on: fixed.volume.geometry)
    let outside = values.voxels.filter(\.isFinite).min() ?? 0
    let moved = moving.volume.storing(values.moved(through: transform, outside: outside))
    try interruption.check()
    let movedLabels = labels?.moved(
      through: transform,
      interpolation: options.labelInterpolation
    )
    try outputs.writeFile(output) { temporary in
      switch target {
      case .nrrd: try NRRDWriter.write(moved, to: temporary)
      case .metaImage: try MetaImageWriter.write(timePoints: [moved], to: temporary)
      default: try NIfTIWriter.write(moved, to: temporary)
      }
    }
    if let movedLabels, let path = options.labelOutput {
      try outputs.writeFile(path) { try NIfTIWriter.write(movedLabels, to: $0) }
    }
    if let path = options.transformOutput { try outputs.write(try transform.json(), to: path) }
    return Record(
      moving: movingPath,
      fixed: fixedPath,
      files: files,
      settings: found == nil ? nil : options.settings,
      start: found?.start,
      steps: found?.steps ?? [],
      folding: folding,
      problems: fixed.summary.problems + moving.summary.problems,
      elapsedSeconds: (clock.now - began) / .seconds(1)
    )
  }

  /// Values of CT and MR, say, are never equal nor linear in each other.
  private func checkContrast(_ fixed: String?, _ moving: String?) throws {
    guard options.stored == nil, options.settings.measure != .mutualInformation,
      let fixed, let moving, !fixed.isEmpty, !moving.isEmpty, fixed != moving
    else { return }
    throw RegistrationError.invalidSetting(
      name: "metric",
      reason:
        "\(options.settings.measure.name) is for images of one contrast, and these are \(moving) "
        + "and \(fixed); use mutual information"
    )
  }

  private static func readTransform(_ path: String) throws -> CompositeTransform {
    guard let data = FileManager.default.contents(atPath: path) else {
      guard FileManager.default.fileExists(atPath: path) else {
        throw SupportError.notFound(path: path)
      }
      throw SupportError.unreadable(path: path, reason: "it is no file, or may not be read")
    }
    return try CompositeTransform.read(data)
  }

  static func readLabels(_ path: String) throws -> LabelMap {
    let loaded = try ImageFormats.read(path)
    let table = LabelTableFile.read(
      URL(fileURLWithPath: path).deletingLastPathComponent().path + "/labels.json"
    )
    return try NIfTIReader.labelMap(from: loaded.volume, table: table, path: path)
  }
}
