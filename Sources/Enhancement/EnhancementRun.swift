import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

/// Improves images by one or more steps: models and filters.
public struct EnhancementRun: Sendable {
  /// What a run depends on besides its inputs.
  public struct Options: Sendable {
    /// Which series and volume of each input.
    public var selection = VolumeSelection()
    /// Whether results of images of whole numbers keep their fractions.
    public var keepsFractions = false
    /// An image to compare the result with, or nil.
    public var reference: String?
    /// The range of the reference's values; nil for 255 in pictures and what it holds in scans.
    public var dataRange: Double?
    /// Pixels at each side that are left out of the comparison.
    public var border = 0
    /// Whether colours are compared by their luma (Y of ITU-R BT.601 in 16 to 235) alone.
    public var usesLuma = false
    /// Whether the result is the mean over the symmetries of planes.
    public var averagesSymmetries = false
    /// Whether the spread over the symmetries is wanted.
    public var wantsSpread = false
    /// Whether results are to be DICOM series that are derived from their sources.
    public var derivesSeries = false
    /// The command line, for the record.
    public var command = ""

    /// What is made of an image's symmetries.
    var ensemble: EnhancementChain.Ensemble {
      var ensemble = EnhancementChain.Ensemble()
      ensemble.averages = averagesSymmetries
      ensemble.wantsSpread = wantsSpread
      return ensemble
    }

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// One improved image.
  public struct Result: Sendable {
    /// What was done.
    public var record: EnhancementRecord
    /// The image before.
    package let before: EnhancementContent
    /// The image after.
    package let after: EnhancementContent
    /// The image that it was compared with, or nil.
    package let reference: Volume<Float>?
    /// The spread over the symmetries of planes, if it was wanted.
    package let spread: Volume<Float>?
    /// The DICOM slices that the image before was made of, or nil.
    package let source: DICOMSource?
    /// What was odd about the input.
    public let problems: [InputProblem]

    package init(
      record: EnhancementRecord,
      before: EnhancementContent,
      after: EnhancementContent,
      reference: Volume<Float>?,
      spread: Volume<Float>?,
      source: DICOMSource?,
      problems: [InputProblem]
    ) {
      self.record = record
      self.before = before
      self.after = after
      self.reference = reference
      self.spread = spread
      self.source = source
      self.problems = problems
    }
  }

  private let chain: EnhancementChain
  let options: Options
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a run.
  /// - Parameters:
  ///   - stages: The steps, in order; at least one.
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and each step.
  ///   - interruption: Looked at between pieces of work.
  /// - Precondition: There is a step.
  package init(
    stages: [any ScanStage],
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    chain = EnhancementChain(stages)
    self.options = options
    self.progress = progress
    self.interruption = interruption
  }

  /// Improves one image.
  /// - Parameter path: A file, or a folder or zip of DICOM.
  /// - Returns: The image before and after, and the record.
  /// - Throws: What reading and the steps throw; `EnhancementError.unfitReference`;
  ///   `EnhancementError.unfitOutput` where a series is to be derived from an image that is none.
  public func improve(_ path: String) throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let input = try read(path)
    let before = input.content
    if options.derivesSeries, before.isPicture || input.source == nil {
      throw EnhancementError.unfitOutput(
        path: "a DICOM series",
        reason: "it is derived from one, and \(path) is none; leave out --write dicom"
      )
    }
    var notes: [String] = []
    let output = try chain.apply(
      before,
      ensemble: options.ensemble,
      modality: input.modality,
      path: path,
      progress: progress,
      interruption: interruption,
      notes: &notes
    )
    let after = output.content
    let hidden = before.grey.voxels.count { !$0.isFinite }
    if hidden > 0 {
      notes.append("\(hidden) values were not finite and counted as the low end of the range.")
    }
    for note in notes { progress.note(note) }
    let (quality, reference) = try compare(before, after)
    var spread = output.summary
    if let map = output.spread, let reference {
      spread?.errorCorrelation = EnhancementSpread.correlation(
        of: map,
        errorOf: after.grey,
        against: reference
      )
    }
    let (old, new) = (before.grey.geometry, after.grey.geometry)
    let record = EnhancementRecord(
      input: path,
      stages: chain.stages.map(\.record),
      sizeBefore: [old.size.x, old.size.y, old.size.z],
      sizeAfter: [new.size.x, new.size.y, new.size.z],
      spacingMM: [new.spacing.x, new.spacing.y, new.spacing.z],
      quality: quality,
      spread: spread,
      notes: notes,
      threads: Parallelism.threadCount,
      seconds: (clock.now - start).seconds,
      peakMemoryMB: SegmentationRun.peakMemoryMB,
      command: options.command
    )
    return Result(
      record: record,
      before: before,
      after: after,
      reference: reference,
      spread: output.spread,
      source: input.source,
      problems: input.problems
    )
  }

