import Foundation
import Imaging

/// The types of voxels that a volume can hold.
enum ScalarType: String, CaseIterable, Sendable {
  case int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64

  /// Bytes of a value.
  var bytes: Int {
    switch self {
    case .uint8, .int8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  /// Makes a volume of the bytes that `fill` delivers.
  /// - Parameters:
  ///   - geometry: The grid.
  ///   - isSwapped: Whether the bytes' order is not the machine's.
  ///   - scaling: Slope and intercept, or nil. Scaled values are `float32`, or `float64` for types
  ///     of 4 and 8 bytes other than `float32`.
  ///   - fill: Fills all bytes, x fastest, or throws.
  /// - Returns: The volume.
  /// - Throws: What `fill` throws.
  func volume(
    _ geometry: ImageGeometry,
    isSwapped: Bool = false,
    scaling: (slope: Double, intercept: Double)? = nil,
    fill: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws -> AnyVolume {
    func stored<Stored: BitwiseCopyable & Sendable>(_ type: Stored.Type) throws -> Volume<Stored> {
      let count = geometry.voxelCount
      let values = try [Stored](unsafeUninitializedCapacity: count) { buffer, initializedCount in
        let bytes = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count * bytes)
        try fill(bytes)
        if isSwapped { Self.swapBytes(bytes, width: self.bytes) }
        initializedCount = count
      }
      return Volume(geometry: geometry, voxels: values)
    }
    func single<Stored>(
      _ volume: Volume<Stored>,
      _ convert: (Stored) -> Double
    ) -> AnyVolume? {
      guard let (slope, intercept) = scaling else { return nil }
      return .float32(volume.map { Float(convert($0) * slope + intercept) })
    }
    func double<Stored>(
      _ volume: Volume<Stored>,
      _ convert: (Stored) -> Double
    ) -> AnyVolume? {
      guard let (slope, intercept) = scaling else { return nil }
      return .float64(volume.map { convert($0) * slope + intercept })
    }
    switch self {
    case .int8:
      let volume = try stored(Int8.self)
      return single(volume) { Double($0) } ?? .int8(volume)
    case .uint8:
      let volume = try stored(UInt8.self)
      return single(volume) { Double($0) } ?? .uint8(volume)
    case .int16:
      let volume = try stored(Int16.self)
      return single(volume) { Double($0) } ?? .int16(volume)
    case .uint16:
      let volume = try stored(UInt16.self)
      return single(volume) { Double($0) } ?? .uint16(volume)
    case .int32:
      let volume = try stored(Int32.self)
      return double(volume) { Double($0) } ?? .int32(volume)
    case .uint32:
      let volume = try stored(UInt32.self)
      return double(volume) { Double($0) } ?? .uint32(volume)
    case .int64:
      let volume = try stored(Int64.self)
      return double(volume) { Double($0) } ?? .int64(volume)
    case .uint64:
      let volume = try stored(UInt64.self)
      return double(volume) { Double($0) } ?? .uint64(volume)
    case .float32:
      let volume = try stored(Float.self)
      return single(volume) { Double($0) } ?? .float32(volume)
    case .float64:
      let volume = try stored(Double.self)
      return double(volume) { $0 } ?? .float64(volume)
    }
  }

  private static func swapBytes(_ bytes: UnsafeMutableRawBufferPointer, width: Int) {
    switch width {
    case 2: swap(bytes, UInt16.self)
    case 4: swap(bytes, UInt32.self)
    case 8: swap(bytes, UInt64.self)
    default: break
    }
  }

  @inline(__always)
  private static func swap<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeMutableRawBufferPointer,
    _ word: Word.Type
  ) {
    for place in stride(from: 0, to: bytes.count, by: MemoryLayout<Word>.size) {
      let value = bytes.loadUnaligned(fromByteOffset: place, as: word)
      bytes.storeBytes(of: value.byteSwapped, toByteOffset: place, as: word)
    }
  }
}

extension AnyVolume {
  /// The type of the values.
  var scalarType: ScalarType {
    switch self {
    case .int8: .int8
    case .uint8: .uint8
    case .int16: .int16
    case .uint16: .uint16
    case .int32: .int32
    case .uint32: .uint32
    case .int64: .int64
    case .uint64: .uint64
    case .float32: .float32
    case .float64: .float64
    }
  }

  /// Calls the body with the values' bytes in the machine's order, x fastest.
  func withBytes<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    switch self {
    case .int8(let volume): try Self.bytes(volume, body)
    case .uint8(let volume): try Self.bytes(volume, body)
    case .int16(let volume): try Self.bytes(volume, body)
    case .uint16(let volume): try Self.bytes(volume, body)
    case .int32(let volume): try Self.bytes(volume, body)
    case .uint32(let volume): try Self.bytes(volume, body)
    case .int64(let volume): try Self.bytes(volume, body)
    case .uint64(let volume): try Self.bytes(volume, body)
    case .float32(let volume): try Self.bytes(volume, body)
    case .float64(let volume): try Self.bytes(volume, body)
    }
  }

  private static func bytes<Value, Failure: Error>(
    _ volume: Volume<Value>,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try volume.voxels.withRawBytes(body)
  }

  /// The number of values that are infinite or not a number; 0 for integers.
  public var nonFiniteCount: Int {
    switch self {
    case .float32(let volume): volume.voxels.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
    case .float64(let volume): volume.voxels.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
    default: 0
    }
  }

  /// Whether every value is a whole number from 0 to 65535, as in a label map.
  var holdsLabels: Bool {
    switch self {
    case .uint8, .uint16: true
    case .int8(let volume): volume.voxels.allSatisfy { $0 >= 0 }
    case .int16(let volume): volume.voxels.allSatisfy { $0 >= 0 }
    case .int32(let volume): volume.voxels.allSatisfy { $0 >= 0 && $0 <= 65535 }
    case .uint32(let volume): volume.voxels.allSatisfy { $0 <= 65535 }
    case .int64(let volume): volume.voxels.allSatisfy { $0 >= 0 && $0 <= 65535 }
    case .uint64(let volume): volume.voxels.allSatisfy { $0 <= 65535 }
    case .float32(let volume): volume.voxels.allSatisfy { UInt16(exactly: $0) != nil }
    case .float64(let volume): volume.voxels.allSatisfy { UInt16(exactly: $0) != nil }
    }
  }
}
