import CNIfTI
import Foundation
import Support

/// A NIfTI file's header, checked against the file's size, and where its voxels are.
struct NIfTIHeader {
  /// The fields as stored, in the machine's byte order.
  let raw: cnifti_header
  /// The file that the user named.
  let path: String
  /// The file that holds the voxels: the same, or the .img of a pair.
  let voxelPath: String
  /// The voxels' type.
  let type: ScalarType
  /// Voxels along x, y, z, and time points; at least 1 each.
  let size: [Int]
  /// Whether the file says that it holds a 2-D image.
  let isPlanar: Bool
  /// Bytes before the first voxel.
  let voxelOffset: Int
  /// What was odd about the fields.
  let problems: [InputProblem]

  var timePoints: Int { size[3] }
  var files: [String] { voxelPath == headerPath ? [headerPath] : [headerPath, voxelPath] }

  private let headerPath: String

  /// Reads and checks the header of a .nii, .hdr or .img file.
  init(path: String) throws {
    try VolumeFile.checkReadable(path)
    let headerPath = NIfTIPair.headerPath(of: path)
    if headerPath != path { try VolumeFile.checkReadable(headerPath) }
    var raw = cnifti_header()
    var problems: [InputProblem] = []
    switch Self.parse(headerPath, &raw) {
    case Int32(CNIFTI_OK.rawValue): break
    case Int32(CNIFTI_SYSTEM.rawValue):
      throw SupportError.unreadable(path: headerPath, reason: String(cString: strerror(errno)))
    case Int32(CNIFTI_TRUNCATED.rawValue):
      throw ImagingIOError.damaged(
        path: headerPath,
        reason: VolumeFile.fileSize(headerPath) == 0
          ? "the file is empty" : "the file ends within its header"
      )
    case Int32(CNIFTI_CORRUPT.rawValue):
      throw ImagingIOError.damaged(
        path: headerPath,
        reason: "its compressed data are damaged at the start"
      )
    case Int32(CNIFTI_ANALYZE.rawValue) where NIfTIPair.isHeaderName(headerPath):
      // Analyze 7.5 has the same fields up to the spacing and none for the place in the patient.
      problems.append(
        InputProblem(
          code: "analyze",
          message: "The file is an Analyze 7.5 image; its values were taken unscaled.",
          remedy: "Convert the source images anew to NIfTI."
        )
      )
    default:
      throw ImagingIOError.damaged(path: headerPath, reason: "it has no NIfTI header")
    }
    self.raw = raw
    self.path = path
    self.headerPath = headerPath
    type = try NIfTIDatatype.type(code: raw.datatype, path: headerPath)
    (size, isPlanar) = try Self.size(raw, path: headerPath)
    voxelPath =
      raw.is_pair == 0 ? headerPath : try NIfTIPair.voxelPath(ofHeader: headerPath)
    let headerBytes = raw.version == 1 ? 352 : 544
    if raw.is_pair != 0 {
      voxelOffset = try Self.offset(raw.voxel_offset, path: headerPath)
    } else {
      let stated = try Self.offset(raw.voxel_offset, path: headerPath)
      voxelOffset = max(stated, headerBytes)
      if stated < headerBytes {
        problems.append(
          InputProblem(
            code: "invalid-voxel-offset",
            message: "The voxels are said to begin at byte \(stated), within the header; "
              + "they were read from byte \(headerBytes).",
            remedy: "Check that the picture looks right, and write the file anew."
          )
        )
      }
    }
    let headerEnd =
      raw.is_pair == 0 ? voxelOffset : VolumeFile.fileSize(headerPath)
    if raw.extension_flag != 0, headerEnd > headerBytes {
      problems.append(
        InputProblem(
          code: "header-extensions",
          message: "The header carries \(headerEnd - headerBytes) bytes of extensions, "
            + "which were not read and are not copied.",
          remedy: "Remove them before passing the file on if they may identify the patient."
        )
      )
    }
    self.problems = problems
  }

  /// Parses the start of a plain or gzip file.
  static func parse(_ path: String, _ header: inout cnifti_header) -> Int32 {
    let start: [UInt8]
    do {
      start = try PackedSource(path: path).read(upTo: 544)
    } catch is ImagingIOError {
      // A stream that breaks after the header is found out when the voxels are read.
      guard let some = prefixOfBrokenStream(path) else { return Int32(CNIFTI_CORRUPT.rawValue) }
      return cnifti_parse_header(some, some.count, &header)
    } catch {
      return Int32(CNIFTI_SYSTEM.rawValue)
    }
    return cnifti_parse_header(start, start.count, &header)
  }

