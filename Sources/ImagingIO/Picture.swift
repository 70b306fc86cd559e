import CJPEG
import CTIFF
import Foundation
import Imaging
import Support

/// A picture as its PNG, JPEG, TIFF or BMP file holds it.
struct Picture {
  /// The kinds of files, by their first bytes.
  enum Kind: String {
    case png = "PNG"
    case jpeg = "JPEG"
    case tiff = "TIFF"
    case bitmap = "BMP"

    /// The kind of a file, or nil.
    init?(contentsOf path: String) {
      guard let start = VolumeFile.start(of: path, count: 132), start.count >= 4 else { return nil }
      // The preamble of a DICOM file may begin as a TIFF file (PS3.10, section 7.1).
      if start.count == 132, start[128..<132].elementsEqual("DICM".utf8) { return nil }
      switch (start[0], start[1], start[2], start[3]) {
      case (0x89, 0x50, 0x4E, 0x47): self = .png
      case (0xFF, 0xD8, 0xFF, _): self = .jpeg
      // Classic TIFF is version 42, BigTIFF 43; either byte order.
      case (0x49, 0x49, 42, 0), (0x49, 0x49, 43, 0), (0x4D, 0x4D, 0, 42), (0x4D, 0x4D, 0, 43):
        self = .tiff
      // "BM" is short: the four reserved bytes after the file's size must be 0 too.
      case (0x42, 0x4D, _, _):
        guard let more = VolumeFile.start(of: path, count: 18), more.count == 18,
          more[6..<10].allSatisfy({ $0 == 0 }), more[15..<18].allSatisfy({ $0 == 0 })
        else { return nil }
        self = .bitmap
      default: return nil
      }
    }
  }

  let width: Int
  let height: Int
  /// 1 grey, 3 RGB, 4 RGBA.
  let channels: Int
  /// The type of the samples.
  let type: ScalarType
  /// The samples' bytes in the machine's order, channel fastest, then x, then y.
  let bytes: [UInt8]
  /// Distance of pixel centres in mm along x and y, or nil.
  let spacingMM: SIMD2<Double>?

  /// A picture may have this many pixels along an axis, as in libpng.
  private static let maximumSide = 1_000_000

  /// The number of pages: 1 but for TIFF.
  static func pageCount(_ path: String) throws -> Int {
    guard Kind(contentsOf: path) == .tiff else { return 1 }
    return try TIFFFile(path).pageCount()
  }

  /// Reads a file by its content.
  static func read(_ path: String, page: Int) throws -> Picture {
    try VolumeFile.checkReadable(path)
    switch Kind(contentsOf: path) {
    case .png: return try png(path)
    case .jpeg: return try jpeg(path)
    case .tiff: return try TIFFFile(path).read(page: page)
    case .bitmap: return try bitmap(path)
    case nil: throw ImagingIOError.unrecognised(path: path)
    }
  }

  private static func png(_ path: String) throws -> Picture {
    let image = try PNGDecoder.decode(contentsOf: path)
    let (type, bytes): (ScalarType, [UInt8]) =
      switch image.samples {
      case .eightBit(let values): (.uint8, values)
      case .sixteenBit(let values): (.uint16, values.withUnsafeBytes(Array.init))
      }
    return Picture(
      width: image.width,
      height: image.height,
      channels: image.channels,
      type: type,
      bytes: bytes,
      spacingMM: image.spacingMM
    )
  }

  private static func contents(of path: String) throws -> Data {
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
  }

  private static func bitmap(_ path: String) throws -> Picture {
    let data = try [UInt8](contents(of: path))
    let read = try BitmapFile.read(path, data, maximumSide: maximumSide)
    return Picture(
      width: read.width,
      height: read.height,
      channels: read.channels,
      type: .uint8,
      bytes: read.bytes,
      spacingMM: nil
    )
  }

