import CNIfTI
import Foundation
import Imaging
import Support

/// Writes volumes and label maps as NIfTI files.
///
/// The ending chooses the form: `.nii`, `.nii.gz`, or `.hdr` / `.img` (with `.gz`) for a pair. The
/// sform and the qform are both set, with the code of scanner coordinates, in mm. The same values
/// give the same bytes: compressed files carry no time stamp. The writer writes to the very path it
/// is given; temporary names are the caller's (`OutputGuard`).
public enum NIfTIWriter {
  /// Which header to write.
  public enum HeaderVersion: Sendable {
    /// NIfTI-1, or NIfTI-2 when an axis has more than 32767 voxels.
    case automatic
    /// NIfTI-2.
    case two
  }

  /// Writes a volume in its scalar type, unscaled.
  /// - Parameters:
  ///   - volume: The volume.
  ///   - path: The file, by its ending.
  ///   - version: Which header to write.
  ///   - shift: How the slices are shifted against each other; the sform states it, and there is
  ///     no qform then, as that cannot.
  /// - Throws: `ImagingIOError.unknownOutputFormat` for other endings; `SupportError.unwritable`
  ///   when the system refuses or the disk is full.
  public static func write(
    _ volume: AnyVolume,
    to path: String,
    version: HeaderVersion = .automatic,
    shift: SliceShift? = nil
  ) throws {
    try write(timePoints: [volume], secondsApart: 0, to: path, version: version, shift: shift)
  }

  /// Writes volumes of one grid and type as the time points of a 4-D file.
  /// - Parameters:
  ///   - timePoints: The volumes, at least one.
  ///   - secondsApart: The time from one to the next, or 0 when unknown.
  ///   - path: The file, by its ending.
  ///   - version: Which header to write.
  ///   - shift: How the slices are shifted against each other.
  /// - Precondition: All volumes have the same grid and scalar type.
  /// - Throws: As `write(_:to:version:shift:)`.
  public static func write(
    timePoints: [AnyVolume],
    secondsApart: Double,
    to path: String,
    version: HeaderVersion = .automatic,
    shift: SliceShift? = nil
  ) throws {
    guard let first = timePoints.first else { preconditionFailure("no volume to write") }
    for volume in timePoints.dropFirst() {
      precondition(
        volume.geometry == first.geometry && volume.scalarName == first.scalarName,
        "time points of different grids or types"
      )
    }
    var header = header(first.geometry, type: first.scalarType, version: version, shift: shift)
    if timePoints.count > 1 {
      header.dim.0 = 4
      header.dim.4 = Int64(timePoints.count)
      header.pixdim.4 = secondsApart
      header.units |= 8  // seconds
      if timePoints.count > 32767 { header.version = 2 }
    }
    try write(header, to: path, effort: .fast) { file throws(SupportError) in
      for volume in timePoints {
        try volume.withBytes { bytes throws(SupportError) in try file.write(bytes) }
      }
    }
  }

  /// Writes a label map, in 8 bits when every label is below 256, else in 16.
  /// - Parameters:
  ///   - labelMap: The label map; the table is not part of the file.
  ///   - path: The file, by its ending.
  ///   - version: Which header to write.
  ///   - shift: How the slices are shifted against each other.
  /// - Throws: As `write(_:to:version:shift:)`.
  public static func write(
    _ labelMap: LabelMap,
    to path: String,
    version: HeaderVersion = .automatic,
    shift: SliceShift? = nil
  ) throws {
    let isSmall = labelMap.labels.allSatisfy { $0 < 256 }
    let type = isSmall ? ScalarType.uint8 : .uint16
    var header = header(labelMap.geometry, type: type, version: version, shift: shift)
    header.intent_code = 1002  // NIFTI_INTENT_LABEL
    try write(header, to: path, effort: .small) { file throws(SupportError) in
      if isSmall {
        try file.write(labelMap.labels.map { UInt8(truncatingIfNeeded: $0) })
      } else {
        try file.write(labelMap.labels)
      }
    }
  }

