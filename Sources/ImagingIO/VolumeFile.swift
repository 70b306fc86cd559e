import Foundation
import Imaging
import Support

/// One image in one file (or header and voxel file), as its header describes it.
///
/// The formats of single files (NIfTI, NRRD, MetaImage, MGH) fill it; it checks the header's claim
/// against the file's size before anything is allocated, tells what is there, and reads voxels.
struct VolumeFile {
  /// The file that the user named.
  var path: String
  /// The file that holds the voxels.
  var voxelPath: String
  /// All files, header first.
  var files: [String]
  /// The grid.
  var grid: AffineGrid.Result
  /// The type of the stored values.
  var type: ScalarType
  /// Whether the byte order is not the machine's.
  var isSwapped = false
  /// Slope and intercept, or nil.
  var scaling: (slope: Double, intercept: Double)?
  /// Volumes in the file.
  var timePoints = 1
  /// Whether the volumes' values lie next to each other, voxel by voxel, instead of one volume
  /// after the other.
  var pointsAreInterleaved = false
  /// Where the stream of voxels begins in its file.
  var fileOffset = 0
  /// How the stream is packed.
  var packing = PackedSource.Packing.plain
  /// Bytes before the voxels in the unpacked stream.
  var skippedBytes = 0
  /// Whether the values are written as text.
  var isText = false
  /// Whether bytes after the voxels belong there.
  var mayHaveTrailer = false
  /// What the header says of itself, or nil.
  var description: String?
  /// What was odd.
  var problems: [InputProblem]

  var size: SIMD3<Int> { grid.geometry.size }
  var bytesPerVolume: Int { grid.geometry.voxelCount * type.bytes }
  var totalBytes: Int { bytesPerVolume * timePoints }

  /// Checks the sizes of an image as a header claims them.
  /// - Parameters:
  ///   - sizes: Voxels along each axis.
  ///   - path: The file, for messages.
  /// - Throws: `ImagingIOError.damaged` when one is below 1 or the product above 2^44.
  static func check(sizes: [Int], path: String) throws(ImagingIOError) {
    var total = 1
    for (axis, size) in sizes.enumerated() {
      guard size >= 1 else {
        throw .damaged(
          path: path,
          reason: "its header claims \(size) voxels along axis \(axis + 1)"
        )
      }
      let (product, overflow) = total.multipliedReportingOverflow(by: size)
      guard !overflow, product <= 1 << 44 else {
        throw .damaged(
          path: path,
          reason: "its header claims " + sizes.map(String.init).joined(separator: " x ") + " voxels"
        )
      }
      total = product
    }
  }

