import Foundation
import Imaging
import Support

/// NRRD files: .nrrd, and .nhdr with a file of voxels.
///
/// The encodings raw, gzip and text, either byte order, and the spaces LPS, RAS and LAS (also with
/// time). One axis may count volumes (a list or time points). Other spaces, and spacings without a
/// space, have no place in the patient and get the problem "no-orientation".
public struct NRRDFormat: ImageFormat {
  /// Creates the format.
  public init() {}

  /// "NRRD".
  public var name: String { "NRRD" }

  /// Whether the file begins with NRRD's magic.
  /// - Parameter path: A file that exists.
  /// - Returns: True when the errors of `read` are those to show.
  public func recognises(_ path: String) -> Bool {
    VolumeFile.start(of: path, count: 8).map(NRRDHeader.isMagic) ?? false
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
  ///   - selection: The volume of a list, as `volume` or `timePoint`, from 1.
  ///   - progress: Not used.
  /// - Returns: The volume.
  /// - Throws: `ImagingIOError.damaged` when the file contradicts itself or ends early,
  ///   `.unsupported` for vectors, colours and other encodings, `.severalVolumes`,
  ///   `.noSuchSelection`; `SupportError.notFound` or `.unreadable`.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    try Self.open(path).read(selection)
  }

  static func open(_ path: String) throws -> VolumeFile {
    let header = try NRRDHeader(path: path)
    let axes = try NRRDAxes(header)
    let type = try header.scalarType()
    var problems: [InputProblem] = []
    let grid = try axes.grid(header, &problems)
    let data = try place(header)
    var file = VolumeFile(
      path: path,
      voxelPath: data.path,
      files: data.path == path ? [path] : [path, data.path],
      grid: grid,
      type: type,
      isSwapped: try isSwapped(header, type),
      timePoints: axes.volumes,
      pointsAreInterleaved: axes.listIsFirst,
      fileOffset: data.offset,
      packing: data.packing,
      skippedBytes: data.skippedBytes,
      isText: data.isText,
      description: header.fields["content"],
      problems: problems
    )
    if data.isFromEnd {
      let offset = VolumeFile.fileSize(data.path) - file.totalBytes
      guard offset >= data.offset else {
        throw ImagingIOError.damaged(
          path: data.path,
          reason: "its header claims \(file.totalBytes) bytes of voxels, more than there are"
        )
      }
      file.fileOffset = offset
    }
    try file.checkFileSize()
    return file
  }

  private static func isSwapped(
    _ header: NRRDHeader,
    _ type: ScalarType
  ) throws(ImagingIOError) -> Bool {
    switch header.fields["endian"]?.lowercased() {
    case "little": return 1.littleEndian != 1
    case "big": return 1.bigEndian != 1
    default:
      guard type.bytes == 1 || ["ascii", "text", "txt"].contains(header.fields["encoding"] ?? "")
      else {
        throw .damaged(path: header.path, reason: "it does not say its byte order (endian)")
      }
      return false
    }
  }

  /// Where the voxels are.
  private struct Place {
    var path: String
    var offset = 0
    var packing = PackedSource.Packing.plain
    var skippedBytes = 0
    var isText = false
    var isFromEnd = false
  }

  private static func place(_ header: NRRDHeader) throws -> Place {
    var place = Place(path: header.path)
    if let name = header.fields["data file"] ?? header.fields["datafile"] {
      guard name.uppercased() != "LIST", !name.hasPrefix("LIST "), !name.contains("%") else {
        throw ImagingIOError.unsupported(
          path: header.path,
          what: "voxels that are spread over several files",
          remedy: "join them into one .nrrd file"
        )
      }
      let folder = URL(fileURLWithPath: header.path).deletingLastPathComponent()
      place.path = name.hasPrefix("/") ? name : folder.appendingPathComponent(name).path
      guard FileManager.default.fileExists(atPath: place.path) else {
        throw SupportError.notFound(path: place.path)
      }
    } else {
      guard header.hasBlankLine else {
        throw ImagingIOError.damaged(
          path: header.path,
          reason: "its header has no end and names no file of voxels"
        )
      }
      place.offset = header.byteCount
    }
    switch header.fields["encoding"]?.lowercased() {
    case "raw": break
    case "gzip", "gz": place.packing = .gzip
    case "ascii", "text", "txt": place.isText = true
    case let other:
      throw ImagingIOError.unsupported(
        path: header.path,
        what: "voxels in the encoding \"\(other ?? "")\"",
        remedy: "store them as raw or gzip"
      )
    }
    let lines = try header.integer("line skip", "lineskip") ?? 0
    guard lines >= 0 else {
      throw ImagingIOError.damaged(path: header.path, reason: "its line skip is \(lines)")
    }
    if lines > 0 { place.offset = try offset(afterLines: lines, in: place) }
    let skip = try header.integer("byte skip", "byteskip") ?? 0
    if skip == -1, place.packing == .plain, !place.isText {
      place.isFromEnd = true
    } else {
      guard skip >= 0, skip < 1 << 50 else {
        throw ImagingIOError.damaged(path: header.path, reason: "its byte skip is \(skip)")
      }
      if place.packing == .plain { place.offset += skip } else { place.skippedBytes = skip }
    }
    return place
  }

