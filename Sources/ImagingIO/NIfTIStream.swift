import CNIfTI
import Foundation
import Support

/// The bytes of a plain or gzip file, read forwards.
final class NIfTIStream {
  private let handle: OpaquePointer
  private let path: String

  init(path: String) throws {
    var handle: OpaquePointer?
    let status = cnifti_open(path, &handle)
    guard let handle, status == Int32(CNIFTI_OK.rawValue) else {
      throw SupportError.unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    self.handle = handle
    self.path = path
  }

  deinit { cnifti_close(handle) }

  var isCompressed: Bool { cnifti_is_compressed(handle) != 0 }

  /// Skips bytes; `start` and `total` (bytes of the content before this place, and in all as they
  /// should be) are for the message.
  func skip(_ count: Int, start: Int, total: Int) throws {
    var found: Int64 = 0
    let status = cnifti_skip(handle, Int64(count), &found)
    try check(status, found: Int(found), wanted: count, start: start, total: total)
  }

  /// Fills a buffer; the parameters' meaning as in `skip`.
  func read(into buffer: UnsafeMutableRawBufferPointer, start: Int, total: Int) throws {
    guard let base = buffer.baseAddress else { return }
    var found: Int64 = 0
    let status = cnifti_read(handle, base, Int64(buffer.count), &found)
    try check(status, found: Int(found), wanted: buffer.count, start: start, total: total)
  }

  /// Reads on to the end, so that the checksum that ends a gzip stream is compared.
  func checkEnd(total: Int) throws {
    guard isCompressed else { return }
    var scratch: UInt64 = 0
    var found: Int64 = 0
    let status = cnifti_read(handle, &scratch, 8, &found)
    try check(status, found: 0, wanted: 0, start: total, total: total)
  }

  private func check(_ status: Int32, found: Int, wanted: Int, start: Int, total: Int) throws {
    switch status {
    case Int32(CNIFTI_OK.rawValue):
      guard found < wanted else { return }
      throw ImagingIOError.damaged(
        path: path,
        reason: "\(total) bytes were expected but only \(start + found) are there"
      )
    case Int32(CNIFTI_CORRUPT.rawValue):
      throw ImagingIOError.damaged(
        path: path,
        reason: "its compressed data end early or are corrupt: \(total) bytes were expected, "
          + "\(start + found) could be read"
      )
    case Int32(CNIFTI_NO_MEMORY.rawValue):
      throw SupportError.libraryFailure(library: "zlib")
    default:
      throw SupportError.unreadable(path: path, reason: String(cString: strerror(errno)))
    }
  }
}
