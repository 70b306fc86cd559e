import Foundation
import Imaging
import Support

/// MetaImage files: .mha, and .mhd with a file of voxels.
///
/// Positions are LPS mm. As in ITK, the first voxel lies at `Offset`, each triple of
/// `TransformMatrix` is the direction of one axis, and `CenterOfRotation` does not move anything.
public struct MetaImageFormat: ImageFormat {
  /// Headers are text of some lines; a longer one is not believed.
  private static let maximumHeaderBytes = 1 << 20

  /// Creates the format.
  public init() {}

  /// "MetaImage".
  public var name: String { "MetaImage" }

  /// Whether the file begins as a MetaImage header does and its name ends in .mha or .mhd.
  /// - Parameter path: A file that exists.
  /// - Returns: True when the errors of `read` are those to show.
  public func recognises(_ path: String) -> Bool {
    guard [".mha", ".mhd"].contains(where: { path.lowercased().hasSuffix($0) }) else {
      let start = VolumeFile.start(of: path, count: 18) ?? []
      return String(decoding: start, as: UTF8.self) == "ObjectType = Image"
    }
    return VolumeFile.start(of: path, count: 1) != nil
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
  ///   - selection: The time point of a 4-D file, as `volume` or `timePoint`, from 1.
  ///   - progress: Not used.
  /// - Returns: The volume.
  /// - Throws: `ImagingIOError.damaged` when the file contradicts itself or ends early,
  ///   `.unsupported` for several channels and voxels in several files, `.severalVolumes`,
  ///   `.noSuchSelection`; `SupportError.notFound` or `.unreadable`.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    try Self.open(path).read(selection)
  }

  /// The header's fields, and where it ends.
  private struct Header {
    var fields: [String: String] = [:]
    var byteCount = 0
    let path: String

    init(path: String) throws {
      try VolumeFile.checkReadable(path)
      self.path = path
      let start = VolumeFile.start(of: path, count: MetaImageFormat.maximumHeaderBytes) ?? []
      var place = 0
      while place < start.count, fields["elementdatafile"] == nil {
        // A .mhd of an editor may lack the last line's end.
        let unended = start.count < 4096 ? start.count : nil
        guard let end = start[place...].firstIndex(of: 10) ?? unended else { break }
        let text = String(decoding: start[place..<end], as: UTF8.self)
        place = min(end + 1, start.count)
        guard let sign = text.firstIndex(of: "=") else { break }
        let name = text[..<sign].trimmingCharacters(in: .whitespaces).lowercased()
        fields[name] =
          text[text.index(after: sign)...].trimmingCharacters(in: .whitespacesAndNewlines)
      }
      byteCount = place
      guard fields["elementdatafile"] != nil, fields["ndims"] != nil else {
        throw ImagingIOError.damaged(path: path, reason: "it has no MetaImage header")
      }
    }

    func integers(_ name: String) throws(ImagingIOError) -> [Int]? {
      guard let text = fields[name] else { return nil }
      var numbers: [Int] = []
      for word in text.split(whereSeparator: \.isWhitespace) {
        guard let number = Int(word) else {
          throw .damaged(path: path, reason: "its field \(name) holds \"\(word)\"")
        }
        numbers.append(number)
      }
      return numbers
    }

    func numbers(_ names: [String], count: Int) throws(ImagingIOError) -> [Double]? {
      guard let name = names.first(where: { fields[$0] != nil }), let text = fields[name] else {
        return nil
      }
      var numbers: [Double] = []
      for word in text.split(whereSeparator: \.isWhitespace) {
        guard let number = Double(word), number.isFinite else {
          throw .damaged(path: path, reason: "its field \(name) holds \"\(word)\"")
        }
        numbers.append(number)
      }
      guard numbers.count >= count else {
        throw .damaged(path: path, reason: "its field \(name) has no \(count) numbers")
      }
      return numbers
    }

    func isTrue(_ names: String...) -> Bool {
      names.contains { ["true", "1", "yes"].contains(fields[$0]?.lowercased() ?? "") }
    }
  }

