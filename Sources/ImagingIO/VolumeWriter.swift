import Foundation
import Imaging
import Support

/// Writes volumes as NRRD files (format NRRD0004), voxels in the same file.
///
/// Positions are stated in LPS with space directions and origin. The same values give the same
/// bytes. The writer writes to the very path it is given; temporary names are the caller's
/// (`OutputGuard`).
public enum NRRDWriter {
  /// How the voxels are stored.
  public enum Encoding: String, Sendable {
    /// As they are.
    case raw
    /// By gzip.
    case gzip
  }

  /// Writes a volume in its scalar type, in the machine's byte order.
  /// - Parameters:
  ///   - volume: The volume; a planar one gets two axes and no place in the patient.
  ///   - path: The file, ending in .nrrd.
  ///   - encoding: How the voxels are stored.
  /// - Throws: `ImagingIOError.unknownOutputFormat` for other endings; `SupportError.unwritable`
  ///   when the system refuses or the disk is full.
  public static func write(
    _ volume: AnyVolume,
    to path: String,
    encoding: Encoding = .gzip
  ) throws {
    try write(timePoints: [volume], to: path, encoding: encoding)
  }

  /// Writes volumes of one grid and type as a list along a fourth axis.
  /// - Parameters:
  ///   - timePoints: The volumes, at least one.
  ///   - path: The file, ending in .nrrd.
  ///   - encoding: How the voxels are stored.
  /// - Precondition: All volumes have the same grid and scalar type.
  /// - Throws: As `write(_:to:encoding:)`.
  public static func write(
    timePoints: [AnyVolume],
    to path: String,
    encoding: Encoding = .gzip
  ) throws {
    guard path.lowercased().hasSuffix(".nrrd") else {
      throw ImagingIOError.unknownOutputFormat(path: path)
    }
    let first = VolumeWriter.common(timePoints)
    let geometry = first.geometry
    let names: [ScalarType: String] = [
      .int8: "int8", .uint8: "uint8", .int16: "int16", .uint16: "uint16", .int32: "int32",
      .uint32: "uint32", .int64: "int64", .uint64: "uint64", .float32: "float",
      .float64: "double",
    ]
    let axes = geometry.isPlanar ? 2 : 3
    let isList = timePoints.count > 1
    var lines = [
      "NRRD0004", "type: \(names[first.scalarType] ?? "")", "dimension: \(axes + (isList ? 1 : 0))",
    ]
    var sizes = (0..<axes).map { "\(geometry.size[$0])" }
    var kinds = [String](repeating: "domain", count: axes)
    if isList {
      sizes.append("\(timePoints.count)")
      kinds.append("list")
    }
    if geometry.isPlanar {
      let spacings = [geometry.spacing.x, geometry.spacing.y].map { "\($0)" }
      lines.append(
        "spacings: " + (spacings + (isList ? ["nan"] : [])).joined(separator: " ")
      )
    } else {
      lines.append("space: left-posterior-superior")
      let directions = (0..<3).map { axis in
        VolumeWriter.vector(geometry.direction.columns[axis] * geometry.spacing[axis])
      }
      lines.append(
        "space directions: " + (directions + (isList ? ["none"] : [])).joined(separator: " ")
      )
    }
    lines.append("sizes: " + sizes.joined(separator: " "))
    lines.append("kinds: " + kinds.joined(separator: " "))
    lines.append("endian: " + (1.littleEndian == 1 ? "little" : "big"))
    lines.append("encoding: \(encoding.rawValue)")
    if !geometry.isPlanar {
      lines.append("space origin: " + VolumeWriter.vector(geometry.origin))
    }
    let header = lines.joined(separator: "\n") + "\n\n"
    let sink = try PackedSink(
      path: path,
      packing: encoding == .raw ? .plain : .gzip(VolumeWriter.effort(first)),
      header: Array(header.utf8)
    )
    try VolumeWriter.put(timePoints, into: sink)
    try sink.finish()
  }
}

/// Writes volumes as MetaImage files, header and voxels in one .mha file.
///
/// Positions are LPS mm as ITK reads them. The same values give the same bytes. The writer writes
/// to the very path it is given; temporary names are the caller's (`OutputGuard`).
public enum MetaImageWriter {
  /// Writes a volume in its scalar type, in the machine's byte order.
  /// - Parameters:
  ///   - volume: The volume; a planar one gets two axes.
  ///   - path: The file, ending in .mha.
  ///   - isCompressed: Whether the voxels are packed as a zlib stream.
  /// - Throws: `ImagingIOError.unknownOutputFormat` for other endings; `SupportError.unwritable`
  ///   when the system refuses or the disk is full.
  public static func write(
    _ volume: AnyVolume,
    to path: String,
    isCompressed: Bool = true
  ) throws {
    try write(timePoints: [volume], to: path, isCompressed: isCompressed)
  }

