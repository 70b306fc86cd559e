import Foundation

/// Builds one message of the protocol buffers' wire format.
struct ProtobufWriter {
  private(set) var data = Data()

  /// A whole number; negative ones take ten bytes, as the format wants.
  mutating func integer(_ number: Int, _ value: Int) {
    key(number, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// A number in single precision.
  mutating func number(_ number: Int, _ value: Float) {
    key(number, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
  }

  /// A text; an empty one is the default and takes no place.
  mutating func text(_ number: Int, _ value: String) {
    if !value.isEmpty { bytes(number, Data(value.utf8)) }
  }

  /// A text of a repeated field, where an empty one counts.
  mutating func element(_ number: Int, _ value: String) { bytes(number, Data(value.utf8)) }

  /// Bytes, or a message that was built before.
  mutating func bytes(_ number: Int, _ value: Data) {
    key(number, 2)
    varint(UInt64(value.count))
    data.append(value)
  }

  /// A message inside.
  mutating func message(_ number: Int, _ build: (inout ProtobufWriter) throws -> Void) rethrows {
    var inner = ProtobufWriter()
    try build(&inner)
    bytes(number, inner.data)
  }

  /// Whole numbers of a repeated field, packed.
  mutating func integers(_ number: Int, _ values: [Int]) {
    guard !values.isEmpty else { return }
    var inner = ProtobufWriter()
    for value in values { inner.varint(UInt64(bitPattern: Int64(value))) }
    bytes(number, inner.data)
  }

  /// Numbers of a repeated field, packed.
  mutating func numbers(_ number: Int, _ values: [Float]) {
    guard !values.isEmpty else { return }
    var inner = Data()
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { inner.append(contentsOf: $0) }
    }
    bytes(number, inner)
  }

  private mutating func key(_ number: Int, _ type: Int) { varint(UInt64(number << 3 | type)) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      data.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    data.append(UInt8(rest))
  }
}
