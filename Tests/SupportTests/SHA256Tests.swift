import Foundation
import Support
import TestSupport
import Testing

struct SHA256Tests {
  // FIPS 180-4's examples, published by NIST with the standard.
  static let vectors = [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ]

  @Test(arguments: vectors)
  func digestsAreThoseOfTheStandard(text: String, digest: String) throws {
    #expect(try SHA256.hexDigest(of: Data(text.utf8)) == digest)
    let folder = try TemporaryFolder()
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("a")))
    #expect(try SHA256.hexDigest(ofFile: folder.file("a")) == digest)
  }

  @Test func aFileOfSeveralPiecesHasTheDigestOfItsBytes() throws {
    // NIST's third example: a million letters a; and one and a half pieces of a mebibyte.
    let folder = try TemporaryFolder()
    let million = Data(repeating: 0x61, count: 1_000_000)
    try million.write(to: URL(fileURLWithPath: folder.file("a")))
    #expect(
      try SHA256.hexDigest(ofFile: folder.file("a"))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    )
    let long = Data((0..<1_572_864).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    try long.write(to: URL(fileURLWithPath: folder.file("b")))
    #expect(try SHA256.hexDigest(ofFile: folder.file("b")) == SHA256.hexDigest(of: long))
  }

  @Test func missingFilesAndFoldersAreErrors() throws {
    let folder = try TemporaryFolder()
    #expect(throws: SupportError.notFound(path: folder.file("missing"))) {
      try SHA256.hexDigest(ofFile: folder.file("missing"))
    }
    #expect(throws: SupportError.self) { try SHA256.hexDigest(ofFile: folder.path) }
  }
}
