import Foundation

/// What can be wrong with a pickle.
enum PickleFault: Error, Equatable {
  /// It ends early or contradicts itself.
  case damaged(String)
  /// It names a class or function that weights do not need.
  case forbidden(String)
}

/// Reads Python's pickle format (PEP 307, PEP 3154; protocols 0 to 5) without running anything.
///
/// A pickle is a program for a small stack machine whose instructions can call any Python function.
/// Here calls are recorded, not made, and only names of a list may occur at all: a pickle with
/// anything else is refused whole. Memory is bounded by the pickle's length.
struct PickleReader {
  private let data: [UInt8]
  private let allowed: (String) -> Bool
  private var position = 0
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  /// Every value that was made.
  private var values: [PickleValue] = []

  /// Reads the pickle at the start of some bytes.
  /// - Parameters:
  ///   - data: Bytes; what follows the pickle is left alone.
  ///   - start: Where the pickle begins.
  ///   - allowed: Whether "module.name" may occur.
  /// - Returns: The values, and where the pickle ends.
  /// - Throws: `PickleFault`.
  static func read(
    _ data: [UInt8],
    from start: Int = 0,
    allowed: @escaping (String) -> Bool
  ) throws(PickleFault) -> (tree: PickleTree, end: Int) {
    var reader = PickleReader(data: data, allowed: allowed, position: start)
    do throws(PickleFault) {
      let root = try reader.run()
      return (PickleTree(root: root, values: reader.values), reader.position)
    } catch {
      PickleTree.takeApart(reader.values)
      throw error
    }
  }

  private init(data: [UInt8], allowed: @escaping (String) -> Bool, position: Int) {
    self.data = data
    self.allowed = allowed
    self.position = position
  }

  private mutating func run() throws(PickleFault) -> PickleValue {
    while true {
      let code = try byte()
      if code == UInt8(ascii: ".") { return try pop() }
      if try runConstant(code) { continue }
      if try runText(code) { continue }
      if try runContainer(code) { continue }
      if try runMemo(code) { continue }
      try runObject(code)
    }
  }

  // MARK: - Bytes

  private mutating func byte() throws(PickleFault) -> UInt8 {
    guard position < data.count else { throw .damaged("the pickle ends early") }
    defer { position += 1 }
    return data[position]
  }

  private mutating func bytes(_ count: Int) throws(PickleFault) -> ArraySlice<UInt8> {
    guard count >= 0, count <= data.count - position else {
      throw .damaged("a value of the pickle is longer than the pickle")
    }
    defer { position += count }
    return data[position..<position + count]
  }

