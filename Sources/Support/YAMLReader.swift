import Foundation

extension JSONTree {
  /// What is wrong with a text in YAML.
  public enum YAMLFault: Error, Equatable {
    /// It is no YAML: one sentence part.
    case malformed(String)
    /// It is YAML of a kind that is not read: one sentence part.
    case unsupported(String)
  }

  /// Reads the part of YAML that configurations are written in.
  ///
  /// Known are mappings and lists in blocks and in brackets, plain and quoted scalars over several lines, and
  /// literal and folded blocks (YAML 1.1). Plain scalars are what PyYAML's safe loader makes of them: `1.0e-4`
  /// is a number, `1e-4` a text, `yes` a truth value; dates stay texts. Keys are texts. Anchors, aliases, tags,
  /// merged keys, directives, explicit keys and several documents are refused, so that nothing is built but
  /// what is written down, and nothing grows beyond the text's own length.
  /// - Parameter data: UTF-8, with or without a byte order mark.
  /// - Throws: `YAMLFault` with the line.
  public init(yaml data: Data) throws(YAMLFault) {
    var reader = try YAMLReader(data)
    self = try reader.document()
  }
}

/// A recursive descent over lines; a block is known by the column where it begins.
struct YAMLReader {
  let bytes: [UInt8]
  var position = 0

  /// Texts longer than this are no configuration.
  private static let maximumBytes = 16 << 20

  static let newline = UInt8(ascii: "\n")
  static let space = UInt8(ascii: " ")
  static let tab = UInt8(ascii: "\t")

  init(_ data: Data) throws(JSONTree.YAMLFault) {
    guard data.count <= Self.maximumBytes else {
      throw .unsupported("it is longer than \(Self.maximumBytes >> 20) MiB")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw .malformed("it is not in UTF-8")
    }
    // YAML 1.1 sees ends of lines in these.
    let separators: Set<Unicode.Scalar> = ["\u{85}", "\u{2028}", "\u{2029}"]
    if let line = text.unicodeScalars.first(where: { separators.contains($0) }) {
      throw .unsupported("it holds the line separator U+\(String(line.value, radix: 16))")
    }
    var units = Array(text.utf8)
    if units.starts(with: [0xEF, 0xBB, 0xBF]) { units.removeFirst(3) }
    // Ends of lines become one kind; other control characters are no part of YAML.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(units.count)
    for (index, unit) in units.enumerated() {
      if unit == 0x0D {
        let isPair = index + 1 < units.count && units[index + 1] == Self.newline
        if !isPair { bytes.append(Self.newline) }
        continue
      }
      guard unit >= 0x20 && unit != 0x7F || unit == Self.newline || unit == Self.tab else {
        throw .malformed("it holds the control character \(unit)")
      }
      bytes.append(unit)
    }
    self.bytes = bytes
  }

  // MARK: - Places

  var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  func byte(after count: Int) -> UInt8? {
    position + count < bytes.count ? bytes[position + count] : nil
  }

  /// The column of the current byte.
  var column: Int {
    var start = position
    while start > 0, bytes[start - 1] != Self.newline { start -= 1 }
    return position - start
  }

  var line: Int { bytes[..<min(position, bytes.count)].count { $0 == Self.newline } + 1 }

  func malformed(_ what: String) -> JSONTree.YAMLFault {
    .malformed("\(what) in line \(line)")
  }

  func unsupported(_ what: String) -> JSONTree.YAMLFault {
    .unsupported("\(what) in line \(line), which is not read")
  }

  static func isBlank(_ byte: UInt8?) -> Bool {
    byte == nil || byte == space || byte == tab || byte == newline
  }

  mutating func skipSpaces() {
    while current == Self.space || current == Self.tab { position += 1 }
  }

  /// Skips a comment, if there is one, up to the end of the line.
  mutating func skipComment() {
    guard current == UInt8(ascii: "#") else { return }
    while let byte = current, byte != Self.newline { position += 1 }
  }

  /// Goes to the next byte that says something, on this line or a later one.
  mutating func skipToContent() throws(JSONTree.YAMLFault) {
    while true {
      let start = position
      while current == Self.space { position += 1 }
      if current == Self.tab {
        skipSpaces()
        let isEmpty = current == nil || current == Self.newline || current == UInt8(ascii: "#")
        guard isEmpty || start > 0 && bytes[start - 1] != Self.newline else {
          throw malformed("a tab before a value")
        }
      }
      // A number sign within a word is no comment.
      if position == 0 || Self.isBlank(bytes[position - 1]) { skipComment() }
      guard current == Self.newline else { return }
      position += 1
    }
  }