  private static func jpeg(_ path: String) throws -> Picture {
    let data = try contents(of: path)
    var info = cjpeg_info()
    var message = [CChar](repeating: 0, count: Int(CJPEG_MESSAGE))
    func check(_ status: Int32) throws(ImagingIOError) {
      switch status {
      case Int32(CJPEG_OK.rawValue): return
      case Int32(CJPEG_UNSUPPORTED.rawValue):
        throw .unsupported(path: path, what: "CMYK colours", remedy: "convert them to RGB")
      default: throw .damaged(path: path, reason: "libjpeg says: \(text(message))")
      }
    }
    try check(
      data.withUnsafeBytes {
        cjpeg_inspect(
          $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
          $0.count,
          &info,
          &message
        )
      }
    )
    let (width, height, channels) = (Int(info.width), Int(info.height), Int(info.channels))
    // A block of 8 x 8 pixels takes at least one bit, and one of 16 x 16 six for its colours.
    guard width > 0, height > 0, width * height / 1024 <= data.count else {
      throw ImagingIOError.damaged(
        path: path,
        reason: "its header claims \(width) x \(height) pixels, which \(data.count) bytes cannot "
          + "hold"
      )
    }
    let count = width * height * channels
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      try check(
        data.withUnsafeBytes {
          cjpeg_decode(
            $0.baseAddress?.assumingMemoryBound(to: UInt8.self),
            $0.count,
            buffer.baseAddress,
            count,
            &message
          )
        }
      )
      initializedCount = count
    }
    return Picture(
      width: width,
      height: height,
      channels: channels,
      type: .uint8,
      bytes: pixels,
      spacingMM: info.spacing.0 > 0 && info.spacing.1 > 0
        ? [info.spacing.0, info.spacing.1] : nil
    )
  }

  private static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// An open TIFF file.
  private final class TIFFFile {
    /// LZW, the densest of TIFF's usual compressions, cannot shrink data by more than this: codes
    /// of 12 bits for strings of up to 3838 bytes.
    private static let maximumRatio = 4096

    private let handle: OpaquePointer
    private let path: String
    private let size: Int

    init(_ path: String) throws(ImagingIOError) {
      self.path = path
      size = VolumeFile.fileSize(path)
      var handle: OpaquePointer?
      var message = [CChar](repeating: 0, count: Int(CTIFF_MESSAGE))
      let largest = max(1 << 20, min(size, 1 << 32) * Self.maximumRatio)
      guard ctiff_open(path, Int64(largest), &handle, &message) == Int32(CTIFF_OK.rawValue),
        let handle
      else { throw .damaged(path: path, reason: "libtiff says: \(Picture.text(message))") }
      self.handle = handle
    }

    deinit { ctiff_close(handle) }

    func pageCount() throws(ImagingIOError) -> Int {
      var pages: Int32 = 0
      var message = [CChar](repeating: 0, count: Int(CTIFF_MESSAGE))
      try check(ctiff_pages(handle, &pages, &message), message)
      return Int(pages)
    }

    func read(page: Int) throws -> Picture {
      var info = ctiff_info()
      var message = [CChar](repeating: 0, count: Int(CTIFF_MESSAGE))
      try check(ctiff_inspect(handle, Int32(page), &info, &message), message)
      let (width, height) = (Int(info.width), Int(info.height))
      guard width <= Picture.maximumSide, height <= Picture.maximumSide else {
        throw ImagingIOError.unsupported(
          path: path,
          what: "\(width) x \(height) pixels",
          remedy: "cut the picture into smaller ones"
        )
      }
      let channels = Int(info.channels)
      let bytes = width * height * channels * Int(info.bits) / 8
      guard bytes / Self.maximumRatio <= size,
        bytes <= Int(clamping: ProcessInfo.processInfo.physicalMemory) / 2
      else {
        throw ImagingIOError.damaged(
          path: path,
          reason: "its header claims \(width) x \(height) pixels, which \(size) bytes cannot hold"
        )
      }
      let type: ScalarType =
        switch (info.format, info.bits) {
        case (1, 8): .uint8
        case (1, 16): .uint16
        case (1, 32): .uint32
        case (1, 64): .uint64
        case (2, 8): .int8
        case (2, 16): .int16
        case (2, 32): .int32
        case (2, 64): .int64
        case (3, 32): .float32
        default: .float64
        }
      let pixels = try [UInt8](unsafeUninitializedCapacity: bytes) { buffer, initializedCount in
        try check(ctiff_read(handle, Int32(page), buffer.baseAddress, bytes, &message), message)
        initializedCount = bytes
      }
      return Picture(
        width: width,
        height: height,
        channels: channels,
        type: type,
        bytes: pixels,
        spacingMM: info.spacing.0 > 0 && info.spacing.1 > 0
          ? [info.spacing.0, info.spacing.1] : nil
      )
    }

    private func check(_ status: Int32, _ message: [CChar]) throws(ImagingIOError) {
      switch status {
      case Int32(CTIFF_OK.rawValue): return
      case Int32(CTIFF_UNSUPPORTED.rawValue):
        throw .unsupported(
          path: path,
          what: "a TIFF layout that is not read (\(Picture.text(message)))",
          remedy: "convert it to grey values of 8 or 16 bits"
        )
      default: throw .damaged(path: path, reason: "libtiff says: \(Picture.text(message))")
      }
    }
  }
}
