import Foundation
import ImagingIO
import Recognition
import Support
import Tensors

// Pictures as networks of this module see them: three planes, 0 to 255.

extension ImagePlanes {
  /// Rows and columns below which networks of this module see nothing of use.
  package static let leastSide = 32

  /// Reads a photograph.
  /// - Parameters:
  ///   - path: A PNG, JPEG, TIFF or BMP file.
  ///   - largestSide: Larger ones are reduced to it, if given.
  /// - Returns: Red, green and blue; grey pictures have three equal planes.
  /// - Throws: `SupportError.notFound`; what reading throws; `StylizationError.unsuitablePicture` for
  ///   one with a side below 32 pixels.
  package static func photograph(_ path: String, largestSide: Int? = nil) throws -> ImagePlanes {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let picture = try ImagePlanes(picture: path).with(channels: 3)
    guard min(picture.width, picture.height) >= leastSide else {
      throw StylizationError.unsuitablePicture(
        path: path,
        reason: "it has \(picture.width) x \(picture.height) pixels, and \(leastSide) are the least"
      )
    }
    return largestSide.map { picture.reduced(toLargestSide: $0) } ?? picture
  }

  /// The picture with its larger side no larger than so many pixels.
  /// - Parameter side: Pixels.
  /// - Returns: The picture, never enlarged and never thinner than 32 pixels.
  package func reduced(toLargestSide side: Int) -> ImagePlanes {
    scaled(by: Double(side) / Double(max(width, height)))
  }

  /// The picture with its smaller side no larger than so many pixels.
  /// - Parameter side: Pixels.
  /// - Returns: The picture, never enlarged.
  package func reduced(toSmallestSide side: Int) -> ImagePlanes {
    scaled(by: Double(side) / Double(min(width, height)))
  }

  private func scaled(by ratio: Double) -> ImagePlanes {
    guard ratio < 1 else { return self }
    func size(_ count: Int) -> Int {
      max(min(count, Self.leastSide), Int((Double(count) * ratio).rounded()))
    }
    return resized(toHeight: size(height), width: size(width))
  }

  /// `[1, 3, H, W]`, 0 to 1.
  package var tensor: Tensor {
    Tensor(values.map { $0 / 255 }, shape: [1, channels, height, width])
  }

  /// The first image of a batch.
  /// - Parameter tensor: `[N, 3, H, W]`, 0 to 1; what lies outside is cut off.
  package init(_ tensor: Tensor) {
    let (height, width) = (tensor.shape[2], tensor.shape[3])
    self.init(
      height: height,
      width: width,
      values: tensor.values.prefix(3 * height * width).map { 255 * min(max($0, 0), 1) }
    )
  }

  /// The bytes of the pixels, red, green and blue in turn.
  package var bytes: [UInt8] {
    let area = width * height
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * area)
    for pixel in 0..<area {
      for channel in 0..<3 {
        let value = values[(channels == 3 ? channel : 0) * area + pixel]
        bytes.append(UInt8(min(max(value.rounded(), 0), 255)))
      }
    }
    return bytes
  }

  /// A PNG file of the picture.
  /// - Returns: Its bytes, the same for the same picture.
  /// - Throws: `SupportError.libraryFailure`.
  package func png() throws -> Data {
    try PNGEncoder.encode(
      PNGImage(width: width, height: height, channels: 3, samples: .eightBit(bytes))
    )
  }

  /// Whether the planes of more than 1 % of the pixels differ by more than noise of JPEG files.
  package var isColourful: Bool {
    guard channels == 3 else { return false }
    let area = width * height
    let count = (0..<area).count { pixel in
      let (r, g, b) = (values[pixel], values[area + pixel], values[2 * area + pixel])
      return max(r, max(g, b)) - min(r, min(g, b)) > 8
    }
    return count * 100 > area
  }
}

