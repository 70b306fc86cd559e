/// Lists and mappings in brackets, which JSON's are too.
extension YAMLReader {
  /// A list or mapping in brackets.
  mutating func bracketed(depth: Int) throws(JSONTree.YAMLFault) -> JSONTree {
    guard depth <= JSONTree.maximumDepth else { throw malformed("values are nested too deeply") }
    let isList = current == UInt8(ascii: "[")
    let end = isList ? UInt8(ascii: "]") : UInt8(ascii: "}")
    position += 1
    var items: [JSONTree] = []
    var members: [JSONTree.Member] = []
    var keys: Set<String> = []
    while true {
      try skipToContent()
      if current == end { break }
      let value = try bracketedValue(depth: depth + 1)
      try skipToContent()
      if isList {
        if current == UInt8(ascii: ":") { throw unsupported("a pair within a list") }
        items.append(value.value)
      } else {
        guard let key = value.key else { throw malformed("a key is no text") }
        if key == "<<" { throw unsupported("a merged key") }
        guard keys.insert(key).inserted else {
          throw malformed("the key \(key) is there twice")
        }
        var member = JSONTree.null
        if current == UInt8(ascii: ":") {
          position += 1
          try skipToContent()
          if current != UInt8(ascii: ","), current != end {
            member = try bracketedValue(depth: depth + 1).value
          }
        }
        members.append(JSONTree.Member(key: key, value: member))
      }
      try skipToContent()
      if current == UInt8(ascii: ",") {
        position += 1
      } else if current != end {
        throw malformed("brackets that do not end")
      }
    }
    position += 1
    return isList ? .list(items) : .object(members)
  }

  /// A value within brackets, and its text where it can be a key.
  private mutating func bracketedValue(
    depth: Int
  ) throws(JSONTree.YAMLFault) -> (value: JSONTree, key: String?) {
    try refuseSpecial()
    switch current {
    case nil: throw malformed("brackets that do not end")
    case UInt8(ascii: "["), UInt8(ascii: "{"): return (try bracketed(depth: depth), nil)
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      let text = try quoted()
      return (.text(text), text)
    default: break
    }
    if current == UInt8(ascii: "?") {
      throw unsupported("an explicit key")
    }
    try refuseIndicator(inBrackets: true)
    var words: [String] = []
    while true {
      let start = position
      while let byte = current, byte != Self.newline, !",[]{}".utf8.contains(byte) {
        let next = self.byte(after: 1)
        if byte == UInt8(ascii: ":"),
          Self.isBlank(next) || next.map({ ",[]{}".utf8.contains($0) }) ?? true
        {
          break
        }
        if byte == UInt8(ascii: "#"), position > start, Self.isBlank(bytes[position - 1]) { break }
        position += 1
      }
      let word = text(start..<position)
      if !word.isEmpty { words.append(word) }
      guard current == Self.newline else { break }
      try skipToContent()
      guard let byte = current, !",[]{}:".utf8.contains(byte) else { break }
    }
    let text = words.joined(separator: " ")
    return (YAMLScalar.value(text), text)
  }
}
