import Foundation
import ImagingIO
import Support

/// What people marked in images: masks, or boxes with classes.
public struct MarkedRegions: Sendable {
  /// A marked part of an image.
  public struct Region: Sendable {
    /// What it shows; nil for masks, which name no class.
    public let className: String?
    /// Whether each pixel is marked, rows from the top.
    public let pixels: [Bool]
  }

  private enum Source: Sendable {
    case masks([String: String])
    case boxes([String: DetectionDataset.Image], classes: [String])
  }

  /// Slices among which `ImageRecognizer` takes the middle one, unless told otherwise.
  private static let slicesPerVolume = 8

  private let source: Source
  private let path: String

  /// Finds masks.
  /// - Parameter folder: A folder of pictures or volumes that bear the names of the images, whatever their
  ///   endings; what is not 0 is marked.
  /// - Throws: `SupportError.notFound`.
  public init(masks folder: String) throws {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw SupportError.notFound(path: folder)
    }
    path = folder
    try Self.requireOwnNames(names.filter { !$0.hasPrefix(".") }.map(Self.stem), path: folder)
    source = .masks(
      Dictionary(
        names.filter { !$0.hasPrefix(".") }.sorted().map { (Self.stem($0), folder + "/" + $0) },
        uniquingKeysWith: { first, _ in first }
      )
    )
  }

  /// Reads boxes of pictures.
  /// - Parameters:
  ///   - path: A folder in Pascal VOC's layout, or a JSON file in COCO's.
  ///   - images: The folder of COCO's pictures.
  ///   - interruption: Looked at between pictures.
  /// - Throws: As `DetectionDataset.open`.
  public init(boxes path: String, images: String?, interruption: Interruption) throws {
    let data = try DetectionDataset.open(path, images: images, interruption: interruption)
    self.path = path
    try Self.requireOwnNames(data.images.map { Self.stem($0.id) }, path: path)
    source = .boxes(
      Dictionary(
        data.images.map { (Self.stem($0.id), $0) },
        uniquingKeysWith: { first, _ in first }
      ),
      classes: data.classes
    )
  }

  private static func requireOwnNames(_ stems: [String], path: String) throws {
    guard Set(stems).count == stems.count else {
      throw RecognitionError.damagedAnnotations(
        path: path,
        reason: "two of its images have one name; give them names of their own"
      )
    }
  }

  /// The regions of an image: one for each class that boxes name, or the mask.
  /// - Parameters:
  ///   - image: The image's file.
  ///   - height: Rows of the image.
  ///   - width: Columns of the image.
  /// - Returns: The regions with a marked pixel; empty for an image in which nothing is marked.
  /// - Throws: `SupportError.notFound` for an image without mask or boxes; `RecognitionError.damagedAnnotations`
  ///   for a mask of another size; what reading throws.
  public func regions(of image: String, height: Int, width: Int) throws -> [Region] {
    let name = Self.stem(URL(fileURLWithPath: image).lastPathComponent)
    switch source {
    case .masks(let files):
      guard let file = files[name] else { throw SupportError.notFound(path: "\(path)/\(name)") }
      let pixels = try Self.mask(file, height: height, width: width)
      return pixels.contains(true) ? [Region(className: nil, pixels: pixels)] : []
    case .boxes(let images, let classes):
      guard let entry = images[name] else { throw SupportError.notFound(path: "\(path)/\(name)") }
      guard entry.width == width, entry.height == height else {
        throw RecognitionError.damagedAnnotations(
          path: path,
          reason: "its boxes of \(name) are of \(entry.width) x \(entry.height) pixels, and the "
            + "image has \(width) x \(height)"
        )
      }
      return classes.enumerated().compactMap { label, className in
        var pixels = [Bool](repeating: false, count: height * width)
        for object in entry.objects where object.label == label {
          // A pixel is marked when its middle lies in the box.
          for y in Self.pixels(object.box.top, object.box.bottom, of: height) {
            for x in Self.pixels(object.box.left, object.box.right, of: width) {
              pixels[y * width + x] = true
            }
          }
        }
        return pixels.contains(true) ? Region(className: className, pixels: pixels) : nil
      }
    }
  }

  private static func pixels(_ low: Double, _ high: Double, of count: Int) -> Range<Int> {
    let first = Int((low - 0.5).rounded(.up))
    return (first..<max(first, Int((high - 0.5).rounded(.up)))).clamped(to: 0..<count)
  }

  private static func mask(_ file: String, height: Int, width: Int) throws -> [Bool] {
    // Of a volume the slice that stands for it, as it is explained.
    let images = try ImageReader.images(of: file, slices: slicesPerVolume)
    let planes = images[images.count / 2]
    guard planes.height == height, planes.width == width else {
      throw RecognitionError.damagedAnnotations(
        path: file,
        reason: "it has \(planes.width) x \(planes.height) pixels, and its image "
          + "\(width) x \(height)"
      )
    }
    let area = height * width
    return (0..<area).map { place in
      stride(from: place, to: planes.values.count, by: area).contains { planes.values[$0] != 0 }
    }
  }

  /// A file's name without its endings.
  private static func stem(_ name: String) -> String {
    var stem = (name as NSString).lastPathComponent
    for ending in [".gz", ".nii"] where stem.lowercased().hasSuffix(ending) {
      stem = String(stem.dropLast(ending.count))
    }
    let known = PictureFormat.endings.first { stem.lowercased().hasSuffix($0) }
    return known.map { String(stem.dropLast($0.count)) } ?? stem
  }
}