  /// Writes volumes of one grid and type as a 4-D image.
  /// - Parameters:
  ///   - timePoints: The volumes, at least one, not planar when there are several.
  ///   - path: The file, ending in .mha.
  ///   - isCompressed: Whether the voxels are packed as a zlib stream.
  /// - Precondition: All volumes have the same grid and scalar type.
  /// - Throws: As `write(_:to:isCompressed:)`.
  public static func write(
    timePoints: [AnyVolume],
    to path: String,
    isCompressed: Bool = true
  ) throws {
    guard path.lowercased().hasSuffix(".mha") else {
      throw ImagingIOError.unknownOutputFormat(path: path)
    }
    let first = VolumeWriter.common(timePoints)
    let geometry = first.geometry
    let types: [ScalarType: String] = [
      .int8: "MET_CHAR", .uint8: "MET_UCHAR", .int16: "MET_SHORT", .uint16: "MET_USHORT",
      .int32: "MET_INT", .uint32: "MET_UINT", .int64: "MET_LONG_LONG", .uint64: "MET_ULONG_LONG",
      .float32: "MET_FLOAT", .float64: "MET_DOUBLE",
    ]
    let axes = timePoints.count > 1 ? 4 : geometry.isPlanar ? 2 : 3
    func row(_ body: (Int) -> Double) -> String {
      (0..<axes).map { "\(body($0))" }.joined(separator: " ")
    }
    let matrix = (0..<axes).map { axis in
      row { axis < 3 && $0 < 3 ? geometry.direction[$0, axis] + 0 : axis == $0 ? 1 : 0 }
    }.joined(separator: " ")
    var header =
      "ObjectType = Image\nNDims = \(axes)\nBinaryData = True\n"
      + "BinaryDataByteOrderMSB = \(1.littleEndian == 1 ? "False" : "True")\n"
      + "CompressedData = \(isCompressed ? "True" : "False")\n"
    let sizePlace = header.utf8.count + "CompressedDataSize = ".utf8.count
    if isCompressed {
      // The number is filled in when it is known; 19 digits hold every 64-bit length.
      header += "CompressedDataSize = " + String(repeating: " ", count: 19) + "\n"
    }
    header +=
      "TransformMatrix = \(matrix)\n"
      + "Offset = \(row { $0 < 3 ? geometry.origin[$0] + 0 : 0 })\n"
      + "CenterOfRotation = \(row { _ in 0 })\n"
      + "ElementSpacing = \(row { $0 < 3 ? geometry.spacing[$0] : 1 })\n"
      + "DimSize = "
      + (0..<axes).map { "\($0 < 3 ? geometry.size[$0] : timePoints.count)" }
      .joined(separator: " ")
      + "\nElementType = \(types[first.scalarType] ?? "")\nElementDataFile = LOCAL\n"
    let sink = try PackedSink(
      path: path,
      packing: isCompressed ? .zlib(VolumeWriter.effort(first)) : .plain,
      header: Array(header.utf8)
    )
    try VolumeWriter.put(timePoints, into: sink)
    try sink.finish()
    guard isCompressed else { return }
    do {
      guard let file = FileHandle(forUpdatingAtPath: path) else {
        throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
      }
      try file.seek(toOffset: UInt64(sizePlace))
      try file.write(contentsOf: Data("\(sink.writtenBytes - header.utf8.count)".utf8))
      try file.close()
    } catch let error as SupportError {
      throw error
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }
}

/// What the writers of NRRD and MetaImage share.
enum VolumeWriter {
  /// The first of volumes of one grid and type.
  static func common(_ volumes: [AnyVolume]) -> AnyVolume {
    guard let first = volumes.first else { preconditionFailure("no volume to write") }
    for volume in volumes.dropFirst() {
      precondition(
        volume.geometry == first.geometry && volume.scalarType == first.scalarType,
        "time points of different grids or types"
      )
    }
    return first
  }

  /// 8-bit volumes are mostly label maps or masks, whose long runs are worth the effort.
  static func effort(_ volume: AnyVolume) -> PackedSink.Effort {
    volume.scalarType == .uint8 ? .small : .fast
  }

  static func put(_ volumes: [AnyVolume], into sink: PackedSink) throws(SupportError) {
    for volume in volumes {
      try volume.withBytes { bytes throws(SupportError) in try sink.write(bytes) }
    }
  }

  static func vector(_ value: SIMD3<Double>) -> String {
    // Adding 0 turns -0 into 0.
    "(\(value.x + 0),\(value.y + 0),\(value.z + 0))"
  }
}
