/// Scalars: plain, quoted, and blocks of lines.
extension YAMLReader {
  /// Bytes without the spaces around them.
  func text(_ range: Range<Int>) -> String {
    var range = range
    func isSpace(_ place: Int) -> Bool { bytes[place] == Self.space || bytes[place] == Self.tab }
    while let last = range.last, isSpace(last) { range = range.lowerBound..<last }
    while let first = range.first, isSpace(first) { range = first + 1..<range.upperBound }
    return String(decoding: bytes[range], as: UTF8.self)
  }

  func refuseSpecial() throws(JSONTree.YAMLFault) {
    switch current {
    case UInt8(ascii: "&"): throw unsupported("an anchor")
    case UInt8(ascii: "*"): throw unsupported("an alias")
    case UInt8(ascii: "!"): throw unsupported("a tag")
    default: break
    }
  }

  /// A plain scalar cannot begin with the marks of the language.
  func refuseIndicator(inBrackets: Bool) throws(JSONTree.YAMLFault) {
    guard let byte = current else { return }
    let next = self.byte(after: 1)
    let isMark =
      "-?:".utf8.contains(byte)
      ? Self.isBlank(next) || inBrackets && next.map { ",[]{}".utf8.contains($0) } ?? true
      : ",[]{}#|>%@`".utf8.contains(byte)
    if isMark {
      throw malformed("a text that begins with \(Character(UnicodeScalar(byte))) and has no quotes")
    }
  }

  /// A value that is no block of its own: it begins here and may go on below, right of a column.
  mutating func scalar(
    below parent: Int,
    depth: Int
  ) throws(JSONTree.YAMLFault) -> JSONTree {
    guard depth <= JSONTree.maximumDepth else { throw malformed("values are nested too deeply") }
    try refuseSpecial()
    let value: JSONTree
    switch current {
    case UInt8(ascii: "["), UInt8(ascii: "{"): value = try bracketed(depth: depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): value = .text(try quoted())
    case UInt8(ascii: "|"), UInt8(ascii: ">"): return .text(try literal(below: parent))
    default: return YAMLScalar.value(try plain(below: parent))
    }
    // Nothing but a comment may follow on the line.
    let end = position
    skipSpaces()
    if position > end { skipComment() }
    guard current == nil || current == Self.newline else {
      throw malformed("something follows a value")
    }
    return value
  }

  /// A plain scalar of one or more lines, which are joined by spaces.
  private mutating func plain(below parent: Int) throws(JSONTree.YAMLFault) -> String {
    try refuseIndicator(inBrackets: false)
    var result = ""
    while true {
      let start = position
      var isCommented = false
      while let byte = current, byte != Self.newline {
        if byte == UInt8(ascii: ":"), Self.isBlank(self.byte(after: 1)) {
          throw malformed("a colon within a text without quotes")
        }
        if byte == UInt8(ascii: "#"), position > start, Self.isBlank(bytes[position - 1]) {
          isCommented = true
          break
        }
        position += 1
      }
      result += text(start..<position)
      skipComment()
      let end = position
      var breaks = 0
      while current == Self.newline || current == Self.space || current == Self.tab {
        if current == Self.newline { breaks += 1 }
        position += 1
      }
      let goesOn =
        !isCommented && current != nil && current != UInt8(ascii: "#") && column > parent
        && !isMarker("-") && !isMarker(".")
      guard goesOn else {
        position = end
        return result
      }
      result += breaks > 1 ? String(repeating: "\n", count: breaks - 1) : " "
    }
  }

  /// A quoted scalar; ends of lines within become spaces.
  mutating func quoted() throws(JSONTree.YAMLFault) -> String {
    let mark = bytes[position]
    let isDouble = mark == UInt8(ascii: "\"")
    position += 1
    var units: [UInt8] = []
    // Spaces before this are written by escapes and stay.
    var kept = 0
    while let byte = current {
      position += 1
      switch byte {
      case mark:
        guard !isDouble, current == mark else { return String(decoding: units, as: UTF8.self) }
        units.append(mark)
        position += 1
      case UInt8(ascii: "\\") where isDouble:
        units += Array(try escape().utf8)
        kept = units.count
      case Self.newline:
        while units.count > kept, units.last == Self.space || units.last == Self.tab {
          units.removeLast()
        }
        var breaks = 0
        while current == Self.newline || current == Self.space || current == Self.tab {
          if current == Self.newline { breaks += 1 }
          position += 1
        }
        if isMarker("-") || isMarker(".") { throw malformed("a text does not end") }
        units +=
          breaks == 0
          ? [Self.space] : [UInt8](repeating: Self.newline, count: breaks)
      default: units.append(byte)
      }
    }
    throw malformed("a text does not end")
  }