  private func read(_ path: String) throws -> EnhancementInput {
    try EnhancementInput(path: path, selection: options.selection, progress: progress)
  }

  /// Compares with the reference before and after.
  private func compare(
    _ before: EnhancementContent,
    _ after: EnhancementContent
  ) throws -> (EnhancementRecord.Quality?, Volume<Float>?) {
    guard let path = options.reference else { return (nil, nil) }
    let truth = try read(path).content
    let (reference, grid) = (truth.grey, after.grey.geometry)
    func unfit(_ reason: String) -> EnhancementError {
      .unfitReference(path: path, reason: reason)
    }
    guard reference.geometry.size == grid.size else {
      throw unfit(
        "it has \(words(reference.geometry.size)) voxels, and the result has \(words(grid.size))"
      )
    }
    if !after.isPicture, let difference = reference.geometry.difference(from: grid) {
      throw unfit(difference)
    }
    let original = before.mapChannels { channel, _ in
      channel.geometry.size == grid.size
        ? channel : channel.resampled(to: grid, interpolation: .cubicBSpline)
    }
    let finite = reference.voxels.filter(\.isFinite)
    let extent = Double((finite.max() ?? 0) - (finite.min() ?? 0))
    let range = options.dataRange ?? (after.isPicture ? 255 : extent)
    guard finite.count == reference.voxels.count else {
      throw unfit("it holds values that are not finite")
    }
    guard range > 0 else { throw unfit("it is constant") }
    var comparison = EnhancementComparison(dataRange: range)
    comparison.border = options.border
    comparison.usesLuma = options.usesLuma
    comparison.keepsFractions = options.keepsFractions
    return (
      EnhancementRecord.Quality(
        dataRange: range,
        before: try comparison.quality(of: original, reference: truth, isFile: false),
        after: try comparison.quality(of: after, reference: truth, isFile: true)
      ),
      reference
    )
  }

  private func words(_ size: SIMD3<Int>) -> String { "\(size.x) x \(size.y) x \(size.z)" }

  /// Writes an improved image.
  /// - Parameters:
  ///   - result: The image.
  ///   - path: `.png` for pictures; `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
  /// - Throws: `EnhancementError.unfitOutput`; `SupportError.unwritable`.
  public func write(_ result: Result, to path: String) throws {
    try result.after.write(to: path, keepsFractions: options.keepsFractions)
  }

  /// Writes the spread of an improved image; in pictures 257 of 16 bits are one grey level of 8.
  /// - Parameters:
  ///   - result: The image, whose spread was wanted.
  ///   - path: `.png` for pictures; `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
  /// - Throws: `EnhancementError.unfitOutput`; `SupportError.unwritable`.
  /// - Precondition: The spread was wanted.
  public func writeSpread(_ result: Result, to path: String) throws {
    guard let spread = result.spread else { preconditionFailure("no spread was wanted") }
    try result.after.with(spread: spread).write(to: path, keepsFractions: true)
  }

  /// The ending of a case's file in a batch.
  /// - Parameter result: The case.
  /// - Returns: ".png" for pictures, ".nii.gz" for scans.
  public static func ending(of result: Result) -> String { result.after.ending }
}
