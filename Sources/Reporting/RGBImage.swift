import Foundation
import ImagingIO

/// A picture, 8 bits a channel, rows from top to bottom.
public struct RGBImage: Equatable, Sendable {
  /// Pixels along a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Red, green and blue of each pixel.
  public var bytes: [UInt8]

  /// Creates a picture.
  /// - Parameters:
  ///   - width: Pixels along a row.
  ///   - height: Rows.
  ///   - bytes: Three for each pixel.
  /// - Precondition: `bytes` fills the picture.
  public init(width: Int, height: Int, bytes: [UInt8]) {
    precondition(
      bytes.count == 3 * width * height,
      "\(bytes.count) bytes for \(width) x \(height) pixels"
    )
    self.width = width
    self.height = height
    self.bytes = bytes
  }

  /// The colour of a pixel.
  /// - Parameters:
  ///   - x: Column from the left.
  ///   - y: Row from the top.
  /// - Returns: Red, green and blue.
  public func pixel(_ x: Int, _ y: Int) -> SIMD3<UInt8> {
    let at = 3 * (x + width * y)
    return [bytes[at], bytes[at + 1], bytes[at + 2]]
  }

  /// The picture as a PNG file.
  /// - Returns: The file's bytes, the same for the same picture.
  /// - Throws: `SupportError.libraryFailure` when the picture is larger than PNG holds.
  public func png() throws -> Data {
    try PNGEncoder.encode(
      PNGImage(width: width, height: height, channels: 3, samples: .eightBit(bytes))
    )
  }

  /// Lays a colour over a pixel.
  mutating func blend(_ color: SIMD3<Double>, opacity: Double, at pixel: Int) {
    for channel in 0..<3 {
      let under = Double(bytes[3 * pixel + channel])
      bytes[3 * pixel + channel] = UInt8(
        (under + (color[channel] - under) * opacity).rounded()
      )
    }
  }
}
