import CPNG
import Foundation
import Support

/// A picture of 8 or 16 bits a sample: grey, RGB or RGBA.
public struct PNGImage: Equatable, Sendable {
  /// The samples of a picture, channel fastest, then x, then y.
  public enum Samples: Equatable, Sendable {
    /// 8 bits, 0 to 255.
    case eightBit([UInt8])
    /// 16 bits, 0 to 65535.
    case sixteenBit([UInt16])
  }

  /// Pixels along x.
  public let width: Int
  /// Pixels along y, the first row on top.
  public let height: Int
  /// 1 grey, 3 RGB, 4 RGBA.
  public let channels: Int
  /// The samples.
  public let samples: Samples
  /// Distance of pixel centres along x and y in mm, or nil when it is not known.
  public let spacingMM: SIMD2<Double>?

  /// Bits a sample: 8 or 16.
  public var bitDepth: Int {
    switch samples {
    case .eightBit: 8
    case .sixteenBit: 16
    }
  }

  /// Creates a picture.
  /// - Parameters:
  ///   - width: Pixels along x, at least 1.
  ///   - height: Pixels along y, at least 1.
  ///   - channels: 1, 3 or 4.
  ///   - samples: width · height · channels samples.
  ///   - spacingMM: Distance of pixel centres in mm, or nil.
  /// - Precondition: The sizes are positive, the channels 1, 3 or 4, and the samples fill them.
  public init(
    width: Int,
    height: Int,
    channels: Int,
    samples: Samples,
    spacingMM: SIMD2<Double>? = nil
  ) {
    let count =
      switch samples {
      case .eightBit(let values): values.count
      case .sixteenBit(let values): values.count
      }
    precondition(
      width > 0 && height > 0 && [1, 3, 4].contains(channels)
        && count == width * height * channels,
      "\(count) samples for \(width) x \(height) pixels of \(channels) channels"
    )
    self.width = width
    self.height = height
    self.channels = channels
    self.samples = samples
    self.spacingMM = spacingMM
  }
}

/// Writes pictures as PNG (ISO/IEC 15948).
public enum PNGEncoder {
  /// Encodes a picture; the same picture gives the same bytes.
  /// - Parameter image: The picture.
  /// - Returns: The file's bytes.
  /// - Throws: `SupportError.libraryFailure` when the picture is larger than libpng takes (a
  ///   million pixels along an axis) or memory is short.
  public static func encode(_ image: PNGImage) throws(SupportError) -> Data {
    var info = cpng_info()
    info.width = UInt32(clamping: image.width)
    info.height = UInt32(clamping: image.height)
    info.channels = UInt32(image.channels)
    info.bits = UInt32(image.bitDepth)
    if let spacing = image.spacingMM {
      info.pixels_per_metre = (pixelsPerMetre(spacing.x), pixelsPerMetre(spacing.y))
    }
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE))
    let status =
      switch image.samples {
      case .eightBit(let values): cpng_encode(&info, values, &bytes, &count, &message)
      case .sixteenBit(let values):
        values.withUnsafeBytes { values in
          cpng_encode(
            &info,
            values.baseAddress?.assumingMemoryBound(to: UInt8.self),
            &bytes,
            &count,
            &message
          )
        }
      }
    guard status == Int32(CPNG_OK.rawValue), let bytes else {
      throw .libraryFailure(library: "libpng")
    }
    defer { cpng_free(bytes) }
    return Data(bytes: bytes, count: count)
  }

  private static func pixelsPerMetre(_ spacing: Double) -> UInt32 {
    let value = (1000 / spacing).rounded()
    return value.isFinite && value >= 1 && value < 0x1p31 ? UInt32(value) : 0
  }
}

/// Reads PNG files (ISO/IEC 15948) of every kind.
///
/// Palettes become RGB, grey of 1, 2 or 4 bits becomes 8 bits (white is 255), grey with
/// transparency becomes RGBA. 16 bits stay 16 bits.
public enum PNGDecoder {
  /// Decodes a file in memory.
  /// - Parameters:
  ///   - data: The file's bytes.
  ///   - path: The file's name, for messages.
  /// - Returns: The picture.
  /// - Throws: `ImagingIOError.unrecognised` when the bytes are no PNG, `.damaged` when they
  ///   contradict themselves or end early.
  public static func decode(_ data: Data, path: String) throws -> PNGImage {
    let info = try inspect(data, path: path)
    let bytes =
      Int(info.width) * Int(info.height) * Int(info.channels) * Int(info.bits) / 8
    // Deflate cannot shrink data by more than 1032 to 1; a larger claim is not believed.
    // An 8-bit palette or 1-bit grey grows by up to 32 when expanded.
    guard bytes / 1032 / 32 <= data.count else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its header claims \(info.width) x \(info.height) pixels, which \(data.count) "
          + "bytes cannot hold"
      )
    }
    let count = bytes / (Int(info.bits) / 8)
    let samples: PNGImage.Samples
    if info.bits == 16 {
      samples = .sixteenBit(
        try [UInt16](unsafeUninitializedCapacity: count) { buffer, initializedCount in
          try fill(
            UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: bytes),
            data,
            path
          )
          initializedCount = count
        }
      )
    } else {
      samples = .eightBit(
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
          try fill(
            UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: bytes),
            data,
            path
          )
          initializedCount = count
        }
      )
    }
    let (x, y) = info.pixels_per_metre
    return PNGImage(
      width: Int(info.width),
      height: Int(info.height),
      channels: Int(info.channels),
      samples: samples,
      spacingMM: x > 0 && y > 0 ? [1000 / Double(x), 1000 / Double(y)] : nil
    )
  }

  /// Reads and decodes a file.
  /// - Parameter path: The file.
  /// - Returns: The picture.
  /// - Throws: As `decode(_:path:)`; `SupportError.notFound` or `.unreadable`.
  public static func decode(contentsOf path: String) throws -> PNGImage {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
    return try decode(data, path: path)
  }

  static func inspect(_ data: Data, path: String) throws -> cpng_info {
    var info = cpng_info()
    var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE))
    let status = data.withUnsafeBytes {
      cpng_inspect(
        $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
        $0.count,
        &info,
        &message
      )
    }
    try check(status, message, path)
    return info
  }

  private static func fill(
    _ buffer: UnsafeMutableRawBufferPointer,
    _ data: Data,
    _ path: String
  ) throws {
    var message = [CChar](repeating: 0, count: Int(CPNG_MESSAGE))
    let status = data.withUnsafeBytes {
      cpng_decode(
        $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
        $0.count,
        buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
        buffer.count,
        &message
      )
    }
    try check(status, message, path)
  }

  private static func check(_ status: Int32, _ message: [CChar], _ path: String) throws {
    switch status {
    case Int32(CPNG_OK.rawValue): return
    case Int32(CPNG_NOT_PNG.rawValue): throw ImagingIOError.unrecognised(path: path)
    case Int32(CPNG_NO_MEMORY.rawValue): throw SupportError.libraryFailure(library: "libpng")
    default:
      let text = String(
        decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
        as: UTF8.self
      )
      throw ImagingIOError.damaged(path: path, reason: "libpng says: \(text)")
    }
  }
}
