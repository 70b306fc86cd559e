import Foundation
import Imaging
import Support

/// Turns the stored numbers of a NIfTI file into a volume's values.
struct NIfTIVoxels {
  let header: NIfTIHeader
  let geometry: ImageGeometry

  /// The scaling that the header asks for, or nil for none (slope 0, or 1 with intercept 0).
  var scaling: (slope: Double, intercept: Double)? {
    let slope = header.raw.slope
    let intercept = header.raw.intercept
    guard slope.isFinite, intercept.isFinite, slope != 0 else { return nil }
    return slope == 1 && intercept == 0 ? nil : (slope, intercept)
  }

  /// What is odd about the scaling.
  var scalingProblems: [InputProblem] {
    guard !(header.raw.slope.isFinite && header.raw.intercept.isFinite) else { return [] }
    return [
      InputProblem(
        code: "invalid-slope",
        message: "The header's slope \(header.raw.slope) and intercept \(header.raw.intercept) are "
          + "not both numbers; the stored values were taken unscaled.",
        remedy: "Check the values against the source, and set the slope to 1 or 0."
      )
    ]
  }

  /// Reads one volume; time points count from 0.
  func read(timePoint: Int) throws -> AnyVolume {
    switch header.datatype {
    case .int8:
      try small(Int8.self, timePoint) {
        .int8($0)
      } convert: {
        Double($0)
      }
    case .uint8:
      try small(UInt8.self, timePoint) {
        .uint8($0)
      } convert: {
        Double($0)
      }
    case .int16:
      try small(Int16.self, timePoint) {
        .int16($0)
      } convert: {
        Double($0)
      }
    case .uint16:
      try small(UInt16.self, timePoint) {
        .uint16($0)
      } convert: {
        Double($0)
      }
    case .int32:
      try large(Int32.self, timePoint) {
        .int32($0)
      } convert: {
        Double($0)
      }
    case .uint32:
      try large(UInt32.self, timePoint) {
        .uint32($0)
      } convert: {
        Double($0)
      }
    case .int64:
      try large(Int64.self, timePoint) {
        .int64($0)
      } convert: {
        Double($0)
      }
    case .uint64:
      try large(UInt64.self, timePoint) {
        .uint64($0)
      } convert: {
        Double($0)
      }
    case .float32:
      try small(Float.self, timePoint) {
        .float32($0)
      } convert: {
        Double($0)
      }
    case .float64:
      try large(Double.self, timePoint) {
        .float64($0)
      } convert: {
        $0
      }
    }
  }

  private func small<Stored: BitwiseCopyable & Sendable>(
    _ type: Stored.Type,
    _ timePoint: Int,
    _ wrap: (Volume<Stored>) -> AnyVolume,
    convert: @Sendable (Stored) -> Double
  ) throws -> AnyVolume {
    let stored = try stored(type, timePoint)
    guard let (slope, intercept) = scaling else {
      return wrap(Volume(geometry: geometry, voxels: stored))
    }
    let values = Self.mapped(stored) { Float(convert($0) * slope + intercept) }
    return .float32(Volume(geometry: geometry, voxels: values))
  }

  private func large<Stored: BitwiseCopyable & Sendable>(
    _ type: Stored.Type,
    _ timePoint: Int,
    _ wrap: (Volume<Stored>) -> AnyVolume,
    convert: @Sendable (Stored) -> Double
  ) throws -> AnyVolume {
    let stored = try stored(type, timePoint)
    guard let (slope, intercept) = scaling else {
      return wrap(Volume(geometry: geometry, voxels: stored))
    }
    let values = Self.mapped(stored) { convert($0) * slope + intercept }
    return .float64(Volume(geometry: geometry, voxels: values))
  }

  /// The stored numbers in the machine's byte order.
  private func stored<Stored: BitwiseCopyable>(
    _ type: Stored.Type,
    _ timePoint: Int
  ) throws -> [Stored] {
    let stream = try NIfTIStream(path: header.voxelPath)
    let before = header.voxelOffset + timePoint * header.bytesPerVolume
    let total = header.voxelOffset + header.timePoints * header.bytesPerVolume
    try stream.skip(before, start: 0, total: total)
    let values = try [Stored](unsafeUninitializedCapacity: header.voxelsPerVolume) {
      buffer,
      initializedCount in
      let bytes = UnsafeMutableRawBufferPointer(
        start: buffer.baseAddress,
        count: header.bytesPerVolume
      )
      try stream.read(into: bytes, start: before, total: total)
      if header.raw.is_swapped != 0 { Self.swapBytes(bytes, width: header.datatype.bytes) }
      initializedCount = header.voxelsPerVolume
    }
    if timePoint == header.timePoints - 1 { try stream.checkEnd(total: total) }
    return values
  }

  private static func swapBytes(_ bytes: UnsafeMutableRawBufferPointer, width: Int) {
    switch width {
    case 2: for i in bytes.bindMemory(to: UInt16.self).indices { swap(bytes, UInt16.self, i) }
    case 4: for i in bytes.bindMemory(to: UInt32.self).indices { swap(bytes, UInt32.self, i) }
    case 8: for i in bytes.bindMemory(to: UInt64.self).indices { swap(bytes, UInt64.self, i) }
    default: break
    }
  }

  @inline(__always)
  private static func swap<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeMutableRawBufferPointer,
    _ word: Word.Type,
    _ index: Int
  ) {
    let place = index * MemoryLayout<Word>.size
    let value = bytes.loadUnaligned(fromByteOffset: place, as: word)
    bytes.storeBytes(of: value.byteSwapped, toByteOffset: place, as: word)
  }

  @inline(__always)
  private static func mapped<Stored: BitwiseCopyable & Sendable, Value: BitwiseCopyable & Sendable>(
    _ stored: [Stored],
    _ transform: @Sendable (Stored) -> Value
  ) -> [Value] {
    stored.map(transform)
  }
}

extension AnyVolume {
  /// The number of values that are infinite or not a number; 0 for integers.
  public var nonFiniteCount: Int {
    switch self {
    case .float32(let volume): volume.voxels.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
    case .float64(let volume): volume.voxels.reduce(0) { $0 + ($1.isFinite ? 0 : 1) }
    default: 0
    }
  }
}
