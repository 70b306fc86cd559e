import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

/// Reads images one after another, and a volume only once for slices that follow each other.
package struct ImageReader {
  private var volume: (path: String, planes: [ImagePlanes])?

  package init() {}

  /// Reads the pixels of a labelled image.
  /// - Parameter item: The image.
  /// - Returns: The pixels.
  /// - Throws: `ImagingIOError`; `SupportError`; `RecognitionError.unsuitableImage`.
  package mutating func read(_ item: LabelledImages.Item) throws -> ImagePlanes {
    try read(item.source)
  }

  private mutating func read(_ source: LabelledImages.Source) throws -> ImagePlanes {
    switch source {
    case .picture(let path): return try ImagePlanes(picture: path)
    case .stored(let images, let index): return images.image(index)
    case .stack(let path, let stack): return try Self.stacked(path, stack)
    case .labelled(let image, let map, let channels):
      if case .stack(let path, let stack) = image {
        let volume = try Self.volume(path)
        var planes = Self.stacked(volume, stack)
        planes.labels = try LabelPlanes.planes(map, channels, stack, geometry: volume.geometry)
        return planes
      }
      var planes = try read(image)
      planes.labels = try LabelPlanes.planes(
        map,
        channels,
        height: planes.height,
        width: planes.width
      )
      return planes
    case .slice(let path, let share):
      let planes = try planes(of: path)
      return planes[min(planes.count - 1, Int(share * Double(planes.count)))]
    }
  }

  /// Reads a volume as one image whose planes are slices along its third axis.
  ///
  /// With a spacing the planes have its pixels and lie about the volume's middle, by the nearest slice;
  /// where the volume ends they are not a number. Without one they are spread over the whole volume.
  /// - Parameters:
  ///   - path: A volume of any format.
  ///   - stack: Which slices.
  /// - Returns: The image.
  /// - Throws: `SupportError.notFound`; what reading throws.
  package static func stacked(_ path: String, _ stack: StackedSlices) throws -> ImagePlanes {
    stacked(try volume(path), stack)
  }

  private static func volume(_ path: String) throws -> Volume<Float> {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    if PictureFormat().recognises(path) {
      throw RecognitionError.unsuitableImage(
        path: path,
        reason: "it is a picture, and the model sees volumes"
      )
    }
    return try image(path)
  }

  /// Volumes of fewer voxels may have few values by chance.
  private static let leastVoxels = 10_000
  /// Label maps have at most so many values.
  private static let mostLabels = 64

  /// Reads a volume that is no label map.
  /// - Parameter path: A volume of any format.
  /// - Returns: The volume.
  /// - Throws: `RecognitionError.unsuitableImage` for what looks like a label map: few values, all of them
  ///   whole; what reading throws.
  package static func image(_ path: String) throws -> Volume<Float> {
    let volume = try ImageFormats.read(path).volume.asFloat
    guard volume.voxels.count >= leastVoxels else { return volume }
    var seen: Set<Float> = []
    for value in volume.voxels {
      guard value >= 0, value <= 65_535, value == value.rounded() else { return volume }
      if seen.insert(value).inserted, seen.count > mostLabels { return volume }
    }
    guard seen.count > 1 else { return volume }
    throw RecognitionError.unsuitableImage(
      path: path,
      reason: "it looks like a label map, \(seen.count) whole numbers and nothing else, and an "
        + "image is wanted"
    )
  }

  static func stacked(_ volume: Volume<Float>, _ stack: StackedSlices) -> ImagePlanes {
    let (size, own) = (volume.geometry.size, volume.geometry.spacing)
    guard let spacing = stack.spacingMM else {
      let planes = (0..<stack.slices).map { index in
        let share = (Double(index) + 0.5) / Double(stack.slices)
        return ImagePlanes(volume, slice: min(size.z - 1, Int(share * Double(size.z)))).values
      }
      return ImagePlanes(height: size.y, width: size.x, values: Array(planes.joined()))
    }
    let height = max(1, Int((Double(size.y) * own.y / spacing[1]).rounded()))
    let width = max(1, Int((Double(size.x) * own.x / spacing[0]).rounded()))
    let planes = (0..<stack.slices).map { index -> [Float] in
      let offset = (Double(index) - Double(stack.slices - 1) / 2) * spacing[2] / own.z
      let slice = (Double(size.z - 1) / 2 + offset).rounded()
      guard slice >= 0, slice < Double(size.z) else {
        return [Float](repeating: .nan, count: height * width)
      }
      return ImagePlanes(volume, slice: Int(slice)).resized(toHeight: height, width: width).values
    }
    return ImagePlanes(height: height, width: width, values: Array(planes.joined()))
  }

  private mutating func planes(of path: String) throws -> [ImagePlanes] {
    if let volume, volume.path == path { return volume.planes }
    let read = try Self.image(path)
    let planes = (0..<read.geometry.size.z).map { ImagePlanes(read, slice: $0) }
    volume = (path, planes)
    return planes
  }

  /// Reads the images that stand for a file: a picture, or slices of a volume.
  /// - Parameters:
  ///   - path: A picture, or a volume of any format.
  ///   - slices: How many slices, spread over the volume's middle half; fewer where it has fewer.
  /// - Returns: At least one image.
  /// - Throws: `SupportError.notFound`; what reading throws.
  package static func images(of path: String, slices: Int) throws -> [ImagePlanes] {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    if PictureFormat().recognises(path) { return [try ImagePlanes(picture: path)] }
    let volume = try image(path)
    let count = volume.geometry.size.z
    let chosen = Set(
      (0..<slices).map { min(count - 1, Int(share($0, of: slices) * Double(count))) }
    )
    return chosen.sorted().map { ImagePlanes(volume, slice: $0) }
  }

  /// How far along the third axis a slice lies, of several that are spread over the middle half.
  static func share(_ index: Int, of count: Int) -> Double {
    0.25 + 0.5 * (Double(index) + 0.5) / Double(count)
  }
}

