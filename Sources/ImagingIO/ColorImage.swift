import Foundation
import Support

/// A colour picture of 8 bits a channel, for 2-D work.
public struct ColorImage: Equatable, Sendable {
  /// Pixels along x.
  public let width: Int
  /// Pixels along y, the first row on top.
  public let height: Int
  /// Red, green and blue of each pixel, then x, then y.
  public let pixels: [UInt8]

  /// Creates a picture.
  /// - Parameters:
  ///   - width: Pixels along x, at least 1.
  ///   - height: Pixels along y, at least 1.
  ///   - pixels: 3 · width · height values.
  /// - Precondition: The sizes are positive and the pixels fill them.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && pixels.count == 3 * width * height,
      "\(pixels.count) values for \(width) x \(height) pixels of three"
    )
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Reads a PNG, JPEG, TIFF or BMP file, by its content; of several pages the first.
  ///
  /// Grey values become equal channels, 16 bits become 8 by their upper half, transparency is left
  /// out. TIFF files of signed or floating-point values are refused, as nothing says what is white.
  /// - Parameter path: The file.
  /// - Returns: The picture.
  /// - Throws: `ImagingIOError.unrecognised`, `.damaged` or `.unsupported`; `SupportError.notFound`
  ///   or `.unreadable`.
  public static func read(_ path: String) throws -> ColorImage {
    let picture = try Picture.read(path, page: 0)
    let values: [UInt8]
    switch picture.type {
    case .uint8: values = picture.bytes
    case .uint16:
      let upper = 1.littleEndian == 1 ? 1 : 0
      values = stride(from: upper, to: picture.bytes.count, by: 2).map { picture.bytes[$0] }
    default:
      throw ImagingIOError.unsupported(
        path: path,
        what: "values of the type \(picture.type.rawValue), which are no colours",
        remedy: "convert them to 8 bits"
      )
    }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * picture.width * picture.height)
    for place in stride(from: 0, to: values.count, by: picture.channels) {
      for channel in 0..<3 {
        pixels.append(values[place + (picture.channels == 1 ? 0 : channel)])
      }
    }
    return ColorImage(width: picture.width, height: picture.height, pixels: pixels)
  }
}
