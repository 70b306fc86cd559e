import Foundation
import Support
import Tensors

/// The type of the numbers of a graph's value, with ONNX's numbers for them.
public enum GraphNumberType: Int, Sendable, Hashable, CaseIterable {
  /// Single precision.
  case float32 = 1
  /// Whole numbers of 8 bits without sign.
  case uint8 = 2
  /// Whole numbers of 8 bits.
  case int8 = 3
  /// Whole numbers of 16 bits without sign.
  case uint16 = 4
  /// Whole numbers of 16 bits.
  case int16 = 5
  /// Whole numbers of 32 bits.
  case int32 = 6
  /// Whole numbers of 64 bits.
  case int64 = 7
  /// Texts, which are not computed with.
  case text = 8
  /// Truth values.
  case bool = 9
  /// Half precision.
  case float16 = 10
  /// Double precision; computed in single precision.
  case float64 = 11
  /// Whole numbers of 32 bits without sign.
  case uint32 = 12
  /// Whole numbers of 64 bits without sign.
  case uint64 = 13
  /// The upper half of single precision.
  case bfloat16 = 16

  /// Bytes of one number; 0 for texts.
  public var size: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    case .text: 0
    }
  }

  /// Whether the numbers have fractions.
  public var isFloating: Bool {
    switch self {
    case .float32, .float16, .float64, .bfloat16: true
    default: false
    }
  }

  /// The number as the type wraps it around.
  func wrapped(_ value: Int) -> Int {
    switch self {
    case .uint8: Int(UInt8(truncatingIfNeeded: value))
    case .int8: Int(Int8(truncatingIfNeeded: value))
    case .uint16: Int(UInt16(truncatingIfNeeded: value))
    case .int16: Int(Int16(truncatingIfNeeded: value))
    case .int32: Int(Int32(truncatingIfNeeded: value))
    case .uint32: Int(UInt32(truncatingIfNeeded: value))
    case .bool: value == 0 ? 0 : 1
    default: value
    }
  }

  /// The smallest and the largest whole number; nil for fractions and texts.
  var range: ClosedRange<Int>? {
    switch self {
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65535
    case .int16: -32768...32767
    case .int32: Int(Int32.min)...Int(Int32.max)
    case .uint32: 0...Int(UInt32.max)
    case .int64: Int.min...Int.max
    case .uint64: 0...Int.max
    case .bool: 0...1
    default: nil
    }
  }

  var storedNumber: StoredNumber? {
    switch self {
    case .float32: .float32
    case .float64: .float64
    case .float16: .float16
    case .bfloat16: .bfloat16
    default: nil
    }
  }
}

/// A constant tensor as a file holds it: numbers of some type, decoded when they are needed.
public struct StoredTensor: Sendable {
  /// The type of the numbers.
  public let type: GraphNumberType
  /// The size of each dimension.
  public let shape: [Int]
  /// The numbers, little-endian in row-major order; a part of the mapped file where one was read.
  let bytes: Data

  /// The most numbers that a tensor may have.
  static let maximumCount = 1 << 33

  init(type: GraphNumberType, shape: [Int], bytes: Data) throws {
    guard let count = Self.count(shape), count <= Self.maximumCount, type != .text,
      bytes.count == count * type.size
    else {
      throw ProtobufFault(
        reason: "a tensor of the shape \(shape) and the type \(type) has \(bytes.count) bytes"
      )
    }
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }

  /// Stores a tensor in single precision.
  /// - Parameter tensor: The tensor; not a symbolic one.
  public init(_ tensor: Tensor) {
    type = .float32
    shape = tensor.shape
    bytes = StoredNumber.float32.withEncoded(tensor) { Data($0) }
  }

  /// Stores whole numbers of 64 bits.
  /// - Parameters:
  ///   - integers: The numbers in row-major order.
  ///   - shape: The size of each dimension; a row when nil.
  /// - Precondition: As many numbers as the shape has elements.
  public init(integers: [Int], shape: [Int]? = nil) {
    let shape = shape ?? [integers.count]
    precondition(
      integers.count == shape.reduce(1, *),
      "\(integers.count) numbers for the shape \(shape)"
    )
    type = .int64
    self.shape = shape
    bytes = Self.encoded(integers, as: .int64)
  }

  /// The number of elements of a shape that may be hostile; nil when it is negative or overflows.
  static func count(_ shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      guard size >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      count = product
    }
    return count
  }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }

  /// The numbers in single precision.
  public var tensor: Tensor {
    if let stored = type.storedNumber {
      return bytes.withUnsafeBytes { stored.decoded($0, shape: shape) }
    }
    return Tensor(integers.map { Float($0) }, shape: shape)
  }

  /// The numbers as whole numbers; fractions are cut off, infinite ones become 0.
  public var integers: [Int] {
    func read<Word: FixedWidthInteger>(_ word: Word.Type) -> [Int] {
      bytes.withUnsafeBytes { raw in
        (0..<count).map { index in
          Int(
            truncatingIfNeeded: Word(
              littleEndian: raw.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Word>.size,
                as: Word.self
              )
            )
          )
        }
      }
    }
    switch type {
    case .uint8: return read(UInt8.self)
    case .int8: return read(Int8.self)
    case .bool: return read(UInt8.self).map { $0 == 0 ? 0 : 1 }
    case .uint16: return read(UInt16.self)
    case .int16: return read(Int16.self)
    case .uint32: return read(UInt32.self)
    case .int32: return read(Int32.self)
    case .uint64, .int64: return read(Int64.self)
    case .float32, .float16, .float64, .bfloat16:
      return tensor.values.map { Int(exactly: $0.rounded(.towardZero)) ?? 0 }
    case .text: return []
    }
  }

  private static func encoded(_ integers: [Int], as type: GraphNumberType) -> Data {
    var data = Data(capacity: integers.count * type.size)
    for value in integers {
      withUnsafeBytes(of: Int64(value).littleEndian) {
        data.append(contentsOf: $0.prefix(type.size))
      }
    }
    return data
  }

  /// Numbers that a file lists one by one instead of storing their bytes.
  static func encoded(listed integers: [Int], as type: GraphNumberType) -> Data {
    encoded(integers, as: type)
  }
}