  private mutating func escape() throws(JSONTree.YAMLFault) -> String {
    guard let byte = current else { throw malformed("a text does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "0"): return "\0"
    case UInt8(ascii: "a"): return "\u{7}"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "t"), Self.tab: return "\t"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "v"): return "\u{B}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "e"): return "\u{1B}"
    case UInt8(ascii: " "): return " "
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "N"): return "\u{85}"
    case UInt8(ascii: "_"): return "\u{A0}"
    case UInt8(ascii: "L"): return "\u{2028}"
    case UInt8(ascii: "P"): return "\u{2029}"
    case UInt8(ascii: "x"): return try character(digits: 2)
    case UInt8(ascii: "u"): return try character(digits: 4)
    case UInt8(ascii: "U"): return try character(digits: 8)
    case Self.newline:
      skipSpaces()
      return ""
    default: throw malformed("an unknown escape")
    }
  }

  private mutating func character(digits: Int) throws(JSONTree.YAMLFault) -> String {
    guard position + digits <= bytes.count,
      bytes[position..<position + digits].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
      let code = UInt32(text(position..<position + digits), radix: 16),
      let scalar = UnicodeScalar(code)
    else { throw malformed("an escape that is no character") }
    position += digits
    return String(Character(scalar))
  }

  /// A block of lines after `|` or `>`.
  private mutating func literal(below parent: Int) throws(JSONTree.YAMLFault) -> String {
    let isFolded = current == UInt8(ascii: ">")
    position += 1
    var chomping: UInt8?
    var indent: Int?
    while let byte = current, "+-123456789".utf8.contains(byte) {
      if let digit = Character(UnicodeScalar(byte)).wholeNumberValue {
        guard indent == nil else { throw malformed("a block with two indentations") }
        indent = max(parent, 0) + digit
      } else {
        guard chomping == nil else { throw malformed("a block with two endings") }
        chomping = byte
      }
      position += 1
    }
    skipSpaces()
    skipComment()
    guard current == nil || current == Self.newline else {
      throw malformed("something follows the head of a block")
    }
    position = min(position + 1, bytes.count)
    // Lines as they are, without their indentation; empty ones stay empty.
    var lines: [String] = []
    while position < bytes.count {
      let start = position
      while current == Self.space, indent.map({ position - start < $0 }) ?? true { position += 1 }
      let own = position - start
      if current == Self.newline || current == nil {
        lines.append("")
        position = min(position + 1, bytes.count)
        continue
      }
      if indent == nil, own > parent { indent = own }
      guard let indent, own >= indent, !(own == 0 && (isMarker("-") || isMarker("."))) else {
        position = start
        break
      }
      let first = position
      while let byte = current, byte != Self.newline { position += 1 }
      lines.append(String(decoding: bytes[first..<position], as: UTF8.self))
      position = min(position + 1, bytes.count)
    }
    let content = lines.count - lines.reversed().prefix { $0.isEmpty }.count
    let body = lines[..<content]
    var result = isFolded ? Self.folded(Array(body)) : body.joined(separator: "\n")
    if chomping != UInt8(ascii: "-"), content > 0 { result += "\n" }
    if chomping == UInt8(ascii: "+") {
      result += String(repeating: "\n", count: lines.count - content)
    }
    return result
  }

  /// Ends of lines become spaces, but not beside lines that are indented further.
  private static func folded(_ lines: [String]) -> String {
    func isOwn(_ line: String) -> Bool { line.first == " " || line.first == "\t" }
    var result = ""
    var previous: String?
    var breaks = 0
    for line in lines {
      guard !line.isEmpty else {
        breaks += 1
        continue
      }
      if let previous {
        let stays = isOwn(previous) || isOwn(line)
        result += stays ? "\n" : breaks == 0 ? " " : ""
      }
      result += String(repeating: "\n", count: breaks) + line
      (previous, breaks) = (line, 0)
    }
    return result
  }
}
