import Enhancement
import Imaging
import ImagingIO
import Pipelines
import Support

/// Brings scans to the look of a group, and says what changed.
public struct HarmonizationRun: Sendable {
  /// What a run depends on besides its inputs.
  public struct Options: Sendable {
    /// Which series and volume of each input.
    public var selection = VolumeSelection()
    /// Beyond which anatomy may have changed.
    public var limits = HarmonizationChange.Limits()
    /// Whether results are to be DICOM series that are derived from their sources.
    public var derivesSeries = false
    /// The command line, for the record.
    public var command = ""

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// A harmonised scan.
  public struct Result: Sendable {
    /// The scan before and after, as the step left it.
    package let enhanced: EnhancementRun.Result
    /// What changed, and what was kept.
    public let change: HarmonizationChange

    /// Grey values before.
    package var before: Volume<Float> { enhanced.before.grey }
    /// Grey values after.
    package var after: Volume<Float> { enhanced.after.grey }
    /// Grey values before, brought to the scale after by the best straight line.
    package var beforeOnScale: Volume<Float> { HarmonizationChange.fitted(before, to: after) }
    /// The ending of its file in a batch.
    package var ending: String { EnhancementRun.ending(of: enhanced) }

    /// Writes the scan after less the scan before, both on the scale after.
    /// - Parameter path: `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
    /// - Throws: `EnhancementError.unfitOutput`; `SupportError.unwritable`.
    package func writeDifference(to path: String) throws {
      try EnhancementContent.write(
        scan: .float32(HarmonizationChange.difference(before, after)),
        to: path
      )
    }
  }

  private let run: EnhancementRun
  private let group: IntensityGroup
  private let limits: HarmonizationChange.Limits

  /// Creates a run.
  /// - Parameters:
  ///   - stage: Brings a scan there: a `HarmonizationStage`, or a network that translates.
  ///   - group: What scans are to look like.
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and the step.
  ///   - interruption: Looked at between pieces of work.
  package init(
    _ stage: any ScanStage,
    group: IntensityGroup,
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    (self.group, limits) = (group, options.limits)
    var settings = EnhancementRun.Options()
    settings.selection = options.selection
    // Units of another scanner need not be whole numbers.
    settings.keepsFractions = true
    settings.derivesSeries = options.derivesSeries
    settings.command = options.command
    run = EnhancementRun(
      stages: [stage],
      options: settings,
      progress: progress,
      interruption: interruption
    )
  }

  /// Harmonises a scan.
  /// - Parameter path: A file, or a folder or zip of DICOM.
  /// - Returns: The scan before and after, and what changed.
  /// - Throws: What `EnhancementRun.improve` and comparing throw.
  package func harmonise(_ path: String) throws -> Result {
    let enhanced = try run.improve(path)
    return Result(
      enhanced: enhanced,
      change: try HarmonizationChange(
        before: enhanced.before.grey,
        after: enhanced.after.grey,
        group: group,
        limits: limits,
        path: path
      )
    )
  }

  /// Writes a harmonised scan.
  /// - Parameters:
  ///   - result: The scan.
  ///   - path: `.png` for pictures; `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
  /// - Throws: What `EnhancementRun.write` throws.
  package func write(_ result: Result, to path: String) throws {
    try run.write(result.enhanced, to: path)
  }

  /// Writes a harmonised scan as a DICOM series that is derived from its source.
  /// - Parameters:
  ///   - result: The scan.
  ///   - folder: An existing folder.
  /// - Throws: What `EnhancementRun.writeSeries` throws.
  /// - Precondition: The run derives series.
  package func writeSeries(_ result: Result, to folder: String) throws {
    try run.writeSeries(result.enhanced, to: folder)
  }
}
