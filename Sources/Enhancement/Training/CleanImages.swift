import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

/// The images that a network is trained on: the pictures or volumes of a folder.
public struct CleanImages: Sendable {
  /// One image on its own scale of intensities.
  package struct Image: Sendable {
    /// The name: the path within the folder without its ending.
    package let id: String
    /// The values.
    package let volume: Volume<Float>
    /// The modality that the file states, or nil.
    package let modality: String?

    package init(id: String, volume: Volume<Float>, modality: String? = nil) {
      self.id = id
      self.volume = volume
      self.modality = modality
    }
  }

  /// The images, in the order of their names.
  package let images: [Image]
  /// Whether they are pictures (PNG, JPEG, TIFF).
  public let arePictures: Bool
  /// The folder's name.
  public let name: String
  /// Files that could not be used, one sentence each.
  public let notes: [String]

  private static let pictureEndings: Set = ["png", "jpg", "jpeg", "tif", "tiff"]
  private static let volumeEndings = [".nii", ".nii.gz", ".hdr", ".nrrd", ".mha", ".mhd", ".mgz"]

  package init(_ images: [Image], arePictures: Bool, name: String) {
    self.images = images
    self.arePictures = arePictures
    self.name = name
    notes = []
  }

  /// Reads the images of `imagesTr`, or else of the folder and those within; colours become grey.
  ///
  /// Volumes are taken where there are any, else pictures. Files that cannot be read are left out and
  /// noted.
  /// - Parameters:
  ///   - path: The folder.
  ///   - progress: Told about each file.
  ///   - interruption: Looked at between files.
  /// - Throws: `SupportError.notFound`; `EnhancementError.noImages`; `SupportError.interrupted`.
  public init(
    folder path: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      throw SupportError.notFound(path: path)
    }
    let training = path + "/imagesTr"
    let folder = files.fileExists(atPath: training) ? training : path
    let names = (files.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? [])
      .filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }.sorted()
    let volumes = names.filter { name in
      Self.volumeEndings.contains { name.lowercased().hasSuffix($0) }
    }
    arePictures = volumes.isEmpty
    name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    let chosen =
      volumes.isEmpty
      ? names.filter {
        Self.pictureEndings.contains(($0 as NSString).pathExtension.lowercased())
      } : volumes
    guard !chosen.isEmpty else {
      throw EnhancementError.noImages(path: path, reason: "it holds neither volumes nor pictures")
    }
    var (images, notes): ([Image], [String]) = ([], [])
    progress.begin("reading \(chosen.count) images", total: chosen.count)
    for (index, file) in chosen.enumerated() {
      try interruption.check()
      do {
        images.append(try Self.read(folder + "/" + file, id: file, isPicture: arePictures))
      } catch let error as any ClassifiedError {
        notes.append("\(file) was left out. \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !images.isEmpty else {
      throw EnhancementError.noImages(path: path, reason: notes.first ?? "none can be read")
    }
    self.images = images
    self.notes = notes
  }

  private static func read(_ path: String, id: String, isPicture: Bool) throws -> Image {
    let stem =
      volumeEndings.sorted { $0.count > $1.count }.first { id.hasSuffix($0) }
      .map { String(id.dropLast($0.count)) } ?? (id as NSString).deletingPathExtension
    if isPicture {
      return Image(id: stem, volume: try EnhancementPicture(path: path).grey)
    }
    let loaded = try ImageFormats.read(path)
    return Image(id: stem, volume: loaded.volume.asFloat, modality: loaded.summary.modality)
  }

  /// Which images are held out: a share of them by a seed, at least one of two or more.
  /// - Parameters:
  ///   - share: The share.
  ///   - seed: The seed.
  /// - Returns: Whether each image is held out.
  func heldOut(share: Double, seed: UInt64) -> [Bool] {
    guard share > 0, images.count > 1 else { return images.map { _ in false } }
    let count = min(
      images.count - 1,
      max(1, Int((share * Double(images.count)).rounded()))
    )
    var random = RandomStream(seed: seed).split(0x6865_6C64)
    var order = Array(images.indices)
    for place in order.indices.dropFirst().reversed() {
      order.swapAt(place, Int(random.uniform() * Double(place + 1)))
    }
    let chosen = Set(order.prefix(count))
    return images.indices.map(chosen.contains)
  }
}