extension LabelledImages.Item {
  /// Reads the pixels.
  /// - Returns: The image.
  /// - Throws: As `ImageReader.read`.
  package func read() throws -> ImagePlanes {
    var reader = ImageReader()
    return try reader.read(self)
  }
}

extension ImagePlanes {
  /// Checks that an image shows something.
  /// - Parameter path: Its file or name, for messages.
  /// - Throws: `RecognitionError.unsuitableImage` for an image that is constant or nowhere finite.
  package func checkContent(path: String) throws {
    try Self.checkContent(values, path: path)
  }

  /// Checks that values show something.
  /// - Parameters:
  ///   - values: Pixels or voxels.
  ///   - path: Their file or name, for messages.
  /// - Throws: `RecognitionError.unsuitableImage` for values that are equal or nowhere finite.
  package static func checkContent(_ values: some Sequence<Float>, path: String) throws {
    var first: Float?
    for value in values where value.isFinite {
      guard let known = first else {
        first = value
        continue
      }
      if value != known { return }
    }
    throw RecognitionError.unsuitableImage(
      path: path,
      reason: first == nil ? "none of its values is finite" : "it is constant and shows nothing"
    )
  }
}

extension RecognitionPlan {
  /// Checks that an image is one that the network can say something of.
  /// - Parameters:
  ///   - image: The image.
  ///   - path: Its file, for messages.
  ///   - model: The model's name, for messages.
  /// - Throws: `RecognitionError.unsuitableImage` for an image that is constant or nowhere finite, and for
  ///   colours where the network sees grey.
  package func check(_ image: ImagePlanes, path: String, model: String) throws {
    try image.checkContent(path: path)
    guard imageChannels == 3 || takesColours == true || !image.hasColours else {
      throw RecognitionError.unsuitableImage(
        path: path,
        reason: "it has colours, and \(model) sees grey images; convert it first"
      )
    }
  }
}
