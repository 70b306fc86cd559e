import Foundation

/// Walks over the messages of one file, with a bound on the number of their fields.
///
/// A class, so that messages inside of messages share the bound: a small file cannot keep a reader busy
/// for ever.
final class ProtobufFile {
  /// The file's bytes.
  let data: Data
  private var partsLeft = 4_000_000

  init(_ data: Data) { self.data = data }

  /// The place of the outermost message.
  var all: Range<Int> { data.startIndex..<data.endIndex }

  /// Calls the body with each field of a message.
  func forEachField(_ range: Range<Int>, _ body: (ProtobufField) throws -> Void) throws {
    var reader = ProtobufReader(data, range)
    while let field = try reader.next() {
      partsLeft -= 1
      guard partsLeft > 0 else { throw ProtobufFault(reason: "it has too many parts") }
      try body(field)
    }
  }
}
