import Foundation
import Recognition
import Support

/// The images that a model learns from, −1 to 1.
public struct GenerationPictures: Sendable {
  /// Where they came from.
  public let name: String
  /// Rows, columns and channels.
  public let size: [Int]
  /// The classes; empty without.
  public let classNames: [String]
  package let values: [[Float]]
  package let labels: [Int]

  /// The number of images.
  public var count: Int { values.count }

  /// An image, −1 to 1, plane after plane.
  public func picture(_ index: Int) -> [Float] { values[index] }

  /// Takes images that are there already.
  package init(
    name: String,
    size: [Int],
    classNames: [String],
    values: [[Float]],
    labels: [Int]
  ) {
    (self.name, self.size, self.classNames) = (name, size, classNames)
    (self.values, self.labels) = (values, labels)
  }

  /// Reads images: a labelled data set, or a folder of pictures without classes.
  /// - Parameters:
  ///   - path: As for `vision classify train`, or a folder of pictures.
  ///   - side: Rows and columns to bring images to; nil for images of one size, as they are.
  ///   - split: Which part of a data set with splits.
  ///   - needsClasses: Whether the model is told classes.
  /// - Throws: `GenerationError.unsuitableImages`; `RecognitionError`; `SupportError`.
  public init(
    path: String,
    side: Int? = nil,
    split: LabelledImages.Split? = nil,
    needsClasses: Bool = false
  ) throws {
    func fault(_ reason: String) -> GenerationError {
      .unsuitableImages(path: path, reason: reason)
    }
    var items: [LabelledImages.Item] = []
    var names: [String] = []
    do {
      let images = try LabelledImages(path: path)
      if images.areFindings, needsClasses { throw fault("its images show several findings") }
      items = images.items
      names = images.classNames
      if items.contains(where: { $0.split != nil }) {
        items = items.filter { $0.split == split ?? .training }
      }
    } catch let error as RecognitionError {
      if needsClasses { throw error }
      guard FileManager.default.isFolder(path) else { throw error }
      items = try LabelledFolder.files(path).map {
        LabelledImages.Item(id: $0, source: .picture(path + "/" + $0), classes: [0])
      }
    }
    try self.init(items, classNames: names, side: side, path: path)
  }

  /// Takes images of a data set.
  /// - Parameters:
  ///   - images: The images.
  ///   - side: Rows and columns to bring them to; nil for images of one size, as they are.
  ///   - path: What errors call the data set.
  /// - Throws: `GenerationError.unsuitableImages`; what reading throws.
  package init(_ images: LabelledImages, side: Int?, path: String) throws {
    try self.init(images.items, classNames: images.classNames, side: side, path: path)
  }

  private init(
    _ items: [LabelledImages.Item],
    classNames names: [String],
    side: Int?,
    path: String
  ) throws {
    func fault(_ reason: String) -> GenerationError {
      .unsuitableImages(path: path, reason: reason)
    }
    guard items.count > 1 else {
      throw fault("it has \(items.count == 1 ? "only one image" : "no images"); two are the least")
    }
    var reader = ImageReader()
    var read = try items.map { try reader.read($0) }
    if let side { read = read.map { $0.resized(toHeight: side, width: side) } }
    let (height, width) = (read[0].height, read[0].width)
    if let other = read.firstIndex(where: { $0.height != height || $0.width != width }) {
      throw fault(
        "its images differ in size (\(items[0].id): \(height) x \(width), \(items[other].id): "
          + "\(read[other].height) x \(read[other].width)); give --size"
      )
    }
    let channels = read.contains { $0.channels == 3 } ? 3 : 1
    values = read.map { image in
      image.with(channels: channels).values.map {
        $0.isFinite ? min(max($0, 0), 255) / 127.5 - 1 : -1
      }
    }
    labels = items.map { $0.classes.first ?? 0 }
    classNames = names
    size = [height, width, channels]
    name = URL(fileURLWithPath: path).lastPathComponent
  }

  /// Tells these images apart from others.
  var hash: String {
    get throws {
      var data = Data()
      for (image, label) in zip(values, labels) {
        data.append(contentsOf: image.map { UInt8(((min(max($0, -1), 1) + 1) * 127.5).rounded()) })
        data.append(UInt8(truncatingIfNeeded: label))
      }
      return try SHA256.hexDigest(of: data)
    }
  }

  /// A share of the images of each class, drawn by a seed.
  /// - Parameters:
  ///   - share: Above 0, at most 1.
  ///   - seed: The seed.
  /// - Returns: At least one of each class.
  package func part(share: Double, seed: UInt64) -> GenerationPictures {
    var kept: [Int] = []
    for label in Set(labels).sorted() {
      var order = labels.indices.filter { labels[$0] == label }
      var random = RandomStream(seed: seed).split(0x7061_7274, label)
      random.shuffle(&order)
      kept += order.prefix(ClassShare.count(share, of: order.count))
    }
    kept.sort()
    return GenerationPictures(
      name: name,
      size: size,
      classNames: classNames,
      values: kept.map { values[$0] },
      labels: kept.map { labels[$0] }
    )
  }
}
