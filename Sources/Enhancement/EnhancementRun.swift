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
    /// The command line, for the record.
    public var command = ""

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// An image: a picture, or a scan with the type of its file's values.
  package enum Content: Sendable {
    case picture(EnhancementPicture)
    case scan(Volume<Float>, storedAs: AnyVolume)

    /// Grey values.
    package var grey: Volume<Float> {
      switch self {
      case .picture(let picture): picture.grey
      case .scan(let volume, _): volume
      }
    }
  }

  /// One improved image.
  public struct Result: Sendable {
    /// What was done.
    public var record: EnhancementRecord
    /// The image before.
    package let before: Content
    /// The image after.
    package let after: Content
    /// The image that it was compared with, or nil.
    package let reference: Volume<Float>?
    /// What was odd about the input.
    public let problems: [InputProblem]

    package init(
      record: EnhancementRecord,
      before: Content,
      after: Content,
      reference: Volume<Float>?,
      problems: [InputProblem]
    ) {
      self.record = record
      self.before = before
      self.after = after
      self.reference = reference
      self.problems = problems
    }
  }

  private let stages: [any ScanStage]
  private let options: Options
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
    precondition(!stages.isEmpty, "no step")
    self.stages = stages
    self.options = options
    self.progress = progress
    self.interruption = interruption
  }

  /// Improves one image.
  /// - Parameter path: A file, or a folder or zip of DICOM.
  /// - Returns: The image before and after, and the record.
  /// - Throws: What reading and the steps throw; `EnhancementError.unfitReference`.
  public func improve(_ path: String) throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let (before, summary) = try read(path)
    var after = before
    var notes: [String] = []
    for stage in stages {
      after = try apply(stage, to: after, modality: summary?.modality, path: path, &notes)
    }
    let hidden = before.grey.voxels.count { !$0.isFinite }
    if hidden > 0 {
      notes.append("\(hidden) values were not finite and counted as the low end of the range.")
    }
    for note in notes { progress.note(note) }
    let (quality, reference) = try compare(before, after)
    let (old, new) = (before.grey.geometry, after.grey.geometry)
    let record = EnhancementRecord(
      input: path,
      stages: stages.map(\.record),
      sizeBefore: [old.size.x, old.size.y, old.size.z],
      sizeAfter: [new.size.x, new.size.y, new.size.z],
      spacingMM: [new.spacing.x, new.spacing.y, new.spacing.z],
      quality: quality,
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
      problems: summary?.problems ?? []
    )
  }

  /// A picture with its colours, or a volume.
  private func read(_ path: String) throws -> (Content, SeriesSummary?) {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if !isFolder.boolValue, PictureFormat().recognises(path) {
      let picture = try EnhancementPicture(path: path)
      if picture.hadAlpha { progress.note("\(path): its transparency is left out.") }
      return (.picture(picture), nil)
    }
    let loaded = try ImageFormats.read(path, selection: options.selection, progress: progress)
    return (.scan(loaded.volume.asFloat, storedAs: loaded.volume), loaded.summary)
  }

  private func apply(
    _ stage: any ScanStage,
    to content: Content,
    modality: String?,
    path: String,
    _ notes: inout [String]
  ) throws -> Content {
    switch content {
    case .scan(let volume, let stored):
      try stage.check(volume, modality: modality, path: path)
      let result = try stage.apply(volume, progress: progress, interruption: interruption)
      return .scan(result, storedAs: stored)
    case .picture(let picture):
      let grey = picture.grey
      try stage.check(grey, modality: modality, path: path)
      if let enhancer = stage as? Enhancer, enhancer.channelCount == 3,
        picture.channels.count == 3
      {
        let channels = try enhancer.apply(
          picture.channels,
          progress: progress,
          interruption: interruption
        )
        return .picture(EnhancementPicture(channels: channels, bits: picture.bits))
      }
      if picture.channels.count == 3 {
        notes.append(
          "\(stage.record.name) sees grey values: it was given the picture's luma, and the colours' "
            + "differences to it were kept."
        )
      }
      let result = try stage.apply(grey, progress: progress, interruption: interruption)
      return .picture(picture.replacingGrey(result))
    }
  }

  /// Compares with the reference before and after.
  private func compare(
    _ before: Content,
    _ after: Content
  ) throws -> (EnhancementRecord.Quality?, Volume<Float>?) {
    guard let path = options.reference else { return (nil, nil) }
    let reference = try read(path).0.grey
    let result = after.grey
    guard reference.geometry.size == result.geometry.size else {
      throw EnhancementError.unfitReference(
        path: path,
        reason: "it has \(words(reference.geometry.size)) voxels, and the result has "
          + words(result.geometry.size)
      )
    }
    let isPicture = if case .picture = after { true } else { false }
    if !isPicture, let difference = reference.geometry.difference(from: result.geometry) {
      throw EnhancementError.unfitReference(path: path, reason: difference)
    }
    var original = before.grey
    if original.geometry.size != reference.geometry.size {
      original = original.resampled(to: result.geometry, interpolation: .cubicBSpline)
    }
    let finite = reference.voxels.filter(\.isFinite)
    let extent = Double((finite.max() ?? 0) - (finite.min() ?? 0))
    let range = options.dataRange ?? (isPicture ? 255 : extent)
    guard finite.count == reference.voxels.count, range > 0 else {
      throw EnhancementError.unfitReference(
        path: path,
        reason: range > 0 ? "it holds values that are not finite" : "it is constant"
      )
    }
    func quality(_ image: Volume<Float>) throws -> ImageQuality {
      try ImageQuality(
        of: image.map { $0.isFinite ? $0 : 0 },
        reference: reference,
        dataRange: range,
        border: options.border
      )
    }
    return (
      EnhancementRecord.Quality(
        dataRange: range,
        before: try quality(original),
        after: try quality(Self.stored(result, after, options.keepsFractions))
      ),
      reference
    )
  }

  private func words(_ size: SIMD3<Int>) -> String { "\(size.x) x \(size.y) x \(size.z)" }

  /// Grey values as the output's file will hold them.
  private static func stored(
    _ grey: Volume<Float>,
    _ content: Content,
    _ keepsFractions: Bool
  ) -> Volume<Float> {
    switch content {
    case .picture(let picture):
      // The luma of colours that are rounded is not.
      guard picture.channels.count == 1 else { return grey }
      let steps: Float = picture.bits == 16 ? 257 : 1
      return grey.map { (min(max($0, 0), 255) * steps).rounded() / steps }
    case .scan(let volume, let stored):
      return keepsFractions ? volume : volume.stored(as: stored).asFloat
    }
  }

  /// Writes an improved image.
  /// - Parameters:
  ///   - result: The image.
  ///   - path: `.png` for pictures and single slices of these; `.nii`, `.nii.gz`, `.nrrd` or `.mha`.
  /// - Throws: `EnhancementError.unfitOutput`; `SupportError.unwritable`.
  public func write(_ result: Result, to path: String) throws {
    let name = path.lowercased()
    let volume: AnyVolume
    switch result.after {
    case .picture(let picture):
      if name.hasSuffix(".png") {
        do {
          try picture.png().write(to: URL(fileURLWithPath: path))
        } catch let error as any ClassifiedError {
          throw error
        } catch {
          throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
        }
        return
      }
      volume = .float32(picture.grey)
    case .scan(let scan, let stored):
      volume = options.keepsFractions ? .float32(scan) : scan.stored(as: stored)
    }
    if name.hasSuffix(".nii") || name.hasSuffix(".nii.gz") {
      try NIfTIWriter.write(volume, to: path)
    } else if name.hasSuffix(".nrrd") {
      try NRRDWriter.write(volume, to: path)
    } else if name.hasSuffix(".mha") {
      try MetaImageWriter.write(timePoints: [volume], to: path)
    } else {
      throw EnhancementError.unfitOutput(
        path: path,
        reason: name.hasSuffix(".png")
          ? "a scan is no picture; end it in .nii.gz" : "end it in .nii.gz, .nrrd, .mha or .png"
      )
    }
  }

  /// The ending of a case's file in a batch.
  /// - Parameter result: The case.
  /// - Returns: ".png" for pictures, ".nii.gz" for scans.
  public static func ending(of result: Result) -> String {
    if case .picture = result.after { ".png" } else { ".nii.gz" }
  }
}

extension Volume where Scalar == Float {
  /// The values in the type of another image: whole numbers are rounded and end where their type does.
  func stored(as other: AnyVolume) -> AnyVolume {
    func whole<Number: FixedWidthInteger & BitwiseCopyable & Sendable>(
      _: Number.Type
    ) -> Volume<Number> {
      map { value -> Number in
        guard value.isFinite else { return 0 }
        let rounded = Double(value.rounded())
        if rounded >= Double(Number.max) { return .max }
        return rounded <= Double(Number.min) ? .min : Number(rounded)
      }
    }
    switch other {
    case .int8: return .int8(whole(Int8.self))
    case .uint8: return .uint8(whole(UInt8.self))
    case .int16: return .int16(whole(Int16.self))
    case .uint16: return .uint16(whole(UInt16.self))
    case .int32: return .int32(whole(Int32.self))
    case .uint32: return .uint32(whole(UInt32.self))
    case .int64, .uint64, .float32, .float64: return .float32(self)
    }
  }
}