  /// An unsigned number of up to 8 bytes in little endian that fits an index.
  private mutating func length(_ count: Int) throws(PickleFault) -> Int {
    let value = try bytes(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let length = Int(exactly: value) else { throw .damaged("an absurd length in the pickle") }
    return length
  }

  private mutating func line() throws(PickleFault) -> String {
    guard let end = data[position...].firstIndex(of: 0x0A) else {
      throw .damaged("the pickle ends early")
    }
    defer { position = end + 1 }
    return String(decoding: data[position..<end], as: UTF8.self)
  }

  // MARK: - Stack

  private mutating func push(_ kind: PickleValue.Kind) {
    let value = PickleValue(kind)
    values.append(value)
    stack.append(value)
  }

  private mutating func pop() throws(PickleFault) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw .damaged("the pickle's stack is empty")
    }
    return value
  }

  private func top() throws(PickleFault) -> PickleValue {
    guard let value = stack.last else { throw .damaged("the pickle's stack is empty") }
    return value
  }

  /// Everything above the last mark.
  private mutating func popToMark() throws(PickleFault) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw .damaged("a mark is missing in the pickle") }
    let items = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return items
  }

  // MARK: - Instructions

  private mutating func runConstant(_ code: UInt8) throws(PickleFault) -> Bool {
    switch code {
    case 0x80: _ = try byte()
    case 0x95: _ = try bytes(8)
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    case UInt8(ascii: "J"): push(.int(Int(Int32(truncatingIfNeeded: try length(4)))))
    case UInt8(ascii: "K"): push(.int(try length(1)))
    case UInt8(ascii: "M"): push(.int(try length(2)))
    case UInt8(ascii: "I"):
      let text = try line()
      if text == "00" || text == "01" { push(.bool(text == "01")) } else { try pushNumber(text) }
    case UInt8(ascii: "L"):
      let text = try line()
      try pushNumber(text.hasSuffix("L") ? String(text.dropLast()) : text)
    case 0x8A: try pushLong(try length(1))
    case 0x8B: try pushLong(try length(4))
    case UInt8(ascii: "F"):
      guard let value = Double(try line()) else { throw .damaged("a number that is none") }
      push(.float(value))
    case UInt8(ascii: "G"):
      let bits = try bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      push(.float(Double(bitPattern: bits)))
    default: return false
    }
    return true
  }

  private mutating func pushNumber(_ text: String) throws(PickleFault) {
    guard let value = Int(text) else { throw .damaged("a number that is none") }
    push(.int(value))
  }

  /// A two's complement number of any length; longer than 8 bytes it becomes a floating one.
  private mutating func pushLong(_ count: Int) throws(PickleFault) {
    let digits = try bytes(count)
    let isNegative = (digits.last ?? 0) >= 0x80
    if count <= 8 {
      let filler: UInt64 = isNegative && count < 8 ? ~0 << (8 * UInt64(count)) : 0
      let value = digits.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      push(.int(Int(truncatingIfNeeded: value | filler)))
      return
    }
    var value = 0.0
    for digit in digits.reversed() { value = value * 256 + Double(digit) }
    push(.float(isNegative ? -.infinity : value))
  }

  private mutating func runText(_ code: UInt8) throws(PickleFault) -> Bool {
    switch code {
    case UInt8(ascii: "X"): try pushText(try length(4))
    case 0x8C: try pushText(try length(1))
    case 0x8D: try pushText(try length(8))
    case UInt8(ascii: "T"): try pushText(try length(4))
    case UInt8(ascii: "U"): try pushText(try length(1))
    case UInt8(ascii: "V"): push(.text(try line()))
    case UInt8(ascii: "S"):
      let quoted = try line()
      guard quoted.count >= 2 else { throw .damaged("a text without quotes") }
      push(.text(String(quoted.dropFirst().dropLast())))
    case UInt8(ascii: "B"): push(.bytes(Array(try bytes(try length(4)))))
    case UInt8(ascii: "C"): push(.bytes(Array(try bytes(try length(1)))))
    case 0x8E, 0x96: push(.bytes(Array(try bytes(try length(8)))))
    default: return false
    }
    return true
  }

  private mutating func pushText(_ count: Int) throws(PickleFault) {
    push(.text(String(decoding: try bytes(count), as: UTF8.self)))
  }

  private mutating func runContainer(_ code: UInt8) throws(PickleFault) -> Bool {
    switch code {
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"):
      if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "]"): push(.list([]))
    case UInt8(ascii: ")"): push(.tuple([]))
    case UInt8(ascii: "}"): push(.dictionary([]))
    case 0x8F: push(.list([]))
    case UInt8(ascii: "l"), 0x91: push(.list(try popToMark()))
    case UInt8(ascii: "t"): push(.tuple(try popToMark()))
    case 0x85, 0x86, 0x87:
      var items: [PickleValue] = []
      for _ in 0...(code - 0x85) { items.insert(try pop(), at: 0) }
      push(.tuple(items))
    case UInt8(ascii: "d"):
      let items = try popToMark()
      push(.dictionary([]))
      try Self.set(items, in: try top())
    case UInt8(ascii: "a"):
      let item = try pop()
      try Self.append([item], to: try top())
    case UInt8(ascii: "e"), 0x90:
      let items = try popToMark()
      try Self.append(items, to: try top())
    case UInt8(ascii: "s"):
      let value = try pop()
      let key = try pop()
      try Self.set([key, value], in: try top())
    case UInt8(ascii: "u"):
      let items = try popToMark()
      try Self.set(items, in: try top())
    default: return false
    }
    return true
  }

  private static func append(
    _ new: [PickleValue],
    to target: PickleValue
  ) throws(PickleFault) {
    guard case .list(var items) = target.kind else { throw .damaged("items for what is no list") }
    // Given up before it is changed, so that it is not copied.
    target.kind = .none
    items += new
    target.kind = .list(items)
  }

  private static func set(_ items: [PickleValue], in target: PickleValue) throws(PickleFault) {
    guard items.count.isMultiple(of: 2), case .dictionary(var pairs) = target.kind else {
      throw .damaged("keys for what is no dictionary")
    }
    target.kind = .none
    for index in stride(from: 0, to: items.count, by: 2) {
      pairs.append((items[index], items[index + 1]))
    }
    target.kind = .dictionary(pairs)
  }

  private mutating func runMemo(_ code: UInt8) throws(PickleFault) -> Bool {
    switch code {
    case UInt8(ascii: "p"):
      guard let key = Int(try line()) else { throw .damaged("a note without a number") }
      memo[key] = try top()
    case UInt8(ascii: "q"): memo[try length(1)] = try top()
    case UInt8(ascii: "r"): memo[try length(4)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "g"):
      guard let key = Int(try line()) else { throw .damaged("a note without a number") }
      try recall(key)
    case UInt8(ascii: "h"): try recall(try length(1))
    case UInt8(ascii: "j"): try recall(try length(4))
    default: return false
    }
    return true
  }

  private mutating func recall(_ key: Int) throws(PickleFault) {
    guard let value = memo[key] else { throw .damaged("the pickle refers to nothing") }
    stack.append(value)
  }

  private mutating func runObject(_ code: UInt8) throws(PickleFault) {
    switch code {
    case UInt8(ascii: "c"): try pushGlobal(module: try line(), name: try line())
    case 0x93:
      guard let name = try pop().text, let module = try pop().text else {
        throw .damaged("a name that is no text")
      }
      try pushGlobal(module: module, name: name)
    case UInt8(ascii: "R"), 0x81:
      let arguments = try pop()
      let callable = try pop()
      push(Self.call(callable, arguments))
    case 0x92:
      _ = try pop()
      let arguments = try pop()
      let callable = try pop()
      push(Self.call(callable, arguments))
    case UInt8(ascii: "b"):
      let state = try pop()
      let target = try top()
      if case .object(let callable, let arguments, _) = target.kind {
        target.kind = .object(callable: callable, arguments: arguments, state: state)
      }
    case UInt8(ascii: "Q"):
      let identification = try pop()
      push(.persistent(identification))
    default: throw .damaged("an instruction (\(code)) that weights do not need")
    }
  }

  private mutating func pushGlobal(module: String, name: String) throws(PickleFault) {
    let whole = "\(module).\(name)"
    guard allowed(whole) else { throw .forbidden(whole) }
    push(.global(module: module, name: name))
  }

  /// What a call would have made: ordered dictionaries are dictionaries, others are recorded.
  private static func call(
    _ callable: PickleValue,
    _ arguments: PickleValue
  ) -> PickleValue.Kind {
    guard callable.globalName == "collections.OrderedDict" else {
      return .object(callable: callable, arguments: arguments, state: nil)
    }
    let pairs = arguments.items?.first?.items?.compactMap { item in
      item.items.flatMap { $0.count == 2 ? (key: $0[0], value: $0[1]) : nil }
    }
    return .dictionary(pairs ?? [])
  }
}