  private static func prefixOfBrokenStream(_ path: String) -> [UInt8]? {
    for count in [540, 352, 348] {
      if let bytes = try? PackedSource(path: path).read(upTo: count), bytes.count == count {
        return bytes
      }
    }
    return nil
  }

  private static func size(_ raw: cnifti_header, path: String) throws -> ([Int], Bool) {
    let dimensions = withUnsafeBytes(of: raw.dim) { Array($0.bindMemory(to: Int64.self)) }
    guard (1...7).contains(dimensions[0]) else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its header claims \(dimensions[0]) dimensions"
      )
    }
    let count = Int(dimensions[0])
    var size = [1, 1, 1, 1]
    for axis in 1...count {
      guard dimensions[axis] >= 1 else {
        throw ImagingIOError.damaged(
          path: path,
          reason: "its header claims \(dimensions[axis]) voxels along axis \(axis)"
        )
      }
      guard axis <= 4 || dimensions[axis] == 1 else {
        let intent = raw.intent_code == 0 ? "" : ", intent \(raw.intent_code)"
        throw ImagingIOError.unsupported(
          path: path,
          what: "an image of \(count) dimensions (vectors or tensors\(intent))",
          remedy: "give images with one value a voxel"
        )
      }
      if axis <= 4 { size[axis - 1] = Int(dimensions[axis]) }
    }
    try VolumeFile.check(sizes: dimensions[1...count].map(Int.init), path: path)
    guard count >= 2 else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "a one-dimensional signal",
        remedy: "give an image of 2 or 3 dimensions"
      )
    }
    return (size, count == 2)
  }

  private static func offset(_ value: Double, path: String) throws -> Int {
    guard value.isFinite, value >= 0, value < 1e15 else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its header places the voxels at byte \(value)"
      )
    }
    return Int(value)
  }
}

/// The names of the two files of a .hdr/.img pair.
enum NIfTIPair {
  /// Whether the name is one of a pair's header.
  static func isHeaderName(_ path: String) -> Bool {
    [".hdr", ".hdr.gz"].contains { path.lowercased().hasSuffix($0) }
  }

  /// The header's file when the path is an .img, else the path itself.
  static func headerPath(of path: String) -> String {
    for (image, header) in [(".img", ".hdr"), (".img.gz", ".hdr.gz"), (".IMG", ".HDR")] {
      guard path.hasSuffix(image) else { continue }
      let base = String(path.dropLast(image.count))
      return first([base + header, base + ".hdr", base + ".hdr.gz"]) ?? base + header
    }
    return path
  }

  /// The voxels' file of a header's.
  static func voxelPath(ofHeader path: String) throws(SupportError) -> String {
    var base = path
    for ending in [".gz", ".hdr", ".HDR", ".nii"] where base.hasSuffix(ending) {
      base = String(base.dropLast(ending.count))
    }
    let wanted = path.hasSuffix(".gz") ? base + ".img.gz" : base + ".img"
    guard let found = first([wanted, base + ".img", base + ".img.gz", base + ".IMG"]) else {
      throw .notFound(path: wanted)
    }
    return found
  }

  private static func first(_ candidates: [String]) -> String? {
    candidates.first { FileManager.default.fileExists(atPath: $0) }
  }
}

/// The voxel types of NIfTI (nifti1.h, "datatype").
enum NIfTIDatatype {
  private static let codes: [(Int32, ScalarType)] = [
    (2, .uint8), (4, .int16), (8, .int32), (16, .float32), (64, .float64), (256, .int8),
    (512, .uint16), (768, .uint32), (1024, .int64), (1280, .uint64),
  ]

  /// The code of a type.
  static func code(of type: ScalarType) -> Int32 {
    codes.first { $0.1 == type }?.0 ?? 0
  }

  /// The type of a code.
  static func type(code: Int32, path: String) throws(ImagingIOError) -> ScalarType {
    if let known = codes.first(where: { $0.0 == code }) { return known.1 }
    let complex = (
      "complex values, which cannot be segmented",
      "store what is meant, the magnitude or the phase, as floating-point values"
    )
    let colour = (
      "colours, which cannot be segmented as a volume", "convert them to grey values"
    )
    let others: [Int32: (String, String)] = [
      1: ("1-bit voxels", "convert them to 8-bit integers"),
      32: complex,
      128: ("RGB " + colour.0, colour.1),
      1536: ("128-bit floating-point values", "convert them to 64 bits"),
      1792: complex,
      2048: complex,
      2304: ("RGBA " + colour.0, colour.1),
    ]
    guard let (what, remedy) = others[code] else {
      throw .damaged(path: path, reason: "its header names the unknown voxel type \(code)")
    }
    throw .unsupported(path: path, what: what, remedy: remedy)
  }
}