  /// Whether a line of three such bytes begins here.
  func isMarker(_ mark: Character) -> Bool {
    guard let unit = mark.asciiValue, column == 0 else { return false }
    return (0..<3).allSatisfy { byte(after: $0) == unit } && Self.isBlank(byte(after: 3))
  }

  private var isItem: Bool { current == UInt8(ascii: "-") && Self.isBlank(byte(after: 1)) }

  // MARK: - Blocks

  mutating func document() throws(JSONTree.YAMLFault) -> JSONTree {
    try skipToContent()
    if current == UInt8(ascii: "%"), column == 0 { throw unsupported("a directive") }
    if isMarker("-") { position += 3 }
    let value = try block(below: -1, depth: 0)
    try skipToContent()
    if isMarker(".") {
      position += 3
      try skipToContent()
    }
    guard current == nil else {
      if isMarker("-") { throw unsupported("a second document") }
      throw malformed("something follows the value")
    }
    return value
  }

  /// The value whose first byte comes next on this line or below, right of a column.
  ///
  /// A list may begin at `itemColumn`, too.
  private mutating func block(
    below parent: Int,
    itemColumn: Int? = nil,
    depth: Int
  ) throws(JSONTree.YAMLFault) -> JSONTree {
    guard depth <= JSONTree.maximumDepth else { throw malformed("values are nested too deeply") }
    try skipToContent()
    guard current != nil, !isMarker("-"), !isMarker(".") else { return .null }
    let column = column
    if isItem, column > parent || column == itemColumn {
      return try list(column, depth: depth)
    }
    guard column > parent else { return .null }
    if try isKey() { return try mapping(column, depth: depth) }
    return try scalar(below: parent, depth: depth)
  }

  private mutating func list(_ column: Int, depth: Int) throws(JSONTree.YAMLFault) -> JSONTree {
    var items: [JSONTree] = []
    repeat {
      position += 1
      items.append(try block(below: column, depth: depth + 1))
      try skipToContent()
      if current != nil, self.column > column { throw malformed("a value that fits nowhere") }
    } while isItem && self.column == column
    return .list(items)
  }

  private mutating func mapping(_ column: Int, depth: Int) throws(JSONTree.YAMLFault) -> JSONTree {
    var members: [JSONTree.Member] = []
    var keys: Set<String> = []
    repeat {
      let key = try self.key()
      guard keys.insert(key).inserted else { throw malformed("the key \(key) is there twice") }
      skipSpaces()
      position += 1
      skipSpaces()
      if Self.isBlank(bytes[position - 1]) { skipComment() }
      let value =
        current == nil || current == Self.newline
        ? try block(below: column, itemColumn: column, depth: depth + 1)
        : try scalar(below: column, depth: depth + 1)
      members.append(JSONTree.Member(key: key, value: value))
      try skipToContent()
      guard current != nil, self.column >= column, !isMarker("-"), !isMarker(".") else { break }
      guard self.column == column else { throw malformed("a value that fits nowhere") }
      guard try isKey() else { throw malformed("a key is missing") }
    } while true
    return .object(members)
  }

  /// Whether a key and its colon come next.
  private mutating func isKey() throws(JSONTree.YAMLFault) -> Bool {
    let start = position
    defer { position = start }
    switch current {
    case UInt8(ascii: "?") where Self.isBlank(byte(after: 1)):
      throw unsupported("an explicit key")
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      guard let end = quotedEnd() else { return false }
      position = end
      skipSpaces()
      return current == UInt8(ascii: ":") && Self.isBlank(byte(after: 1))
    case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: ">"): return false
    default:
      while let byte = current, byte != Self.newline {
        if byte == UInt8(ascii: ":"), Self.isBlank(self.byte(after: 1)) { return true }
        if byte == UInt8(ascii: "#"), position > start, Self.isBlank(bytes[position - 1]) {
          return false
        }
        position += 1
      }
      return false
    }
  }

  /// Behind the closing quote; nil where it is not on the same line.
  private mutating func quotedEnd() -> Int? {
    let start = position
    defer { position = start }
    guard (try? quoted()) != nil, !bytes[start..<position].contains(Self.newline) else {
      return nil
    }
    return position
  }

  private mutating func key() throws(JSONTree.YAMLFault) -> String {
    try refuseSpecial()
    if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") { return try quoted() }
    try refuseIndicator(inBrackets: false)
    let start = position
    while let byte = current, byte != Self.newline,
      !(byte == UInt8(ascii: ":") && Self.isBlank(self.byte(after: 1)))
    {
      position += 1
    }
    let key = text(start..<position)
    if key == "<<" { throw unsupported("a merged key") }
    return key
  }
}