  private static func offset(afterLines lines: Int, in place: Place) throws -> Int {
    let stream = try PackedSource(path: place.path, offset: place.offset, packing: .plain)
    let text = try stream.read(upTo: NRRDHeader.maximumBytes)
    var left = lines
    for (index, byte) in text.enumerated() where byte == 10 {
      left -= 1
      if left == 0 { return place.offset + index + 1 }
    }
    throw ImagingIOError.damaged(path: place.path, reason: "it has no \(lines) lines to skip")
  }
}

/// Which axes of a NRRD lie in space, and which one counts volumes.
struct NRRDAxes {
  /// Positions of the spatial axes, two or three.
  let spatial: [Int]
  /// Voxels along every axis.
  let sizes: [Int]
  /// Volumes.
  let volumes: Int
  /// Whether the volumes' values lie next to each other.
  let listIsFirst: Bool

  init(_ header: NRRDHeader) throws {
    let path = header.path
    guard let dimension = try header.integer("dimension"), (1...16).contains(dimension) else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its header states no dimension from 1 to 16"
      )
    }
    let sizes = try (header.words("sizes") ?? []).map { word in
      guard let size = Int(word) else {
        throw ImagingIOError.damaged(path: path, reason: "its sizes hold \"\(word)\"")
      }
      return size
    }
    guard sizes.count == dimension else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its header claims \(dimension) dimensions and \(sizes.count) sizes"
      )
    }
    try VolumeFile.check(sizes: sizes, path: path)
    self.sizes = sizes
    let kinds = (header.words("kinds") ?? []).map { $0.lowercased() }
    let directions = try header.vectors("space directions")
    if let directions, directions.count != dimension {
      throw ImagingIOError.damaged(
        path: path,
        reason: "it states \(directions.count) space directions for \(dimension) dimensions"
      )
    }
    func isInSpace(_ axis: Int) -> Bool {
      if let directions { return directions[axis] != nil }
      guard axis < kinds.count else { return true }
      return ["domain", "space", "???", "none"].contains(kinds[axis])
    }
    var spatial = (0..<dimension).filter(isInSpace)
    // Without kinds and directions the first three axes are space, as everywhere else.
    if directions == nil, spatial.count > 3 { spatial = Array(spatial.prefix(3)) }
    let others = (0..<dimension).filter { !spatial.contains($0) && sizes[$0] > 1 }
    guard (2...3).contains(spatial.count), others.count <= 1 else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "\(spatial.count) axes in space and \(others.count) others",
        remedy: "give images of 2 or 3 dimensions, or a list of them"
      )
    }
    self.spatial = spatial
    guard let list = others.first else {
      volumes = 1
      listIsFirst = false
      return
    }
    let kind = list < kinds.count ? kinds[list] : "???"
    guard ["list", "time", "???", "none", "domain", "point", "stub", "scalar"].contains(kind) else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "values of the kind \"\(kind)\" (vectors, colours or tensors)",
        remedy: "give images with one value a voxel"
      )
    }
    guard list < spatial[0] || list > spatial[spatial.count - 1] else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "a list between the axes of space",
        remedy: "store the list as the last axis"
      )
    }
    volumes = sizes[list]
    listIsFirst = list < spatial[0]
  }

  /// The grid in LPS.
  func grid(
    _ header: NRRDHeader,
    _ problems: inout [InputProblem]
  ) throws -> AffineGrid.Result {
    let path = header.path
    let isPlanar = spatial.count == 2
    var size = SIMD3(1, 1, 1)
    for (place, axis) in spatial.enumerated() { size[place] = sizes[axis] }
    let signs: SIMD3<Double>? =
      switch header.fields["space"]?.lowercased() {
      case "left-posterior-superior", "lps", "left-posterior-superior-time", "lpst": [1, 1, 1]
      case "right-anterior-superior", "ras", "right-anterior-superior-time", "rast": [-1, -1, 1]
      case "left-anterior-superior", "las", "left-anterior-superior-time", "last": [1, -1, 1]
      default: nil
      }
    let directions = try header.vectors("space directions")
    if let signs, let directions, !isPlanar {
      var axes = Matrix3.identity
      for (place, axis) in spatial.enumerated() {
        guard let vector = directions[axis], vector.count >= 3 else {
          throw ImagingIOError.damaged(path: path, reason: "a space direction has no 3 numbers")
        }
        axes.columns[place] = SIMD3(vector[0], vector[1], vector[2]) * signs
      }
      let origin = try header.vectors("space origin")?.first.flatMap { $0 }
      if let origin, origin.count >= 3 {
        let grid = AffineGrid(axes: axes, origin: SIMD3(origin[0], origin[1], origin[2]) * signs)
        guard grid.isUsable(size: size) else {
          throw ImagingIOError.damaged(
            path: path,
            reason: "its space directions are not a grid (an axis is zero or not a number)"
          )
        }
        return try grid.geometry(size: size, isPlanar: false, path: path)
      }
      problems.append(Self.noOrientation("no space origin"))
      let spacing = axes.columns.map(AffineGrid.length)
      return try unplaced(size, [spacing[0], spacing[1], spacing[2]], isPlanar, path)
    }
    problems.append(
      Self.noOrientation(
        isPlanar ? "two axes in space" : "no space of the patient with directions"
      )
    )
    let spacing = try spacing(header, directions, &problems)
    return try unplaced(size, spacing, isPlanar, path)
  }

  private func unplaced(
    _ size: SIMD3<Int>,
    _ spacing: SIMD3<Double>,
    _ isPlanar: Bool,
    _ path: String
  ) throws(ImagingIOError) -> AffineGrid.Result {
    do {
      let geometry = try ImageGeometry(
        size: size,
        spacing: spacing,
        origin: [0, 0, 0],
        direction: .identity,
        isPlanar: isPlanar
      )
      return AffineGrid.Result(geometry: geometry, shifted: nil, shearDegrees: nil)
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
  }

  /// Spacings from directions, `spacings`, or the axes' least and largest positions.
  private func spacing(
    _ header: NRRDHeader,
    _ directions: [[Double]?]?,
    _ problems: inout [InputProblem]
  ) throws(ImagingIOError) -> SIMD3<Double> {
    var result = SIMD3<Double>(repeating: 1)
    let stated = try header.numbers("spacings")
    let least = try header.numbers("axis mins")
    let largest = try header.numbers("axis maxs")
    let centers = header.words("centers", "centerings")
    for (place, axis) in spatial.enumerated() {
      var value = Double.nan
      if let vector = directions?[axis] {
        value = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      } else if let stated, axis < stated.count, stated[axis].isFinite {
        value = stated[axis]
      } else if let least, let largest, axis < least.count, axis < largest.count {
        // Cells reach from edge to edge, nodes from centre to centre.
        let isNode = centers.map { axis < $0.count && $0[axis].lowercased() == "node" } ?? false
        let steps = isNode ? sizes[axis] - 1 : sizes[axis]
        if steps > 0 { value = (largest[axis] - least[axis]) / Double(steps) }
      }
      guard value.isFinite, value != 0 else {
        if sizes[axis] > 1 { problems.append(.noSpacing(axis: axis)) }
        continue
      }
      result[place] = abs(value)
    }
    return result
  }

  private static func noOrientation(_ what: String) -> InputProblem {
    InputProblem(
      code: "no-orientation",
      message: "The file states \(what), so its place in the patient is unknown.",
      remedy: "Convert the source images anew with a program that keeps their orientation."
    )
  }
}

extension InputProblem {
  /// The problem of an axis whose spacing is not stated.
  static func noSpacing(axis: Int) -> InputProblem {
    InputProblem(
      code: "no-spacing",
      message: "The voxel spacing along axis \(axis + 1) is not stated; 1 mm was taken.",
      remedy: "Set the spacing in the header before measuring anything."
    )
  }
}
