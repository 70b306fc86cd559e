import Foundation
import Imaging
import Support

/// Grey pictures for 2-D work: PNG, JPEG, TIFF and BMP files, TIFF files of several pages, and folders of
/// numbered pictures of one size, whose pages or files become the slices of a stack.
///
/// A picture knows no patient: the direction is the identity, the origin 0, and the spacing what the
/// file says, else 1; between slices it is 1. The problem "no-patient-geometry" says so. A colour
/// picture whose channels are all equal counts as grey; other colours are for `ColorImage`.
public struct PictureFormat: ImageFormat {
  /// The endings of files that are pictures, in small letters with their dot.
  public static let endings = [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"]

  /// Creates the format.
  public init() {}

  /// "picture".
  public var name: String { "picture" }

  /// Whether the file begins as a PNG, JPEG, TIFF or BMP file, or the folder holds nothing but such.
  /// - Parameter path: A file or folder that exists.
  /// - Returns: True when the errors of `read` are those to show.
  public func recognises(_ path: String) -> Bool {
    guard FileManager.default.isFolder(path) else { return Picture.Kind(contentsOf: path) != nil }
    return Self.pictures(in: path) != nil
  }

  /// Reads the pictures and tells their properties.
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - progress: Told about long reading.
  /// - Returns: One summary.
  /// - Throws: As `read`.
  public func inspect(_ path: String, progress: any ProgressReporter) throws -> [SeriesSummary] {
    [try read(path, selection: VolumeSelection(), progress: progress).summary]
  }

  /// Reads a picture as a volume of one slice, or several as a stack.
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - selection: Series 1 and volume 1, or none.
  ///   - progress: Told about long reading.
  /// - Returns: The volume in the pictures' own scalar type.
  /// - Throws: `ImagingIOError.damaged`, `.unsupported` for colours, `.mixedGeometry` when sizes or
  ///   types differ, `.noSuchSelection`; `SupportError.notFound` or `.unreadable`.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    if let series = selection.series, series != "1" {
      throw ImagingIOError.noSuchSelection(path: path, selection: "series \(series)")
    }
    for number in [selection.volume, selection.timePoint] {
      if let number, number != 1 {
        throw ImagingIOError.noSuchSelection(path: path, selection: "volume \(number)")
      }
    }
    let files = FileManager.default.isFolder(path) ? Self.pictures(in: path) ?? [] : [path]
    guard let first = files.first else { throw ImagingIOError.unrecognised(path: path) }
    let pages = files.count == 1 ? try Picture.pageCount(first) : 1
    let places = files.count == 1 ? (0..<pages).map { (first, $0) } : files.map { ($0, 0) }
    progress.begin("reading \(places.count) pictures", total: places.count)
    defer { progress.end() }
    var stack: PictureStack?
    for (index, (file, page)) in places.enumerated() {
      let picture = try Picture.read(file, page: page)
      if stack == nil { stack = PictureStack(picture) }
      try stack?.append(picture, of: file)
      progress.update(index + 1, detail: nil)
    }
    guard let stack else { throw ImagingIOError.unrecognised(path: path) }
    let volume = try stack.volume()
    var problems = [Self.problem(stack, Picture.Kind(contentsOf: first))]
    if let gap = Self.gap(in: files) { problems.append(gap) }
    let geometry = volume.geometry
    let size = geometry.size
    let summary = SeriesSummary(
      uid: "",
      modality: nil,
      description: nil,
      slices: size.z,
      transferSyntax: nil,
      problems: problems,
      volumes: [
        VolumeSummary(
          number: 1,
          size: [size.x, size.y, size.z],
          spacingMM: [geometry.spacing.x, geometry.spacing.y, geometry.spacing.z],
          orientation: geometry.orientation.code,
          why: pages > 1
            ? "\(pages) pages"
            : files.count > 1 ? "\(files.count) pictures" : "the file's only image"
        )
      ]
    )
    return LoadedVolume(volume: volume, summary: summary, files: files)
  }

  private static func problem(_ stack: PictureStack, _ kind: Picture.Kind?) -> InputProblem {
    let spacing = stack.spacingMM.map {
      "its pixel spacing of \($0.x) x \($0.y) mm is the file's"
    }
    return InputProblem(
      code: "no-patient-geometry",
      message: "A \(kind?.rawValue ?? "picture") has no place in a patient; "
        + (spacing ?? "1 mm was taken as its pixel spacing") + ".",
      remedy: "Use it with 2-D models only, or give the DICOM or NIfTI source."
    )
  }

  // ---- folders

  /// The pictures of a folder in the order of their numbers, or nil when it holds anything else,
  /// names without numbers, or different kinds.
  private static func pictures(in folder: String) -> [String]? {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      return nil
    }
    let shown = names.filter { !$0.hasPrefix(".") }
    let ending = shown.first.map { ($0 as NSString).pathExtension.lowercased() } ?? ""
    guard !shown.isEmpty, endings.contains("." + ending),
      shown.allSatisfy({ ($0 as NSString).pathExtension.lowercased() == ending })
    else { return nil }
    let numbered = shown.compactMap { name in number(of: name).map { (name, $0) } }
    guard numbered.count == shown.count else { return nil }
    return numbered.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map { folder + "/" + $0.0 }
  }

  /// The last number in a name before the ending.
  private static func number(of name: String) -> Int? {
    let base = (name as NSString).deletingPathExtension
    let digits = base.reversed().drop { !$0.isASCII || !$0.isNumber }
      .prefix { $0.isASCII && $0.isNumber }
    return Int(String(digits.reversed()))
  }

  /// The problem of missing or repeated numbers.
  private static func gap(in files: [String]) -> InputProblem? {
    let numbers = files.compactMap { number(of: ($0 as NSString).lastPathComponent) }
    for (first, second) in zip(numbers, numbers.dropFirst()) where second != first + 1 {
      return InputProblem(
        code: "missing-pictures",
        message: "After the picture number \(first) comes \(second).",
        remedy: "Complete the folder, or number the pictures one after the other."
      )
    }
    return nil
  }
}

