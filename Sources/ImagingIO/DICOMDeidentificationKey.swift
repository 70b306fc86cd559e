import Foundation
import Support

/// The secret that new identifiers and shifts are derived from.
///
/// With the same key the same patient, study and image get the same new identifiers in every run;
/// without the key nobody can compute them from a guessed original.
package struct DICOMDeidentificationKey: Sendable {
  /// Where the key came from.
  package enum Origin: String, Codable, Sendable {
    case random, file, seed
  }

  /// Where the key came from.
  package let origin: Origin
  private let bytes: [UInt8]

  /// A key of 256 random bits.
  package static func random() -> Self {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
    return Self(origin: .random, bytes: bytes)
  }

  /// A key that a person keeps; anything of 16 bytes and more.
  package init(secret: [UInt8]) { self.init(origin: .file, bytes: secret) }

  /// A key for tests and demonstrations: anyone can guess it.
  package init(seed: UInt64) { self.init(origin: .seed, bytes: Array("lamina seed \(seed)".utf8)) }

  private init(origin: Origin, bytes: [UInt8]) {
    self.origin = origin
    self.bytes = bytes
  }

  /// The key in hexadecimal, for a record that its owner asked for.
  package var hexadecimal: String { bytes.map { Self.hex($0) }.joined() }

  private static func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return byte < 16 ? "0" + digits : digits
  }

  // MARK: - Derived values

  /// HMAC-SHA256 (RFC 2104) of a value under this key, 64 hexadecimal digits.
  /// - Parameters:
  ///   - purpose: Keeps the digests of one value for different uses apart.
  ///   - value: What is hidden.
  /// - Returns: 64 hexadecimal digits.
  /// - Throws: `SupportError.libraryFailure`.
  package func digest(_ purpose: String, _ value: String) throws(SupportError) -> String {
    try hmac(Array("\(purpose):\(value)".utf8))
  }

  /// HMAC-SHA256 of a message.
  package func hmac(_ message: [UInt8]) throws(SupportError) -> String {
    var block = bytes.count > 64 ? Self.bytes(try SHA256.hexDigest(of: Data(bytes))) : bytes
    block += [UInt8](repeating: 0, count: 64 - block.count)
    let inner = try SHA256.hexDigest(of: Data(block.map { $0 ^ 0x36 } + message))
    return try SHA256.hexDigest(of: Data(block.map { $0 ^ 0x5C } + Self.bytes(inner)))
  }

  private static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.compactMap(\.hexDigitValue).map { UInt8($0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  /// The new UID of an original one, under the root of UUIDs, 2.25 (PS3.5 B.2).
  /// - Throws: `SupportError.libraryFailure`.
  package func uid(_ original: String) throws(SupportError) -> String {
    try DICOMUID.named(try digest("uid", original))
  }

  /// A patient's name and identifier: "ANON-" and 10 hexadecimal digits.
  /// - Throws: `SupportError.libraryFailure`.
  package func pseudonym(_ patient: String) throws(SupportError) -> String {
    "ANON-" + (try digest("patient", patient)).prefix(10).uppercased()
  }

  /// Days by which a patient's dates move into the past: 1 to 3650.
  /// - Throws: `SupportError.libraryFailure`.
  package func days(_ patient: String) throws(SupportError) -> Int {
    let digest = try digest("days", patient)
    return Int((UInt64(digest.prefix(15), radix: 16) ?? 0) % 3650) + 1
  }
}
