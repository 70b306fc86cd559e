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
    let headerPath = NIfTIPair.headerPath(of: path)
    let status = NIfTIHeader.parse(headerPath, &header)
    switch cnifti_status(UInt32(bitPattern: status)) {
    case CNIFTI_OK: return true
    case CNIFTI_ANALYZE where NIfTIPair.isHeaderName(headerPath): return true
    case CNIFTI_ANALYZE, CNIFTI_TRUNCATED, CNIFTI_CORRUPT, CNIFTI_NOT_NIFTI:
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
  static func open(_ path: String) throws -> VolumeFile {
    let header = try NIfTIHeader(path: path)
    let placed = try NIfTIGeometry.geometry(of: header)
    let text = withUnsafeBytes(of: header.raw.description) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }.trimmingCharacters(in: .whitespacesAndNewlines)
    var file = VolumeFile(
      path: path,
      voxelPath: header.voxelPath,
      files: header.files,
      grid: placed.grid,
      type: header.type,
      isSwapped: header.raw.is_swapped != 0,
      scaling: scaling(header.raw),
      timePoints: header.timePoints,
      packing: .gzipOrPlain,
      skippedBytes: header.voxelOffset,
      description: text.isEmpty ? nil : text,
      problems: header.problems + placed.problems + scalingProblems(header.raw)
    )
    try file.checkFileSize()
    return file
  }

  /// The scaling that the header asks for, or nil for none (slope 0, or 1 with intercept 0).
  private static func scaling(_ raw: cnifti_header) -> (slope: Double, intercept: Double)? {
    guard raw.slope.isFinite, raw.intercept.isFinite, raw.slope != 0 else { return nil }
    return raw.slope == 1 && raw.intercept == 0 ? nil : (raw.slope, raw.intercept)
  }

  private static func scalingProblems(_ raw: cnifti_header) -> [InputProblem] {
    guard !(raw.slope.isFinite && raw.intercept.isFinite) else { return [] }
    return [
      InputProblem(
        code: "invalid-slope",
        message: "The header's slope \(raw.slope) and intercept \(raw.intercept) are "
          + "not both numbers; the stored values were taken unscaled.",
        remedy: "Check the values against the source, and set the slope to 1 or 0."
      )
    ]
  }

  /// Reads one volume.
  ///
  /// The values are in the file's scalar type, or floating-point when the header scales them (see
  /// `AnyVolume`). Infinite and undefined values are kept and counted as a problem. A grid whose
  /// third axis leans keeps the slices' own axes and the shift when the values are labels (whole
  /// numbers from 0 to 65535); other sheared grids get the nearest rotation. Both are problems.
  /// - Parameters:
  ///   - path: A .nii, .nii.gz, .hdr or .img file.
  ///   - selection: The time point of a 4-D file, as `volume`, from 1.
  /// - Returns: The volume; `summary.problems` says what is odd about it.
  /// - Throws: `ImagingIOError.damaged` when the file contradicts itself or ends early,
  ///   `.unsupported` for colours, complex values and vectors, `.severalVolumes` when a time point
  ///   must be chosen, `.noSuchSelection`; `SupportError.notFound` or `.unreadable`.
  public static func read(
    _ path: String,
    selection: VolumeSelection = VolumeSelection()
  ) throws -> LoadedVolume {
    try open(path).read(selection)
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