/// Grey pictures of one size, one upon the other.
struct PictureStack {
  private var bytes: [UInt8] = []
  private var slices = 0
  private let width: Int
  private let height: Int
  private let type: ScalarType
  /// Distance of pixel centres in mm along x and y, or nil.
  let spacingMM: SIMD2<Double>?

  /// An empty stack for pictures like this one.
  init(_ like: Picture) {
    width = like.width
    height = like.height
    type = like.type
    spacingMM = like.spacingMM
  }

  /// Puts a picture on top.
  /// - Throws: `ImagingIOError.mixedGeometry` or `.unsupported` for colours.
  mutating func append(_ picture: Picture, of path: String) throws(ImagingIOError) {
    guard picture.width == width, picture.height == height else {
      throw .mixedGeometry(path: path, what: "size")
    }
    guard picture.type == type else { throw .mixedGeometry(path: path, what: "scalar type") }
    slices += 1
    guard picture.channels > 1 else {
      bytes += picture.bytes
      return
    }
    let sample = type.bytes
    let pixel = sample * picture.channels
    for place in stride(from: 0, to: picture.bytes.count, by: pixel) {
      let grey = picture.bytes[place..<(place + sample)]
      for channel in 1..<3 {
        let start = place + channel * sample
        guard picture.bytes[start..<(start + sample)].elementsEqual(grey) else {
          throw .unsupported(
            path: path,
            what: "a colour picture",
            remedy: "convert it to grey values"
          )
        }
      }
      bytes += grey
    }
  }

  /// The stack as a volume.
  func volume() throws -> AnyVolume {
    let geometry = try ImageGeometry(
      size: [width, height, slices],
      spacing: [spacingMM?.x ?? 1, spacingMM?.y ?? 1, 1],
      origin: [0, 0, 0],
      direction: .identity,
      isPlanar: slices == 1
    )
    return try type.volume(geometry) { $0.copyBytes(from: bytes) }
  }
}
