import Foundation
import Imaging
import Support

/// FreeSurfer's volumes: .mgh, and .mgz (the same by gzip).
///
/// The header is that of FreeSurfer's `mri.h` (version 1): big-endian, RAS, with the position of the
/// grid's middle voxel. Without its flag of a good RAS the place in the patient is unknown.
public struct MGHFormat: ImageFormat {
  private static let headerBytes = 284

  /// Creates the format.
  public init() {}

  /// "MGH".
  public var name: String { "MGH" }

  /// Whether the name ends in .mgh, .mgz or .mgh.gz and the file begins with the version 1.
  /// - Parameter path: A file that exists.
  /// - Returns: True when the errors of `read` are those to show.
  public func recognises(_ path: String) -> Bool {
    let isNamed = [".mgh", ".mgz", ".mgh.gz"].contains { path.lowercased().hasSuffix($0) }
    return isNamed && VolumeFile.start(of: path, count: 1) != nil
  }

  /// Reads the header only.
  /// - Parameters:
  ///   - path: The file.
  ///   - progress: Not used; headers are short.
  /// - Returns: One summary.
  /// - Throws: As `read`.
  public func inspect(_ path: String, progress: any ProgressReporter) throws -> [SeriesSummary] {
    [try Self.open(path).summary]
  }

  /// Reads one volume.
  /// - Parameters:
  ///   - path: The file.
  ///   - selection: The frame, as `volume` or `timePoint`, from 1.
  ///   - progress: Not used.
  /// - Returns: The volume: `uint8`, `int16`, `int32` or `float32`.
  /// - Throws: `ImagingIOError.damaged`, `.unsupported`, `.severalVolumes`, `.noSuchSelection`;
  ///   `SupportError.notFound` or `.unreadable`.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    try Self.open(path).read(selection)
  }

  static func open(_ path: String) throws -> VolumeFile {
    try VolumeFile.checkReadable(path)
    let bytes = try PackedSource(path: path).read(upTo: headerBytes)
    guard bytes.count == headerBytes else {
      throw ImagingIOError.damaged(
        path: path,
        reason: bytes.isEmpty ? "the file is empty" : "the file ends within its header"
      )
    }
    func integer(_ place: Int) -> Int {
      Int(Int32(bitPattern: (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[place + $1]) }))
    }
    func number(_ place: Int) -> Double {
      Double(Float(bitPattern: (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[place + $1]) }))
    }
    guard integer(0) == 1 else {
      throw ImagingIOError.damaged(path: path, reason: "it has no MGH header of version 1")
    }
    let sizes = (1...4).map { integer(4 * $0) }
    try VolumeFile.check(sizes: sizes, path: path)
    let size = SIMD3(sizes[0], sizes[1], sizes[2])
    let type: ScalarType
    switch integer(20) {
    case 0: type = .uint8
    case 1: type = .int32
    case 3: type = .float32
    case 4: type = .int16
    default:
      throw ImagingIOError.unsupported(
        path: path,
        what: "voxels of the type \(integer(20))",
        remedy: "convert them to 8, 16 or 32 bits with the program that made them"
      )
    }
    var problems: [InputProblem] = []
    let grid: AffineGrid.Result
    if bytes[28] != 0 || bytes[29] != 0 {
      var axes = Matrix3.identity
      for axis in 0..<3 {
        let ras = (0..<3).map { number(42 + 4 * (3 * axis + $0)) }
        axes.columns[axis] = SIMD3(-ras[0], -ras[1], ras[2]) * number(30 + 4 * axis)
      }
      // The stated position is that of index size / 2, also where that lies between voxels.
      let middle = SIMD3(-number(78), -number(82), number(86))
      let origin = middle - axes * (SIMD3<Double>(size) / 2)
      let affine = AffineGrid(axes: axes, origin: origin)
      guard affine.isUsable(size: size) else {
        throw ImagingIOError.damaged(
          path: path,
          reason: "its directions are not a grid (an axis is zero or not a number)"
        )
      }
      grid = try affine.geometry(size: size, isPlanar: false, path: path)
    } else {
      problems.append(
        InputProblem(
          code: "no-orientation",
          message: "The header says that it holds no good RAS position, so its place in the "
            + "patient and its spacing are unknown; 1 mm was taken.",
          remedy: "Convert the source images anew with a program that keeps their orientation."
        )
      )
      do {
        let geometry = try ImageGeometry(
          size: size,
          spacing: [1, 1, 1],
          origin: [0, 0, 0],
          direction: .identity
        )
        grid = AffineGrid.Result(geometry: geometry, shifted: nil, shearDegrees: nil)
      } catch {
        throw ImagingIOError.damaged(path: path, reason: "\(error)")
      }
    }
    var file = VolumeFile(
      path: path,
      voxelPath: path,
      files: [path],
      grid: grid,
      type: type,
      isSwapped: 1.littleEndian == 1,
      timePoints: sizes[3],
      packing: .gzipOrPlain,
      skippedBytes: headerBytes,
      mayHaveTrailer: true,
      problems: problems
    )
    try file.checkFileSize()
    return file
  }
}
