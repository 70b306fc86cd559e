import CDeflate
import Support

/// Packs bytes in memory, for data that stands inside another file.
package enum PackedBytes {
  private static let pieceBytes = 1 << 20

  /// What a file of a zlib or gzip stream holds.
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: The most bytes that it may hold.
  /// - Returns: The bytes.
  /// - Throws: `SupportError.unreadable` when the system refuses, the stream is damaged or it holds more.
  package static func contents(ofFile path: String, limit: Int) throws -> [UInt8] {
    let source = try PackedSource(path: path, packing: .gzipOrZlib)
    var result: [UInt8] = []
    while true {
      let piece = try source.read(upTo: pieceBytes)
      result += piece
      guard result.count <= limit else {
        throw SupportError.unreadable(path: path, reason: "it holds more than \(limit) bytes")
      }
      if piece.count < pieceBytes { return result }
    }
  }

  /// A zlib stream (RFC 1950) of bytes, packed small by zlib's level 6 in pieces of 1 MiB.
  ///
  /// The result depends on the bytes alone.
  /// - Parameter bytes: What is packed; may be empty.
  /// - Returns: The stream.
  /// - Throws: `SupportError.libraryFailure` when memory is short.
  package static func zlib(_ bytes: [UInt8]) throws(SupportError) -> [UInt8] {
    var result: [UInt8] = [0x78, 0x9C]
    var checksum: UInt32 = 1
    for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
      let piece = Array(bytes[start..<min(start + pieceBytes, bytes.count)])
      let bound = Int(cdeflate_bound(Int64(piece.count)))
      var status: Int32 = 0
      let packed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, initializedCount in
        var size: Int64 = 0
        status = cdeflate_pack(
          piece,
          Int64(piece.count),
          1,
          buffer.baseAddress,
          Int64(bound),
          &size
        )
        initializedCount = Int(size)
      }
      guard status == Int32(CDEFLATE_OK.rawValue) else { throw .libraryFailure(library: "zlib") }
      result += packed
      checksum = cdeflate_join_adler(
        checksum,
        cdeflate_adler(piece, Int64(piece.count)),
        Int64(piece.count)
      )
    }
    // A last block without content: deflate's "fixed" type and the end code.
    result += [0x03, 0x00]
    result += (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32($0))) }
    return result
  }
}
