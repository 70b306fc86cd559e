import CDeflate
import Foundation
import Support

/// The bytes of a plain, gzip or zlib file, read forwards.
///
/// It streams through a buffer of 256 kB, whatever the file's length; nothing depends on gzip's
/// length field, which wraps at 4 GB. A stream that ends before its checksum is an error.
final class PackedSource {
  /// How the bytes are packed.
  enum Packing {
    case plain
    /// gzip (RFC 1952), one or several members.
    case gzip
    /// gzip by its first two bytes, else plain.
    case gzipOrPlain
    /// gzip by its first two bytes, else zlib (RFC 1950).
    case gzipOrZlib

    fileprivate var code: Int32 {
      let value =
        switch self {
        case .plain: CDEFLATE_PLAIN
        case .gzip: CDEFLATE_GZIP
        case .gzipOrPlain: CDEFLATE_GZIP_OR_PLAIN
        case .gzipOrZlib: CDEFLATE_GZIP_OR_ZLIB
        }
      return Int32(bitPattern: value.rawValue)
    }
  }

  /// Deflate cannot shrink data by more than this (zlib's technical notes: 1032 to 1).
  static let maximumRatio = 1032
  /// Compressed bytes after the expected ones are read up to this number, for the checksum.
  private static let maximumTrailingBytes = 16 << 20

  private let handle: OpaquePointer
  private let path: String

  /// Opens a file.
  /// - Parameters:
  ///   - path: The file.
  ///   - offset: Where the stream begins.
  ///   - packing: How its bytes are packed.
  /// - Throws: `SupportError.unreadable` when the system refuses.
  init(path: String, offset: Int = 0, packing: Packing = .gzipOrPlain) throws {
    var handle: OpaquePointer?
    let status = cdeflate_open(path, Int64(offset), packing.code, &handle)
    guard let handle, status == Int32(CDEFLATE_OK.rawValue) else {
      throw SupportError.unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    self.handle = handle
    self.path = path
  }

  deinit { cdeflate_close(handle) }

  /// Whether the content is compressed.
  var isPacked: Bool { cdeflate_is_packed(handle) != 0 }

  /// Skips bytes; `start` and `total` (bytes of the content before this place, and in all as they
  /// should be) are for the message.
  func skip(_ count: Int, start: Int, total: Int) throws {
    var found: Int64 = 0
    let status = cdeflate_skip(handle, Int64(count), &found)
    try check(status, found: Int(found), wanted: count, start: start, total: total)
  }

  /// Fills a buffer; the parameters' meaning as in `skip`.
  func read(into buffer: UnsafeMutableRawBufferPointer, start: Int, total: Int) throws {
    guard let base = buffer.baseAddress else { return }
    var found: Int64 = 0
    let status = cdeflate_read(handle, base, Int64(buffer.count), &found)
    try check(status, found: Int(found), wanted: buffer.count, start: start, total: total)
  }

  /// Reads up to a number of bytes; fewer only at the end.
  func read(upTo count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      var found: Int64 = 0
      let status = cdeflate_read(handle, buffer.baseAddress, Int64(count), &found)
      try check(status, found: Int(found), wanted: 0, start: 0, total: count)
      initializedCount = Int(found)
    }
  }

  /// Reads a packed stream on to its end, so that the checksum there is compared.
  /// - Parameter total: The bytes that were expected and read, for the message.
  /// - Returns: How many bytes there were beyond, counted up to 16 MB; 0 for plain files.
  /// - Throws: `ImagingIOError.damaged` when the stream is corrupt or lacks its end.
  func checkEnd(total: Int) throws -> Int {
    guard isPacked else { return 0 }
    var trailing = 0
    var scratch = [UInt8](repeating: 0, count: 1 << 16)
    while trailing < Self.maximumTrailingBytes {
      var found: Int64 = 0
      let status = cdeflate_read(handle, &scratch, Int64(scratch.count), &found)
      try check(status, found: 0, wanted: 0, start: total, total: total)
      trailing += Int(found)
      if found < scratch.count { break }
    }
    return trailing
  }

  private func check(_ status: Int32, found: Int, wanted: Int, start: Int, total: Int) throws {
    switch status {
    case Int32(CDEFLATE_OK.rawValue):
      guard found < wanted else { return }
      throw ImagingIOError.damaged(
        path: path,
        reason: "\(total) bytes were expected but only \(start + found) are there"
      )
    case Int32(CDEFLATE_CORRUPT.rawValue):
      throw ImagingIOError.damaged(
        path: path,
        reason: "its compressed data end early or are corrupt: \(total) bytes were expected, "
          + "\(start + found) could be read"
      )
    case Int32(CDEFLATE_NO_MEMORY.rawValue):
      throw SupportError.libraryFailure(library: "ISA-L")
    default:
      throw SupportError.unreadable(path: path, reason: String(cString: strerror(errno)))
    }
  }
}
