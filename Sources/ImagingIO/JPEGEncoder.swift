import CJPEG
import Foundation
import Support

/// Baseline JPEG by libjpeg, for comparisons.
public enum JPEGEncoder {
  /// Encodes a picture: optimal Huffman tables, colours halved along both axes as is usual.
  /// - Parameters:
  ///   - samples: 8 bits each, channel fastest, then x, then y.
  ///   - width: Columns.
  ///   - height: Rows.
  ///   - channels: 1 for grey, 3 for RGB.
  ///   - quality: libjpeg's quality, 1 to 100.
  /// - Returns: The file's bytes.
  /// - Throws: `SupportError.libraryFailure` when the picture is larger than JPEG holds.
  /// - Precondition: As many samples as the size asks for, and a quality within its range.
  public static func encode(
    _ samples: [UInt8],
    width: Int,
    height: Int,
    channels: Int,
    quality: Int
  ) throws(SupportError) -> Data {
    precondition(
      samples.count == width * height * channels && (channels == 1 || channels == 3)
        && (1...100).contains(quality),
      "\(samples.count) samples for \(width) x \(height) x \(channels) at quality \(quality)"
    )
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var message = [CChar](repeating: 0, count: Int(CJPEG_MESSAGE))
    let status = cjpeg_encode(
      samples,
      UInt32(clamping: width),
      UInt32(clamping: height),
      UInt32(channels),
      Int32(quality),
      &bytes,
      &count,
      &message
    )
    guard status == CJPEG_OK.rawValue, let bytes else {
      throw .libraryFailure(library: "libjpeg")
    }
    defer { cjpeg_free(bytes) }
    return Data(bytes: bytes, count: count)
  }
}
