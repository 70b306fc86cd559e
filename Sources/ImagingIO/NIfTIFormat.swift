import CNIfTI
import Foundation
import Imaging
import Support

/// NIfTI-1 and NIfTI-2 files: .nii, .nii.gz, and .hdr/.img pairs, of either byte order.
///
/// A file is one series. A 4-D file holds one volume for each time point.
public struct NIfTIFormat: ImageFormat {
  /// Creates the format.
  public init() {}

  /// "NIfTI".
  public var name: String { "NIfTI" }

  /// Whether the file begins with a NIfTI header, or its name says that it should.
  /// - Parameter path: A file that exists.
  /// - Returns: True when the errors of `read` are those to show.
  public func recognises(_ path: String) -> Bool {
    var header = cnifti_header()
    let status = cnifti_read_header(NIfTIPair.headerPath(of: path), &header)
    switch cnifti_status(UInt32(bitPattern: status)) {
    case CNIFTI_OK, CNIFTI_ANALYZE: return true
    case CNIFTI_TRUNCATED, CNIFTI_CORRUPT, CNIFTI_NOT_NIFTI:
      // What calls itself NIfTI is told what is wrong with it as such.
      return [".nii", ".nii.gz"].contains { path.lowercased().hasSuffix($0) }
        && FileManager.default.fileExists(atPath: path)
    default: return false
    }
  }

  /// Reads the header only.
  /// - Parameters:
  ///   - path: The file.
  ///   - progress: Not used; headers are short.
  /// - Returns: One summary.
  /// - Throws: As `NIfTIReader.read`.
  public func inspect(_ path: String, progress: any ProgressReporter) throws -> [SeriesSummary] {
    [try NIfTIReader.open(path).summary]
  }

  /// Reads one volume.
  /// - Parameters:
  ///   - path: The file.
  ///   - selection: The time point of a 4-D file, as `volume`.
  ///   - progress: Not used.
  /// - Returns: The volume.
  /// - Throws: As `NIfTIReader.read`.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    try NIfTIReader.read(path, selection: selection)
  }
}

/// Reads volumes and label maps from NIfTI files.
public enum NIfTIReader {
  /// A file whose header is understood.
  struct OpenFile {
    let header: NIfTIHeader
    let voxels: NIfTIVoxels
    var summary: SeriesSummary
  }

  static func open(_ path: String) throws -> OpenFile {
    let header = try NIfTIHeader(path: path)
    let (geometry, problems) = try {
      let result = try NIfTIGeometry.geometry(of: header)
      return (result.geometry, result.problems)
    }()
    let voxels = NIfTIVoxels(header: header, geometry: geometry)
    let text = withUnsafeBytes(of: header.raw.description) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }.trimmingCharacters(in: .whitespacesAndNewlines)
    let size = header.timePoints > 1 ? header.size : Array(header.size[0..<3])
    let summary = SeriesSummary(
      uid: "",
      modality: nil,
      description: text.isEmpty ? nil : text,
      slices: header.size[2],
      transferSyntax: nil,
      problems: header.problems + problems + voxels.scalingProblems,
      volumes: [
        VolumeSummary(
          number: 1,
          size: size,
          spacingMM: [geometry.spacing.x, geometry.spacing.y, geometry.spacing.z],
          orientation: geometry.orientation.code,
          why: header.timePoints > 1 ? "\(header.timePoints) time points" : "the file's only volume"
        )
      ]
    )
    return OpenFile(header: header, voxels: voxels, summary: summary)
  }

  /// Reads one volume.
  ///
  /// The values are in the file's scalar type, or floating-point when the header scales them (see
  /// `AnyVolume`). Infinite and undefined values are kept and counted as a problem.
  /// - Parameters:
  ///   - path: A .nii, .nii.gz, .hdr or .img file.
  ///   - selection: The time point of a 4-D file, as `timePoint` or `volume`, from 1.
  /// - Returns: The volume; `summary.problems` says what is odd about it.
  /// - Throws: `ImagingIOError.damaged` when the file contradicts itself or ends early,
  ///   `.unsupported` for colours, complex values and vectors, `.severalTimePoints` when one
  ///   must be chosen, `.noSuchSelection`; `SupportError.notFound` or `.unreadable`.
  public static func read(
    _ path: String,
    selection: VolumeSelection = VolumeSelection()
  ) throws -> LoadedVolume {
    let file = try open(path)
    let points = file.header.timePoints
    if let series = selection.series, series != "1" {
      throw ImagingIOError.noSuchSelection(path: path, selection: "series \(series)")
    }
    if selection.timePoint == nil, selection.volume == nil, points > 1 {
      throw ImagingIOError.severalTimePoints(
        path: path,
        choices: (1...points).map { "time point \($0)" }
      )
    }
    let number = selection.timePoint ?? selection.volume ?? 1
    guard (1...points).contains(number) else {
      throw ImagingIOError.noSuchSelection(path: path, selection: "volume \(number)")
    }
    let volume = try file.voxels.read(timePoint: number - 1)
    var summary = file.summary
    let nonFinite = volume.nonFiniteCount
    if nonFinite > 0 {
      summary.problems.append(
        InputProblem(
          code: "non-finite-values",
          message: "\(nonFinite) voxels are infinite or not a number.",
          remedy: "Replace them, for example by 0, before computing with the image."
        )
      )
    }
    return LoadedVolume(volume: volume, summary: summary, files: file.header.files)
  }

  /// Reads a label map.
  /// - Parameters:
  ///   - path: A NIfTI file of one volume, of any scalar type, whose values are whole numbers.
  ///   - table: The meanings; labels outside it are kept, `checkTable` finds them.
  /// - Returns: The label map.
  /// - Throws: As `read`; `ImagingIOError.unsupported` when values are not whole numbers from 0 to
  ///   65535, with the number of such voxels.
  public static func readLabelMap(_ path: String, table: [LabelDefinition]) throws -> LabelMap {
    try labelMap(from: read(path).volume, table: table, path: path)
  }

  /// Turns values into labels.
  /// - Parameters:
  ///   - volume: Whole numbers from 0 to 65535 in any scalar type.
  ///   - table: The meanings.
  ///   - path: The file that the volume came from, for the message.
  /// - Returns: The label map.
  /// - Throws: `ImagingIOError.unsupported` when other values are there.
  public static func labelMap(
    from volume: AnyVolume,
    table: [LabelDefinition],
    path: String
  ) throws(ImagingIOError) -> LabelMap {
    let (labels, bad): ([UInt16], Int) =
      switch volume {
      case .int8(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      case .uint8(let volume): labels(volume.voxels) { UInt16($0) }
      case .int16(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      case .uint16(let volume): (volume.voxels, 0)
      case .int32(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      case .uint32(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      case .int64(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      case .uint64(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      case .float32(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      case .float64(let volume): labels(volume.voxels) { UInt16(exactly: $0) }
      }
    guard bad == 0 else {
      throw .unsupported(
        path: path,
        what: "\(bad) voxels that are not whole numbers from 0 to 65535",
        remedy: "give a label map, not an image or probabilities"
      )
    }
    return LabelMap(geometry: volume.geometry, labels: labels, table: table)
  }

  @inline(__always)
  private static func labels<Value>(
    _ values: [Value],
    _ convert: (Value) -> UInt16?
  ) -> ([UInt16], Int) {
    var bad = 0
    let labels = values.map { value in
      if let label = convert(value) { return label }
      bad += 1
      return 0
    }
    return (labels, bad)
  }
}