/// Finds pictures.
public enum PictureFiles {
  /// Lists pictures.
  /// - Parameter paths: Files, and folders of which all pictures are taken.
  /// - Returns: Paths, those of a folder sorted.
  /// - Throws: `SupportError.notFound`; `StylizationError.noPictures`.
  public static func list(_ paths: [String]) throws -> [String] {
    try paths.flatMap { path -> [String] in
      guard try FileManager.default.isExistingFolder(path) else { return [path] }
      let found = try LabelledFolder.files(path).map { path + "/" + $0 }
        .filter { PictureFormat().recognises($0) }
      guard !found.isEmpty else {
        throw StylizationError.noPictures(path: path, reason: "it holds no PNG, JPEG, TIFF or BMP")
      }
      return found
    }
  }
}

/// Photographs to learn from, held at a small size.
package struct Photographs: Sendable {
  /// A photograph.
  package struct Item: Sendable {
    /// Its file.
    package let path: String
    /// Rows and columns.
    package let (height, width): (Int, Int)
    /// Red, green and blue of each pixel.
    package let bytes: [UInt8]

    /// The photograph, 0 to 255.
    package var planes: ImagePlanes {
      let area = height * width
      return ImagePlanes(
        height: height,
        width: width,
        values: (0..<3).flatMap { channel in
          (0..<area).map { Float(bytes[3 * $0 + channel]) }
        }
      )
    }
  }

  /// At most so many are held, each of some 100 kB to 1 MB.
  package static let most = 2000

  /// The photographs.
  package let items: [Item]
  /// What could not be used, one sentence each.
  package let problems: [String]
  /// A hash of files and pixels, so that a resumed run sees the same.
  package let hash: String

  /// Reads photographs.
  /// - Parameters:
  ///   - paths: Their files.
  ///   - side: The smaller side is reduced to so many pixels.
  ///   - leastSide: Smaller ones are left out; `side` when nil.
  ///   - wantsColour: Whether grey ones are left out.
  ///   - progress: Told about every file.
  ///   - interruption: Looked at between files.
  /// - Throws: `SupportError.interrupted`; `StylizationError.noPictures` when none can be used.
  package init(
    _ paths: [String],
    side: Int,
    leastSide: Int? = nil,
    wantsColour: Bool,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    var items: [Item] = []
    var problems: [String] = []
    let least = leastSide ?? side
    if paths.count > Self.most {
      problems.append("Only the first \(Self.most) of \(paths.count) photographs are used.")
    }
    progress.begin("reading photographs", total: min(paths.count, Self.most))
    for (index, path) in paths.prefix(Self.most).enumerated() {
      try interruption.check()
      do {
        let picture = try ImagePlanes.photograph(path).reduced(toSmallestSide: side)
        guard min(picture.height, picture.width) >= least else {
          throw StylizationError.unsuitablePicture(
            path: path,
            reason: "\(picture.width) x \(picture.height) pixels are fewer than \(least)"
          )
        }
        guard !wantsColour || picture.isColourful else {
          throw StylizationError.unsuitablePicture(path: path, reason: "it is grey")
        }
        items.append(
          Item(path: path, height: picture.height, width: picture.width, bytes: picture.bytes)
        )
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        problems.append(error.description)
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    guard !items.isEmpty else {
      throw StylizationError.noPictures(
        path: paths.first ?? "the list",
        reason: problems.first ?? "no photograph was given"
      )
    }
    self.items = items
    self.problems = problems
    hash = try SHA256.hexDigest(of: items.reduce(into: Data()) { $0 += Data($1.bytes) })
  }

  /// A square of a random photograph, mirrored half of the time.
  /// - Parameters:
  ///   - side: Rows and columns, at most the photographs' smaller side.
  ///   - random: Chooses.
  /// - Returns: Red, green and blue of each pixel.
  package func crop(_ side: Int, random: inout RandomStream) -> [UInt8] {
    let item = items[Int(random.next() % UInt64(items.count))]
    let top = Int(random.next() % UInt64(item.height - side + 1))
    let left = Int(random.next() % UInt64(item.width - side + 1))
    let mirrors = random.chance(0.5)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(3 * side * side)
    for y in 0..<side {
      for x in 0..<side {
        let place = 3 * ((top + y) * item.width + left + (mirrors ? side - 1 - x : x))
        bytes += item.bytes[place..<place + 3]
      }
    }
    return bytes
  }
}
