import Foundation
import Support

/// Python expressions of constants: numbers, texts, lists, arithmetic, and references.
///
/// Nothing else is known, no name but `True`, `False`, `None` and six functions of numbers and lists,
/// so that a configuration cannot do anything but state values.
package struct BundleExpression {
  package typealias Lookup = (_ id: String) throws(BundleFault) -> JSONTree

  private let text: String
  private let characters: [Character]
  private var position = 0
  private let lookup: Lookup

  /// Lists have at most this many items.
  private static let maximumCount = 100_000
  /// Parentheses are nested at most this deep.
  private static let maximumDepth = 50

  package init(_ text: String, lookup: @escaping Lookup) {
    self.text = text
    characters = Array(text)
    self.lookup = lookup
  }

  /// The whole expression's value.
  /// - Throws: `BundleFault`.
  package mutating func value() throws(BundleFault) -> JSONTree {
    let value = try sum(depth: 0)
    skipSpace()
    guard position == characters.count else { throw unknown() }
    return value
  }

  private func unknown() -> BundleFault {
    BundleFault("the expression $\(text.prefix(80)) is more than constants and arithmetic")
  }

  private mutating func skipSpace() {
    while position < characters.count, characters[position].isWhitespace { position += 1 }
  }

  private mutating func take(_ token: String) -> Bool {
    skipSpace()
    let wanted = Array(token)
    guard characters.count - position >= wanted.count,
      Array(characters[position..<position + wanted.count]) == wanted
    else { return false }
    position += wanted.count
    return true
  }

  private mutating func sum(depth: Int) throws(BundleFault) -> JSONTree {
    guard depth <= Self.maximumDepth else { throw unknown() }
    var value = try product(depth: depth)
    while true {
      if take("+") {
        value = try added(value, try product(depth: depth))
      } else if take("-") {
        value = .number(try number(value) - number(try product(depth: depth)))
      } else {
        return value
      }
    }
  }

  private mutating func product(depth: Int) throws(BundleFault) -> JSONTree {
    var value = try power(depth: depth)
    while true {
      if take("//") {
        value = .number((try number(value) / number(try power(depth: depth))).rounded(.down))
      } else if take("/") {
        value = .number(try number(value) / number(try power(depth: depth)))
      } else if take("%") {
        let (a, b) = (try number(value), try number(try power(depth: depth)))
        value = .number(a - (a / b).rounded(.down) * b)
      } else if take("*") {
        value = try multiplied(value, try power(depth: depth))
      } else {
        return value
      }
    }
  }

  private mutating func power(depth: Int) throws(BundleFault) -> JSONTree {
    guard depth <= Self.maximumDepth else { throw unknown() }
    if take("-") { return .number(-(try number(try power(depth: depth + 1)))) }
    let base = try atom(depth: depth)
    guard take("**") else { return base }
    return .number(pow(try number(base), try number(try power(depth: depth + 1))))
  }

  private func number(_ value: JSONTree) throws(BundleFault) -> Double {
    guard let number = value.number, number.isFinite else { throw unknown() }
    return number
  }

  private func added(_ a: JSONTree, _ b: JSONTree) throws(BundleFault) -> JSONTree {
    if let a = a.list, let b = b.list, a.count + b.count <= Self.maximumCount {
      return .list(a + b)
    }
    if let a = a.text, let b = b.text { return .text(a + b) }
    return .number(try number(a) + number(b))
  }

  private func multiplied(_ a: JSONTree, _ b: JSONTree) throws(BundleFault) -> JSONTree {
    for (list, count) in [(a, b), (b, a)] {
      guard let items = list.list, let times = count.int, times >= 0 else { continue }
      guard times <= Self.maximumCount / max(items.count, 1) else { throw unknown() }
      return .list((0..<times).flatMap { _ in items })
    }
    return .number(try number(a) * number(b))
  }

  private mutating func atom(depth: Int) throws(BundleFault) -> JSONTree {
    skipSpace()
    guard position < characters.count else { throw unknown() }
    let first = characters[position]
    if first == "@" {
      position += 1
      return try lookup(word(extra: ":#"))
    }
    if take("(") { return try items(until: ")", depth: depth + 1, isTuple: true) }
    if take("[") { return try items(until: "]", depth: depth + 1, isTuple: false) }
    if first == "'" || first == "\"" { return .text(try quoted(first)) }
    if first.isNumber || first == "." { return try literal() }
    let name = word(extra: "")
    switch name {
    case "True": return .bool(true)
    case "False": return .bool(false)
    case "None": return .null
    case "int", "float", "len", "list", "tuple", "abs":
      guard take("(") else { throw unknown() }
      let argument = try sum(depth: depth + 1)
      guard take(")") else { throw unknown() }
      return try applied(name, argument)
    default: throw unknown()
    }
  }

  private func applied(_ name: String, _ argument: JSONTree) throws(BundleFault) -> JSONTree {
    switch name {
    case "int": return .number(try number(argument).rounded(.towardZero))
    case "float": return .number(try number(argument))
    case "abs": return .number(abs(try number(argument)))
    default:
      guard let items = argument.list else { throw unknown() }
      return name == "len" ? .number(Double(items.count)) : argument
    }
  }

  private mutating func items(
    until end: String,
    depth: Int,
    isTuple: Bool
  ) throws(BundleFault) -> JSONTree {
    var items: [JSONTree] = []
    var hasComma = false
    while !take(end) {
      guard items.isEmpty || hasComma, items.count < Self.maximumCount else { throw unknown() }
      items.append(try sum(depth: depth))
      hasComma = take(",")
      if !hasComma, !isTuple || items.count > 1 {
        guard take(end) else { throw unknown() }
        return .list(items)
      }
      if !hasComma {
        guard take(end) else { throw unknown() }
        return items[0]
      }
    }
    return .list(items)
  }

  private mutating func quoted(_ mark: Character) throws(BundleFault) -> String {
    position += 1
    var result = ""
    while position < characters.count, characters[position] != mark {
      guard characters[position] != "\\" else { throw unknown() }
      result.append(characters[position])
      position += 1
    }
    guard position < characters.count else { throw unknown() }
    position += 1
    return result
  }

  private mutating func literal() throws(BundleFault) -> JSONTree {
    let start = position
    while position < characters.count {
      let character = characters[position]
      let isExponentSign =
        "+-".contains(character) && position > start && "eE".contains(characters[position - 1])
      guard character.isNumber || ".eE_".contains(character) || isExponentSign else { break }
      position += 1
    }
    let digits = String(characters[start..<position]).replacingOccurrences(of: "_", with: "")
    guard let value = Double(digits) else { throw unknown() }
    return .number(value)
  }

  private mutating func word(extra: String) -> String {
    let start = position
    while position < characters.count,
      characters[position].isLetter || characters[position].isNumber
        || characters[position] == "_" || extra.contains(characters[position])
    {
      position += 1
    }
    return String(characters[start..<position])
  }
}
