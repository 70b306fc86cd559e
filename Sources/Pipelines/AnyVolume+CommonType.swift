import Imaging
import ImagingIO

extension AnyVolume {
  /// Volumes in one scalar type, as the time points of one file need it.
  ///
  /// Time points may differ when their values do: CT is int16 where every value fits. Integers of up
  /// to 32 bits become int32, anything else float64; no value changes below 2^53.
  /// - Parameter volumes: Volumes of any types.
  /// - Returns: The same volumes, as they are when they share a type.
  static func inCommonType(_ volumes: [AnyVolume]) -> [AnyVolume] {
    guard Set(volumes.map(\.scalarName)).count > 1 else { return volumes }
    let integers = volumes.compactMap(\.asInt32)
    guard integers.count == volumes.count else { return volumes.map { .float64($0.asDouble) } }
    return integers.map { .int32($0) }
  }

  /// The values as int32, or nil when the type has others.
  private var asInt32: Volume<Int32>? {
    switch self {
    case .int8(let volume): volume.map { Int32($0) }
    case .uint8(let volume): volume.map { Int32($0) }
    case .int16(let volume): volume.map { Int32($0) }
    case .uint16(let volume): volume.map { Int32($0) }
    case .int32(let volume): volume
    case .uint32, .int64, .uint64, .float32, .float64: nil
    }
  }

  private var asDouble: Volume<Double> {
    switch self {
    case .int8(let volume): volume.map { Double($0) }
    case .uint8(let volume): volume.map { Double($0) }
    case .int16(let volume): volume.map { Double($0) }
    case .uint16(let volume): volume.map { Double($0) }
    case .int32(let volume): volume.map { Double($0) }
    case .uint32(let volume): volume.map { Double($0) }
    case .int64(let volume): volume.map { Double($0) }
    case .uint64(let volume): volume.map { Double($0) }
    case .float32(let volume): volume.map { Double($0) }
    case .float64(let volume): volume
    }
  }
}