  static func open(_ path: String) throws -> VolumeFile {
    let header = try Header(path: path)
    guard let dimensions = try header.integers("ndims")?.first, (2...4).contains(dimensions) else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "an image of \(header.fields["ndims"] ?? "") dimensions",
        remedy: "give images of 2, 3 or 4 dimensions"
      )
    }
    let sizes = try header.integers("dimsize") ?? []
    guard sizes.count == dimensions else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its header claims \(dimensions) dimensions and \(sizes.count) sizes"
      )
    }
    try VolumeFile.check(sizes: sizes, path: path)
    let channels = try header.integers("elementnumberofchannels")?.first ?? 1
    guard channels == 1 else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "\(channels) channels a voxel (vectors or colours)",
        remedy: "give images with one value a voxel"
      )
    }
    var problems: [InputProblem] = []
    let grid = try grid(header, sizes, &problems)
    let type = try scalarType(header)
    let data = try place(header)
    let isBig = header.isTrue("elementbyteordermsb", "binarydatabyteordermsb")
    var file = VolumeFile(
      path: path,
      voxelPath: data.path,
      files: data.path == path ? [path] : [path, data.path],
      grid: grid,
      type: type,
      isSwapped: type.bytes > 1 && isBig == (1.littleEndian == 1),
      timePoints: dimensions == 4 ? sizes[3] : 1,
      fileOffset: data.offset,
      packing: data.isPacked ? .gzipOrZlib : .plain,
      isText: header.fields["binarydata"]?.lowercased() == "false",
      problems: problems
    )
    if data.isFromEnd {
      file.fileOffset = VolumeFile.fileSize(data.path) - file.totalBytes
      guard file.fileOffset >= data.offset, !data.isPacked else {
        throw ImagingIOError.damaged(
          path: data.path,
          reason: "its header claims \(file.totalBytes) bytes of voxels, more than there are"
        )
      }
    }
    try file.checkFileSize()
    return file
  }

  private static func grid(
    _ header: Header,
    _ sizes: [Int],
    _ problems: inout [InputProblem]
  ) throws -> AffineGrid.Result {
    let count = sizes.count
    let isPlanar = count == 2
    var size = SIMD3(1, 1, 1)
    for axis in 0..<min(3, count) { size[axis] = sizes[axis] }
    var spacing = SIMD3<Double>(repeating: 1)
    if let stated = try header.numbers(["elementspacing", "elementsize"], count: count) {
      for axis in 0..<min(3, count) { spacing[axis] = stated[axis] }
    } else {
      problems.append(.noSpacing(axis: 0))
    }
    guard spacing.min() > 0 else {
      throw ImagingIOError.damaged(
        path: header.path,
        reason: "its spacing is \(spacing.x) x \(spacing.y) x \(spacing.z)"
      )
    }
    let names = ["transformmatrix", "rotation", "orientation"]
    let matrix = try header.numbers(names, count: count * count)
    let offset = try header.numbers(["offset", "position", "origin"], count: count)
    if isPlanar || matrix == nil || offset == nil {
      problems.append(
        InputProblem(
          code: "no-orientation",
          message: isPlanar
            ? "The file has two dimensions, so its place in the patient is unknown."
            : "The file states no TransformMatrix or no Offset, so its place in the patient is "
              + "unknown.",
          remedy: "Convert the source images anew with a program that keeps their orientation."
        )
      )
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
        throw ImagingIOError.damaged(path: header.path, reason: "\(error)")
      }
    }
    if let centre = try header.numbers(["centerofrotation"], count: 3),
      centre.contains(where: { $0 != 0 })
    {
      problems.append(
        InputProblem(
          code: "center-of-rotation",
          message: "The header states a CenterOfRotation, which was not applied, as in ITK.",
          remedy: "Check the position against the source."
        )
      )
    }
    var axes = Matrix3.identity
    var origin = SIMD3<Double>()
    if let matrix, let offset {
      for axis in 0..<3 {
        let start = axis * count
        axes.columns[axis] =
          SIMD3(matrix[start], matrix[start + 1], matrix[start + 2]) * spacing[axis]
        origin[axis] = offset[axis]
      }
    }
    let grid = AffineGrid(axes: axes, origin: origin)
    guard grid.isUsable(size: size) else {
      throw ImagingIOError.damaged(path: header.path, reason: "its TransformMatrix is not a grid")
    }
    return try grid.geometry(size: size, isPlanar: false, path: header.path)
  }

  private static func scalarType(_ header: Header) throws(ImagingIOError) -> ScalarType {
    let name = header.fields["elementtype"]?.uppercased() ?? ""
    // MET_LONG has 4 bytes in files, whatever the machine that wrote them (MetaIO's metaTypes.h).
    switch name {
    case "MET_CHAR", "MET_ASCII_CHAR": return .int8
    case "MET_UCHAR": return .uint8
    case "MET_SHORT": return .int16
    case "MET_USHORT": return .uint16
    case "MET_INT", "MET_LONG": return .int32
    case "MET_UINT", "MET_ULONG": return .uint32
    case "MET_LONG_LONG": return .int64
    case "MET_ULONG_LONG": return .uint64
    case "MET_FLOAT": return .float32
    case "MET_DOUBLE": return .float64
    default:
      guard name.hasSuffix("_ARRAY") || name == "MET_STRING" || name == "MET_OTHER" else {
        throw .damaged(
          path: header.path,
          reason: "its header names the unknown voxel type \"\(name)\""
        )
      }
      throw .unsupported(
        path: header.path,
        what: "voxels of the type \(name)",
        remedy: "give images with one value a voxel"
      )
    }
  }

  private struct Place {
    var path: String
    var offset: Int
    var isPacked: Bool
    var isFromEnd = false
  }

  private static func place(_ header: Header) throws -> Place {
    let name = header.fields["elementdatafile"] ?? ""
    var place = Place(
      path: header.path,
      offset: header.byteCount,
      isPacked: header.isTrue("compresseddata")
    )
    if name.uppercased() != "LOCAL" {
      guard name.uppercased() != "LIST", !name.uppercased().hasPrefix("LIST "), !name.contains("%")
      else {
        throw ImagingIOError.unsupported(
          path: header.path,
          what: "voxels that are spread over several files",
          remedy: "join them into one .mha file"
        )
      }
      let folder = URL(fileURLWithPath: header.path).deletingLastPathComponent()
      place.path = name.hasPrefix("/") ? name : folder.appendingPathComponent(name).path
      place.offset = 0
      guard !name.isEmpty, FileManager.default.fileExists(atPath: place.path) else {
        throw SupportError.notFound(path: place.path)
      }
    }
    if let size = try header.integers("headersize")?.first, size != 0 {
      guard size >= -1, size < 1 << 50 else {
        throw ImagingIOError.damaged(path: header.path, reason: "its HeaderSize is \(size)")
      }
      if size == -1 { place.isFromEnd = true } else { place.offset += size }
    }
    return place
  }
}