  /// Bytes of a file, or 0 when it is not there.
  static func fileSize(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Checks that a path is a file that may be read.
  static func checkReadable(_ path: String) throws(SupportError) {
    guard try !FileManager.default.isExistingFolder(path) else {
      throw .unreadable(path: path, reason: "it is a folder")
    }
    guard access(path, R_OK) == 0 else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// The first bytes of a file, fewer when it is shorter; nil when it cannot be read.
  static func start(of path: String, count: Int) -> [UInt8]? {
    guard !FileManager.default.isFolder(path), let file = FileHandle(forReadingAtPath: path)
    else { return nil }
    defer { try? file.close() }
    return (try? file.read(upToCount: count)).map { [UInt8]($0) } ?? []
  }

  /// Compares the header's claim with the size of the file and of memory, and notes what is left.
  mutating func checkFileSize() throws {
    try Self.checkReadable(voxelPath)
    let found = Self.fileSize(voxelPath)
    let expected = fileOffset + skippedBytes + totalBytes
    let sizes = [size.x, size.y, size.z] + (timePoints > 1 ? [timePoints] : [])
    let claim = sizes.map(String.init).joined(separator: " x ")
    let stream = try PackedSource(path: voxelPath, offset: fileOffset, packing: packing)
    if isText {
      // A digit and a separator for each value.
      guard 2 * (totalBytes / type.bytes) - 1 <= found - fileOffset else {
        throw ImagingIOError.damaged(
          path: voxelPath,
          reason: "its header claims \(claim) values, which its text cannot hold"
        )
      }
    } else if stream.isPacked {
      guard expected / PackedSource.maximumRatio <= found else {
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
      if found > expected, !mayHaveTrailer {
        problems.append(Self.trailingProblem(found - expected, isExact: true))
      }
    }
    let needed = pointsAreInterleaved ? totalBytes + bytesPerVolume : bytesPerVolume
    guard needed <= Int(clamping: ProcessInfo.processInfo.physicalMemory) else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "\(claim) voxels, more than this machine's memory can hold",
        remedy: "crop or resample it elsewhere first"
      )
    }
  }

  /// What `lamina info` says.
  var summary: SeriesSummary {
    let geometry = grid.geometry
    var problems = problems
    if let degrees = grid.shearDegrees {
      problems.append(AffineGrid.shearProblem(degrees: degrees, isKept: false))
    }
    return SeriesSummary(
      uid: "",
      modality: nil,
      description: description,
      slices: size.z,
      transferSyntax: nil,
      problems: problems,
      volumes: [
        VolumeSummary(
          number: 1,
          size: [size.x, size.y, size.z] + (timePoints > 1 ? [timePoints] : []),
          spacingMM: [geometry.spacing.x, geometry.spacing.y, geometry.spacing.z],
          orientation: geometry.orientation.code,
          why: timePoints > 1 ? "\(timePoints) time points" : "the file's only volume"
        )
      ]
    )
  }

  /// Reads one volume.
  /// - Parameter selection: The time point, as `timePoint` or `volume`.
  /// - Returns: The volume; label maps of leaning slices keep their shift.
  /// - Throws: `ImagingIOError.severalTimePoints`, `.noSuchSelection`, `.damaged`.
  func read(_ selection: VolumeSelection) throws -> LoadedVolume {
    if let series = selection.series, series != "1" {
      throw ImagingIOError.noSuchSelection(path: path, selection: "series \(series)")
    }
    if selection.timePoint != nil, let volume = selection.volume, volume != 1 {
      throw ImagingIOError.noSuchSelection(path: path, selection: "volume \(volume)")
    }
    let chosen = selection.timePoint ?? selection.volume
    if chosen == nil, timePoints > 1 {
      throw ImagingIOError.severalTimePoints(
        path: path,
        choices: (1...timePoints).map { "time point \($0)" }
      )
    }
    let number = chosen ?? 1
    guard (1...timePoints).contains(number) else {
      throw ImagingIOError.noSuchSelection(path: path, selection: "volume \(number)")
    }
    var trailing = 0
    var volume = try type.volume(grid.geometry, isSwapped: isSwapped, scaling: scaling) { bytes in
      trailing = try fill(bytes, timePoint: number - 1)
    }
    var summary = summary
    if trailing > 0 {
      summary.problems.append(Self.trailingProblem(trailing, isExact: false))
    }
    if volume.nonFiniteCount > 0 {
      summary.problems.append(
        InputProblem(
          code: "non-finite-values",
          message: "\(volume.nonFiniteCount) voxels are infinite or not a number.",
          remedy: "Replace them, for example by 0, before computing with the image."
        )
      )
    }
    // Volumes of one file share a grid, so that what one of them holds does not decide.
    guard let (geometry, shift) = grid.shifted, timePoints == 1, volume.holdsLabels else {
      return LoadedVolume(volume: volume, summary: summary, files: files)
    }
    volume = volume.placed(on: geometry)
    for index in summary.problems.indices where summary.problems[index].code == "sheared-affine" {
      summary.problems[index] =
        AffineGrid.shearProblem(degrees: grid.shearDegrees ?? 0, isKept: true)
    }
    let spacing = geometry.spacing
    for index in summary.volumes.indices {
      summary.volumes[index].spacingMM = [spacing.x, spacing.y, spacing.z]
    }
    return LoadedVolume(volume: volume, summary: summary, files: files, shift: shift)
  }

  /// Fills the bytes of one volume; returns how many packed bytes came after the last one.
  private func fill(_ bytes: UnsafeMutableRawBufferPointer, timePoint: Int) throws -> Int {
    if isText {
      try TextVoxels.fill(bytes, of: self, timePoint: timePoint)
      return 0
    }
    let stream = try PackedSource(path: voxelPath, offset: fileOffset, packing: packing)
    let total = skippedBytes + totalBytes
    if pointsAreInterleaved, timePoints > 1 {
      try stream.skip(skippedBytes, start: 0, total: total)
      var all = [UInt8](repeating: 0, count: totalBytes)
      try all.withUnsafeMutableBytes {
        try stream.read(into: $0, start: skippedBytes, total: total)
      }
      let width = type.bytes
      all.withUnsafeBytes { all in
        for voxel in 0..<(bytes.count / width) {
          let from = (voxel * timePoints + timePoint) * width
          for byte in 0..<width { bytes[voxel * width + byte] = all[from + byte] }
        }
      }
      return try trailingBytes(stream, total)
    }
    let before = skippedBytes + timePoint * bytesPerVolume
    try stream.skip(before, start: 0, total: total)
    try stream.read(into: bytes, start: before, total: total)
    return timePoint == timePoints - 1 ? try trailingBytes(stream, total) : 0
  }

  private func trailingBytes(_ stream: PackedSource, _ total: Int) throws -> Int {
    let count = try stream.checkEnd(total: total)
    return mayHaveTrailer ? 0 : count
  }

  private static func trailingProblem(_ count: Int, isExact: Bool) -> InputProblem {
    InputProblem(
      code: "trailing-bytes",
      message: (isExact ? "" : "At least ") + "\(count) bytes follow the voxels and were not read.",
      remedy: "Check that the picture looks right; the header may claim too few voxels."
    )
  }
}

extension AnyVolume {
  /// The same values on another grid of the same size.
  func placed(on geometry: ImageGeometry) -> AnyVolume {
    switch self {
    case .int8(let volume): .int8(Volume(geometry: geometry, voxels: volume.voxels))
    case .uint8(let volume): .uint8(Volume(geometry: geometry, voxels: volume.voxels))
    case .int16(let volume): .int16(Volume(geometry: geometry, voxels: volume.voxels))
    case .uint16(let volume): .uint16(Volume(geometry: geometry, voxels: volume.voxels))
    case .int32(let volume): .int32(Volume(geometry: geometry, voxels: volume.voxels))
    case .uint32(let volume): .uint32(Volume(geometry: geometry, voxels: volume.voxels))
    case .int64(let volume): .int64(Volume(geometry: geometry, voxels: volume.voxels))
    case .uint64(let volume): .uint64(Volume(geometry: geometry, voxels: volume.voxels))
    case .float32(let volume): .float32(Volume(geometry: geometry, voxels: volume.voxels))
    case .float64(let volume): .float64(Volume(geometry: geometry, voxels: volume.voxels))
    }
  }
}