  private static func write(
    _ header: cnifti_header,
    to path: String,
    effort: PackedSink.Effort,
    _ voxels: (PackedSink) throws(SupportError) -> Void
  ) throws {
    let target = try Target(path: path)
    var header = header
    header.is_pair = target.voxelPath == nil ? 0 : 1
    let headerBytes = header.version == 1 ? 352.0 : 544
    header.voxel_offset = target.voxelPath == nil ? headerBytes : 0
    var bytes = [UInt8](repeating: 0, count: 544)
    var count: Int32 = 0
    guard cnifti_header_bytes(&header, &bytes, &count) == Int32(CNIFTI_OK.rawValue) else {
      throw SupportError.libraryFailure(library: "libnifti")
    }
    let packing = target.isCompressed ? PackedSink.Packing.gzip(effort) : .plain
    let file = try PackedSink(path: target.headerPath, packing: packing)
    try file.write(Array(bytes[0..<Int(count)]))
    guard let voxelPath = target.voxelPath else {
      try voxels(file)
      return try file.finish()
    }
    try file.finish()
    let second = try PackedSink(path: voxelPath, packing: packing)
    try voxels(second)
    try second.finish()
  }

  /// The header of a geometry; LPS becomes RAS here.
  private static func header(
    _ geometry: ImageGeometry,
    type: ScalarType,
    version: HeaderVersion,
    shift: SliceShift?
  ) -> cnifti_header {
    var header = cnifti_header()
    header.version = version == .two || geometry.size.max() > 32767 ? 2 : 1
    header.datatype = NIfTIDatatype.code(of: type)
    header.bits_per_voxel = Int32(type.bytes * 8)
    header.dim = (
      geometry.isPlanar ? 2 : 3, Int64(geometry.size.x), Int64(geometry.size.y),
      Int64(geometry.size.z), 1, 1, 1, 1
    )
    header.pixdim = (1, geometry.spacing.x, geometry.spacing.y, geometry.spacing.z, 1, 1, 1, 1)
    header.units = 2  // mm
    header.slope = 1
    header.qform_code = shift == nil ? 1 : 0
    header.sform_code = 1
    var rows = [Double](repeating: 0, count: 12)
    var axes = geometry.direction
    for column in 0..<3 { axes.columns[column] *= geometry.spacing[column] }
    if let shift = shift?.shift {
      axes.columns[2] += geometry.direction * SIMD3(shift.x, shift.y, 0)
    }
    for row in 0..<3 {
      let sign = row < 2 ? -1.0 : 1.0
      for column in 0..<3 {
        // Adding 0 turns -0 into 0.
        rows[4 * row + column] = sign * axes[row, column] + 0
      }
      rows[4 * row + 3] = sign * geometry.origin[row] + 0
    }
    withUnsafeMutableBytes(of: &header.sform) {
      $0.copyBytes(from: rows.withUnsafeBytes(Array.init))
    }
    _ = cnifti_set_qform(&header, rows)
    withUnsafeMutableBytes(of: &header.description) {
      $0.copyBytes(from: Array("Lamina \(Version.current)".utf8))
    }
    return header
  }

  /// The file or files of an output path.
  private struct Target {
    let headerPath: String
    let voxelPath: String?
    let isCompressed: Bool

    init(path: String) throws(ImagingIOError) {
      isCompressed = path.lowercased().hasSuffix(".gz")
      let base = isCompressed ? String(path.dropLast(3)) : path
      let ending = isCompressed ? String(path.suffix(3)) : ""
      switch base.lowercased().suffix(4) {
      case ".nii":
        headerPath = path
        voxelPath = nil
      case ".hdr", ".img":
        headerPath = base.dropLast(4) + ".hdr" + ending
        voxelPath = base.dropLast(4) + ".img" + ending
      default:
        throw .unknownOutputFormat(path: path)
      }
    }
  }
}
