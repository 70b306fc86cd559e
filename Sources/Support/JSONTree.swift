import Foundation

/// JSON whose objects keep the order of their keys, as files that Python wrote need it.
///
/// `NaN` and `Infinity`, which Python writes and RFC 8259 forbids, are read too.
public indirect enum JSONTree: Equatable, Sendable {
  /// null.
  case null
  /// true or false.
  case bool(Bool)
  /// A number.
  case number(Double)
  /// A string.
  case text(String)
  /// An array.
  case list([JSONTree])
  /// An object: keys with values in the order of the file.
  case object([Member])

  /// A key with its value.
  public struct Member: Equatable, Sendable {
    /// The key.
    public let key: String
    /// The value.
    public let value: JSONTree
  }

  /// What is wrong with a text that is no JSON.
  public struct Fault: Error, Equatable {
    /// One sentence part, such as "a value is missing at byte 12".
    public let reason: String
  }

  /// Values may be nested this deep.
  public static let maximumDepth = 200

  /// Reads a text.
  /// - Parameter data: UTF-8, with or without a byte order mark.
  /// - Throws: `Fault`.
  public init(_ data: Data) throws(Fault) {
    var reader = JSONReader(bytes: [UInt8](data))
    self = try reader.document()
  }

  /// The value of a key; nil for other values and absent keys.
  ///
  /// The last of equal keys counts.
  /// - Parameter key: The key.
  public subscript(_ key: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.key == key }?.value
  }

  /// The members of an object, or nil.
  public var members: [Member]? { if case .object(let members) = self { members } else { nil } }

  /// The items of an array, or nil.
  public var list: [JSONTree]? { if case .list(let items) = self { items } else { nil } }

  /// The string, or nil.
  public var text: String? { if case .text(let text) = self { text } else { nil } }

  /// The number, or nil.
  public var number: Double? { if case .number(let number) = self { number } else { nil } }

  /// The number when it is whole, or nil.
  public var int: Int? { number.flatMap { Int(exactly: $0) } }

  /// The truth value, or nil.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The whole numbers of an array, or nil when it holds something else.
  public var ints: [Int]? {
    guard let items = list else { return nil }
    let numbers = items.compactMap(\.int)
    return numbers.count == items.count ? numbers : nil
  }

  /// The numbers of an array, or nil when it holds something else.
  public var numbers: [Double]? {
    guard let items = list else { return nil }
    let numbers = items.compactMap(\.number)
    return numbers.count == items.count ? numbers : nil
  }
}

/// A recursive descent over RFC 8259's grammar.
private struct JSONReader {
  let bytes: [UInt8]
  var position = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  mutating func document() throws(JSONTree.Fault) -> JSONTree {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw fault("something follows the value") }
    return value
  }

  private func fault(_ what: String) -> JSONTree.Fault {
    JSONTree.Fault(reason: "\(what) at byte \(position)")
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard bytes.count - position >= length else { return false }
    for index in 0..<length where bytes[position + index] != word.utf8Start[index] { return false }
    position += length
    return true
  }

  private mutating func value(depth: Int) throws(JSONTree.Fault) -> JSONTree {
    guard depth <= JSONTree.maximumDepth else { throw fault("values are nested too deeply") }
    skipSpace()
    guard position < bytes.count else { throw fault("a value is missing") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .text(try string())
    default: break
    }
    if take("null") { return .null }
    if take("true") { return .bool(true) }
    if take("false") { return .bool(false) }
    if take("NaN") { return .number(.nan) }
    if take("Infinity") { return .number(.infinity) }
    if take("-Infinity") { return .number(-.infinity) }
    return try number()
  }

  private mutating func object(depth: Int) throws(JSONTree.Fault) -> JSONTree {
    position += 1
    var members: [JSONTree.Member] = []
    skipSpace()
    if take("}") { return .object([]) }
    repeat {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw fault("a key is missing")
      }
      let key = try string()
      skipSpace()
      guard take(":") else { throw fault("a colon is missing") }
      members.append(JSONTree.Member(key: key, value: try value(depth: depth + 1)))
      skipSpace()
    } while take(",")
    guard take("}") else { throw fault("an object does not end") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONTree.Fault) -> JSONTree {
    position += 1
    var items: [JSONTree] = []
    skipSpace()
    if take("]") { return .list([]) }
    repeat {
      items.append(try value(depth: depth + 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw fault("an array does not end") }
    return .list(items)
  }

  private mutating func number() throws(JSONTree.Fault) -> JSONTree {
    let start = position
    let digits = Set("+-.0123456789eE".utf8)
    while position < bytes.count, digits.contains(bytes[position]) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), text.utf8.first != UInt8(ascii: "+") else {
      position = start
      throw fault("a value is missing")
    }
    return .number(value)
  }

  private mutating func string() throws(JSONTree.Fault) -> String {
    position += 1
    var units: [UInt8] = []
    while true {
      guard position < bytes.count, bytes[position] >= 0x20 else {
        throw fault("a string does not end")
      }
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: units, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        units.append(byte)
        continue
      }
      units += Array(String(try escape()).utf8)
    }
  }

  private mutating func escape() throws(JSONTree.Fault) -> Character {
    guard position < bytes.count else { throw fault("a string does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      return Character(Unicode.Scalar(byte))
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      if first & 0xFC00 == 0xD800, take("\\u") {
        let second = try codeUnit()
        let scalar = 0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF)
        if second & 0xFC00 == 0xDC00, let scalar = Unicode.Scalar(scalar) {
          return Character(scalar)
        }
        return "\u{FFFD}"
      }
      return Unicode.Scalar(first).map(Character.init) ?? "\u{FFFD}"
    default: throw fault("an unknown escape")
    }
  }

  private mutating func codeUnit() throws(JSONTree.Fault) -> UInt32 {
    guard bytes.count - position >= 4,
      let value = UInt32(
        String(decoding: bytes[position..<position + 4], as: UTF8.self),
        radix: 16
      )
    else { throw fault("a damaged escape") }
    position += 4
    return value
  }
}
