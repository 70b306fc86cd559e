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
  let datatype: NIfTIDatatype
  /// Voxels along x, y, z, and time points; at least 1 each.
  let size: [Int]
  /// Whether the file says that it holds a 2-D image.
  let isPlanar: Bool
  /// Bytes before the first voxel.
  let voxelOffset: Int
  /// What was odd about the fields.
  let problems: [InputProblem]

  var timePoints: Int { size[3] }
  var voxelsPerVolume: Int { size[0] * size[1] * size[2] }
  var bytesPerVolume: Int { voxelsPerVolume * datatype.bytes }
  var files: [String] { voxelPath == headerPath ? [headerPath] : [headerPath, voxelPath] }

  private let headerPath: String

  /// Deflate cannot shrink data by more than this (zlib's technical notes: 1032 to 1).
  private static let maximumDeflateRatio = 1032

  /// Reads and checks the header of a .nii, .hdr or .img file.
  init(path: String) throws {
    try Self.checkReadable(path)
    let headerPath = NIfTIPair.headerPath(of: path)
    if headerPath != path { try Self.checkReadable(headerPath) }
    var raw = cnifti_header()
    switch cnifti_read_header(headerPath, &raw) {
    case Int32(CNIFTI_OK.rawValue): break
    case Int32(CNIFTI_SYSTEM.rawValue):
      throw SupportError.unreadable(path: headerPath, reason: String(cString: strerror(errno)))
    case Int32(CNIFTI_TRUNCATED.rawValue):
      throw ImagingIOError.damaged(
        path: headerPath,
        reason: Self.fileSize(headerPath) == 0
          ? "the file is empty" : "the file ends within its header"
      )
    case Int32(CNIFTI_CORRUPT.rawValue):
      throw ImagingIOError.damaged(
        path: headerPath,
        reason: "its compressed data are damaged at the start"
      )
    case Int32(CNIFTI_ANALYZE.rawValue):
      throw ImagingIOError.unsupported(
        path: headerPath,
        what: "an Analyze 7.5 image, whose orientation is not known",
        remedy: "convert it to NIfTI with a program that knows its origin"
      )
    case Int32(CNIFTI_NO_MEMORY.rawValue):
      throw SupportError.libraryFailure(library: "zlib")
    default:
      throw ImagingIOError.damaged(path: headerPath, reason: "it has no NIfTI header")
    }
    var problems: [InputProblem] = []
    self.raw = raw
    self.path = path
    self.headerPath = headerPath
    datatype = try NIfTIDatatype(code: raw.datatype, path: headerPath)
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
    self.problems = problems
    try checkFileSize()
  }

  private func checkFileSize() throws {
    let found = Self.fileSize(voxelPath)
    let (data, overflow) = bytesPerVolume.multipliedReportingOverflow(by: timePoints)
    let expected = overflow ? Int.max : voxelOffset + data
    let claim = size.map(String.init).joined(separator: " x ")
    if try isCompressed {
      guard expected / Self.maximumDeflateRatio <= found else {
        throw ImagingIOError.damaged(
          path: voxelPath,
          reason: "its header claims \(claim) voxels, \(expected) bytes, which \(found) compressed "
            + "bytes cannot hold"
        )
      }
    } else {
      guard found >= expected else {
        throw ImagingIOError.damaged(
          path: voxelPath,
          reason: "its header claims \(claim) voxels, which need \(expected) bytes, but the file "
            + "has \(found)"
        )
      }
    }
    guard bytesPerVolume <= Int(clamping: ProcessInfo.processInfo.physicalMemory) else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "\(claim) voxels, more than this machine's memory can hold",
        remedy: "crop or resample it elsewhere first"
      )
    }
  }

  private var isCompressed: Bool {
    get throws {
      let stream = try NIfTIStream(path: voxelPath)
      return stream.isCompressed
    }
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
    var total = 1
    for axis in 1...count {
      guard dimensions[axis] >= 1 else {
        throw ImagingIOError.damaged(
          path: path,
          reason: "its header claims \(dimensions[axis]) voxels along axis \(axis)"
        )
      }
      guard axis <= 4 || dimensions[axis] == 1 else {
        throw ImagingIOError.unsupported(
          path: path,
          what: "an image of \(count) dimensions (vectors or tensors)",
          remedy: "give images with one value a voxel"
        )
      }
      if axis <= 4 { size[axis - 1] = Int(dimensions[axis]) }
      let (product, overflow) = total.multipliedReportingOverflow(by: Int(dimensions[axis]))
      guard !overflow, product <= 1 << 44 else {
        throw ImagingIOError.damaged(
          path: path,
          reason: "its header claims "
            + dimensions[1...count].map(String.init).joined(separator: " x ") + " voxels"
        )
      }
      total = product
    }
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

  private static func checkReadable(_ path: String) throws(SupportError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .notFound(path: path)
    }
    guard !isFolder.boolValue else { throw .unreadable(path: path, reason: "it is a folder") }
    guard access(path, R_OK) == 0 else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  private static func fileSize(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }
}

/// The names of the two files of a .hdr/.img pair.
enum NIfTIPair {
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

/// The voxel types of NIfTI that a volume can hold (nifti1.h, "datatype").
enum NIfTIDatatype: Int32, CaseIterable {
  case uint8 = 2
  case int16 = 4
  case int32 = 8
  case float32 = 16
  case float64 = 64
  case int8 = 256
  case uint16 = 512
  case uint32 = 768
  case int64 = 1024
  case uint64 = 1280

  var bytes: Int {
    switch self {
    case .uint8, .int8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  init(code: Int32, path: String) throws(ImagingIOError) {
    if let type = NIfTIDatatype(rawValue: code) {
      self = type
      return
    }
    let others: [Int32: (String, String)] = [
      1: ("1-bit voxels", "convert them to 8-bit integers"),
      32: ("complex values", "convert them to magnitudes"),
      128: ("RGB colours", "convert them to grey values"),
      1536: ("128-bit floating-point values", "convert them to 64 bits"),
      1792: ("complex values", "convert them to magnitudes"),
      2048: ("complex values", "convert them to magnitudes"),
      2304: ("RGBA colours", "convert them to grey values"),
    ]
    guard let (what, remedy) = others[code] else {
      throw .damaged(path: path, reason: "its header names the unknown voxel type \(code)")
    }
    throw .unsupported(path: path, what: what, remedy: remedy)
  }
}
