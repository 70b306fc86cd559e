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
    /// Further images of the same thing on the same grid, with noise of their own.
    package var repeats: [Volume<Float>]
    /// Whether it was made and shows nothing real; such images are never held out.
    package var isMade = false
    /// The name of what it shows: images of one picture in several sizes are held out together.
    package var subject: String

    package init(
      id: String,
      volume: Volume<Float>,
      modality: String? = nil,
      repeats: [Volume<Float>] = []
    ) {
      self.id = id
      self.volume = volume
      self.modality = modality
      self.repeats = repeats
      subject = id
    }
  }

  /// The images, in the order of their names.
  package let images: [Image]
  /// Whether they are pictures (PNG, JPEG, TIFF, BMP).
  public let arePictures: Bool
  /// The folder's name.
  public let name: String
  /// Files that could not be used, one sentence each.
  public let notes: [String]
  /// How many images there are.
  public var count: Int { images.count }

  private static let volumeEndings = [".nii", ".nii.gz", ".hdr", ".nrrd", ".mha", ".mhd", ".mgz"]

  package init(_ images: [Image], arePictures: Bool, name: String, notes: [String] = []) {
    self.images = images
    self.arePictures = arePictures
    self.name = name
    self.notes = notes
  }

  /// Reads the images of `imagesTr`, or else of the folder and those within; colours become grey.
  ///
  /// Volumes are taken where there are any, else pictures. Files that cannot be read are left out and
  /// noted.
  /// - Parameters:
  ///   - path: The folder, or one file.
  ///   - longestSides: Larger pictures are reduced by the whole number that brings their longest side
  ///     nearest to this, which takes away most of a camera's noise and of a compression's blocks; with
  ///     several each picture is taken in several sizes. None leaves them. Volumes stay as they are.
  ///   - progress: Told about each file.
  ///   - interruption: Looked at between files.
  /// - Throws: `SupportError.notFound`; `EnhancementError.noImages`; `SupportError.interrupted`.
  public init(
    folder path: String,
    longestSides: [Int] = [],
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let files = FileManager.default
    guard try files.isExistingFolder(path) else {
      let isPicture = PictureFormat().recognises(path)
      let id = (path as NSString).lastPathComponent
      let images = try Self.read(path, id: id, isPicture: isPicture, longestSides: longestSides)
      self.init(images, arePictures: isPicture, name: images[0].subject)
      return
    }
    let training = path + "/imagesTr"
    let folder = files.fileExists(atPath: training) ? training : path
    let names = try files.files(below: folder)
    let volumes = names.filter { name in
      Self.volumeEndings.contains { name.lowercased().hasSuffix($0) }
    }
    let arePictures = volumes.isEmpty
    let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    let chosen =
      volumes.isEmpty
      ? names.filter {
        PictureFormat.endings.contains("." + ($0 as NSString).pathExtension.lowercased())
      } : volumes
    guard !chosen.isEmpty else {
      throw EnhancementError.noImages(path: path, reason: "it holds neither volumes nor pictures")
    }
    var (images, notes): ([Image], [String]) = ([], [])
    progress.begin("reading \(chosen.count) images", total: chosen.count)
    for (index, file) in chosen.enumerated() {
      try interruption.check()
      do {
        images += try Self.read(
          folder + "/" + file,
          id: file,
          isPicture: arePictures,
          longestSides: longestSides
        )
      } catch let error as any ClassifiedError {
        notes.append("\(file) was left out. \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !images.isEmpty else {
      throw EnhancementError.noImages(path: path, reason: notes.first ?? "none can be read")
    }
    self.init(images, arePictures: arePictures, name: name, notes: notes)
  }

  private static func read(
    _ path: String,
    id: String,
    isPicture: Bool,
    longestSides: [Int]
  ) throws -> [Image] {
    let stem =
      volumeEndings.sorted { $0.count > $1.count }.first { id.hasSuffix($0) }
      .map { String(id.dropLast($0.count)) } ?? (id as NSString).deletingPathExtension
    if isPicture {
      let grey = try EnhancementPicture(path: path).grey
      guard longestSides.count > 1 else {
        let volume = try longestSides.first.map { try reduced(grey, to: $0) } ?? grey
        return [Image(id: stem, volume: volume)]
      }
      return try longestSides.map { side in
        var image = Image(id: "\(stem) at \(side)", volume: try reduced(grey, to: side))
        image.subject = stem
        return image
      }
    }
    return [try timePoints(of: path, id: stem)]
  }

  /// A picture that is reduced by a whole number, its values within those of 8 bits.
  private static func reduced(_ picture: Volume<Float>, to longestSide: Int) throws -> Volume<Float>
  {
    let size = picture.geometry.size
    let factor = Int((Double(max(size.x, size.y)) / Double(longestSide)).rounded())
    guard factor > 1, min(size.x, size.y) >= factor else { return picture }
    return try GridReduction.pair(picture, scale: [factor, factor, 1]).coarse
      .map { min(max($0, 0), 255) }
  }

  /// Scans that are made from label maps.
  /// - Parameters:
  ///   - dataset: Label maps with a table of synthesis.
  ///   - count: How many scans.
  ///   - seed: Seed of every random choice.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Throws: As `SegmentationDataset.cleanScans`.
  public init(
    synthesizedFrom dataset: SegmentationDataset,
    count: Int,
    seed: UInt64,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let scans = try dataset.cleanScans(
      count,
      seed: seed,
      progress: progress,
      interruption: interruption
    )
    self.init(
      scans.map { Image(id: $0.id, volume: $0.scan, modality: "MR") },
      arePictures: false,
      name: dataset.name
    )
  }

  /// These pictures and some that are made of textured leaves; they are never held out.
  /// - Parameters:
  ///   - count: How many are made.
  ///   - seed: Seed of every random choice.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Returns: The pictures.
  /// - Throws: `EnhancementError.noImages` for volumes; `SupportError.interrupted`.
  public func joined(
    withTextures count: Int,
    seed: UInt64,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> CleanImages {
    guard arePictures else {
      throw EnhancementError.noImages(path: name, reason: "textures are made beside pictures only")
    }
    progress.begin("making \(count) textures", total: count)
    defer { progress.end() }
    let stream = RandomStream(seed: seed).split(0x6C65_6176)
    let made = try (0..<count).map { index in
      try interruption.check()
      var random = stream.split(index)
      let picture = try TexturedLeaves().picture(&random)
      progress.update(index + 1, detail: nil)
      var image = Image(id: "leaves-\(index + 1)", volume: picture)
      image.isMade = true
      return image
    }
    return CleanImages(
      images + made,
      arePictures: true,
      name: name,
      notes: notes + ["\(count) pictures of textured leaves were made and trained on too."]
    )
  }

  /// These images and others.
  /// - Parameter others: Images of the same kind.
  /// - Returns: All of them under this name.
  /// - Throws: `EnhancementError.noImages` for pictures beside volumes.
  public func joined(with others: CleanImages) throws -> CleanImages {
    guard arePictures == others.arePictures else {
      throw EnhancementError.noImages(
        path: others.name,
        reason: "it holds \(others.arePictures ? "pictures" : "volumes"), and \(name) does not"
      )
    }
    return CleanImages(
      images + others.images,
      arePictures: arePictures,
      name: name == others.name ? name : "\(name) + \(others.name)",
      notes: notes + others.notes
    )
  }

  /// The images without those in which one of some others occurs, or which occur in one of them.
  /// - Parameters:
  ///   - others: Images that must not be trained on, such as test images.
  ///   - progress: Told about each image.
  ///   - interruption: Looked at before each.
  /// - Returns: The images that are left, with a note on each that is not, and the largest correlation of
  ///   those that stay.
  /// - Throws: `EnhancementError.noImages` when none is left; `SupportError.interrupted`.
  public func without(
    copiesOf others: CleanImages,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (images: CleanImages, largestCorrelation: Double) {
    let known = others.images.map { ImageResemblance($0.volume) }
    var (kept, notes, largest) = ([Image](), self.notes, 0.0)
    progress.begin("comparing with \(others.name)", total: images.count)
    for (index, image) in images.enumerated() {
      try interruption.check()
      let own = ImageResemblance(image.volume)
      let found = known.map { own.correlation(with: $0) }
      let most = found.indices.max { found[$0] < found[$1] }
      if let most, found[most] >= ImageResemblance.copyCorrelation {
        notes.append("\(image.id) was left out: it resembles \(others.images[most].id).")
      } else {
        largest = max(largest, most.map { found[$0] } ?? 0)
        kept.append(image)
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !kept.isEmpty else {
      throw EnhancementError.noImages(path: name, reason: "all resemble those of \(others.name)")
    }
    return (CleanImages(kept, arePictures: arePictures, name: name, notes: notes), largest)
  }

  /// Which images are held out: a share of them by a seed, at least one of two or more.
  /// - Parameters:
  ///   - share: The share.
  ///   - seed: The seed.
  /// - Returns: Whether each image is held out.
  func heldOut(share: Double, seed: UInt64) -> [Bool] {
    var order: [String] = []
    var known = Set<String>()
    for image in images where !image.isMade && known.insert(image.subject).inserted {
      order.append(image.subject)
    }
    guard share > 0, order.count > 1 else { return images.map { _ in false } }
    let count = min(
      order.count - 1,
      max(1, Int((share * Double(order.count)).rounded()))
    )
    var random = RandomStream(seed: seed).split(0x6865_6C64)
    random.shuffle(&order)
    let chosen = Set(order.prefix(count))
    return images.map { !$0.isMade && chosen.contains($0.subject) }
  }
}
