import Foundation

/// A field of a protocol buffers message, with its value as the wire has it.
struct ProtobufField {
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(Range<Int>)
    case fixed32(UInt32)
  }

  let number: Int
  let value: Value
}

/// What is wrong with a message, for whoever knows the file's name.
struct ProtobufFault: Error {
  let reason: String
}

/// Reads one message of the protocol buffers' wire format.
///
/// The generated code of swift-protobuf would copy all weights into messages first; this reader hands
/// out places in the mapped file instead. Fields come one after the other as they are stored; whoever
/// reads decides what they are. Groups, which ONNX never had, are refused. Lengths are compared with
/// what is left of the message, so that nothing outside of it is read and nothing is allocated for a
/// length alone.
struct ProtobufReader {
  let data: Data
  private var place: Int
  private let end: Int

  /// A reader of the message in a range of the data's own indices.
  init(_ data: Data, _ range: Range<Int>) {
    self.data = data
    place = range.lowerBound
    end = range.upperBound
  }

  /// The next field, or nil at the end of the message.
  mutating func next() throws -> ProtobufField? {
    guard place < end else { return nil }
    let key = try varint()
    let number = key >> 3
    guard number >= 1, number < 1 << 29 else {
      throw ProtobufFault(reason: "a field has the number \(number)")
    }
    let value: ProtobufField.Value
    switch key & 7 {
    case 0: value = .varint(try varint())
    case 1: value = .fixed64(try fixed(8))
    case 2:
      let length = try varint()
      guard length <= UInt64(end - place) else {
        throw ProtobufFault(
          reason: "field \(number) claims \(length) bytes where \(end - place) are left"
        )
      }
      value = .bytes(place..<place + Int(length))
      place += Int(length)
    case 5: value = .fixed32(UInt32(truncatingIfNeeded: try fixed(4)))
    case let type: throw ProtobufFault(reason: "field \(number) has the wire type \(type)")
    }
    return ProtobufField(number: Int(number), value: value)
  }

  /// A number of up to ten bytes, seven bits each, the lowest first.
  mutating func varint() throws -> UInt64 {
    var result: UInt64 = 0
    for index in 0..<10 {
      guard place < end else { throw ProtobufFault(reason: "it ends within a number") }
      let byte = data[place]
      place += 1
      if index == 9, byte > 1 { break }
      result |= UInt64(byte & 0x7F) << UInt64(7 * index)
      if byte < 0x80 { return result }
    }
    throw ProtobufFault(reason: "a number has more than 64 bits")
  }

  /// Whether nothing is left.
  var isAtEnd: Bool { place >= end }

  private mutating func fixed(_ count: Int) throws -> UInt64 {
    guard end - place >= count else { throw ProtobufFault(reason: "it ends within a number") }
    var result: UInt64 = 0
    for index in 0..<count { result |= UInt64(data[place + index]) << UInt64(8 * index) }
    place += count
    return result
  }
}

extension ProtobufField {
  /// The whole number of the field.
  func integer() throws -> Int {
    guard case .varint(let value) = value else { throw fault("a whole number") }
    return Int(Int64(bitPattern: value))
  }

  /// The place of the bytes, text or message.
  func bytes() throws -> Range<Int> {
    guard case .bytes(let range) = value else { throw fault("bytes") }
    return range
  }

  /// The text of the field.
  func text(in data: Data) throws -> String {
    let range = try bytes()
    guard range.count <= Self.maximumTextLength else {
      throw ProtobufFault(reason: "field \(number) is a text of \(range.count) bytes")
    }
    return String(decoding: data[range], as: UTF8.self)
  }

  /// The numbers of a repeated field: one of them, or all of them packed.
  func integers(in data: Data) throws -> [Int] {
    switch value {
    case .varint(let value): return [Int(Int64(bitPattern: value))]
    case .bytes(let range):
      var reader = ProtobufReader(data, range)
      var result: [Int] = []
      while !reader.isAtEnd { result.append(Int(Int64(bitPattern: try reader.varint()))) }
      return result
    case .fixed32, .fixed64: throw fault("whole numbers")
    }
  }

  /// The little-endian bytes of a repeated field of numbers of a fixed size, packed or one of them.
  func fixedBytes(size: Int, in data: Data) throws -> Data {
    switch value {
    case .bytes(let range) where range.count % size == 0: return data[range]
    case .fixed32(let bits) where size == 4:
      return withUnsafeBytes(of: bits.littleEndian) { Data($0) }
    case .fixed64(let bits) where size == 8:
      return withUnsafeBytes(of: bits.littleEndian) { Data($0) }
    default: throw fault("numbers of \(size) bytes")
    }
  }

  /// A number in single precision.
  func number32() throws -> Float {
    guard case .fixed32(let bits) = value else { throw fault("a number of 4 bytes") }
    return Float(bitPattern: bits)
  }

  /// Names and comments are shorter.
  static var maximumTextLength: Int { 1 << 24 }

  private func fault(_ wanted: String) -> ProtobufFault {
    ProtobufFault(reason: "field \(number) does not hold \(wanted)")
  }
}
