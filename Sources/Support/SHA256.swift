import COpenSSL
import Foundation

/// SHA-256 digests (FIPS 180-4) as lower-case hexadecimal text.
public enum SHA256 {
  /// The digest of a file, read in pieces.
  /// - Parameter path: The file.
  /// - Returns: 64 hexadecimal digits.
  /// - Throws: `SupportError.notFound` or `.unreadable`.
  public static func hexDigest(ofFile path: String) throws(SupportError) -> String {
    guard let file = fopen(path, "rb") else {
      throw errno == ENOENT
        ? .notFound(path: path)
        : .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    defer { fclose(file) }
    let hash = try RunningHash()
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = fread(&piece, 1, piece.count, file)
      if count > 0 { try hash.update(piece, count: count) }
      if count < piece.count {
        guard ferror(file) == 0 else { throw .unreadable(path: path, reason: "read error") }
        return try hash.finish()
      }
    }
  }

  /// The digest of bytes in memory.
  /// - Parameter data: The bytes.
  /// - Returns: 64 hexadecimal digits.
  /// - Throws: `SupportError.libraryFailure` when libcrypto fails.
  public static func hexDigest(of data: Data) throws(SupportError) -> String {
    let hash = try RunningHash()
    let isAdded = data.withUnsafeBytes { hash.adds($0) }
    guard isAdded else { throw .libraryFailure(library: "libcrypto") }
    return try hash.finish()
  }
}

private final class RunningHash {
  private let handle: OpaquePointer

  init() throws(SupportError) {
    guard let handle = copenssl_sha256_new() else {
      throw .libraryFailure(library: "libcrypto")
    }
    self.handle = handle
  }

  deinit { copenssl_sha256_free(handle) }

  func update(_ bytes: [UInt8], count: Int) throws(SupportError) {
    let isAdded = bytes.withUnsafeBytes { adds(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    guard isAdded else { throw .libraryFailure(library: "libcrypto") }
  }

  /// Adds bytes; false when libcrypto fails.
  func adds(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress else { return true }
    return copenssl_sha256_update(handle, start, bytes.count) == 0
  }

  func finish() throws(SupportError) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    guard copenssl_sha256_finish(handle, &digest) == 0 else {
      throw .libraryFailure(library: "libcrypto")
    }
    let digits = Array("0123456789abcdef")
    return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
