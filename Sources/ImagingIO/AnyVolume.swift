import Imaging

/// A volume in the scalar type of its file.
///
/// Values that a file rescales (slope and intercept other than 1 and 0) are `float32` or, where
/// single precision would lose digits of 32- or 64-bit integers, `float64`.
public enum AnyVolume: Sendable, Equatable {
  case int8(Volume<Int8>)
  case uint8(Volume<UInt8>)
  case int16(Volume<Int16>)
  case uint16(Volume<UInt16>)
  case int32(Volume<Int32>)
  case uint32(Volume<UInt32>)
  case int64(Volume<Int64>)
  case uint64(Volume<UInt64>)
  case float32(Volume<Float>)
  case float64(Volume<Double>)

  /// The grid.
  public var geometry: ImageGeometry {
    switch self {
    case .int8(let volume): volume.geometry
    case .uint8(let volume): volume.geometry
    case .int16(let volume): volume.geometry
    case .uint16(let volume): volume.geometry
    case .int32(let volume): volume.geometry
    case .uint32(let volume): volume.geometry
    case .int64(let volume): volume.geometry
    case .uint64(let volume): volume.geometry
    case .float32(let volume): volume.geometry
    case .float64(let volume): volume.geometry
    }
  }

  /// The scalar type's name, such as "int16".
  public var scalarName: String {
    switch self {
    case .int8: "int8"
    case .uint8: "uint8"
    case .int16: "int16"
    case .uint16: "uint16"
    case .int32: "int32"
    case .uint32: "uint32"
    case .int64: "int64"
    case .uint64: "uint64"
    case .float32: "float32"
    case .float64: "float64"
    }
  }

  /// The same image with its axes permuted and flipped; no value and no position changes.
  /// - Parameter orientation: The wanted orientation.
  /// - Returns: The reordered volume.
  public func reoriented(to orientation: Orientation) -> AnyVolume {
    switch self {
    case .int8(let volume): .int8(volume.reoriented(to: orientation))
    case .uint8(let volume): .uint8(volume.reoriented(to: orientation))
    case .int16(let volume): .int16(volume.reoriented(to: orientation))
    case .uint16(let volume): .uint16(volume.reoriented(to: orientation))
    case .int32(let volume): .int32(volume.reoriented(to: orientation))
    case .uint32(let volume): .uint32(volume.reoriented(to: orientation))
    case .int64(let volume): .int64(volume.reoriented(to: orientation))
    case .uint64(let volume): .uint64(volume.reoriented(to: orientation))
    case .float32(let volume): .float32(volume.reoriented(to: orientation))
    case .float64(let volume): .float64(volume.reoriented(to: orientation))
    }
  }

  /// The values rounded to single precision.
  public var asFloat: Volume<Float> {
    switch self {
    case .int8(let volume): volume.map(Float.init)
    case .uint8(let volume): volume.map(Float.init)
    case .int16(let volume): volume.map(Float.init)
    case .uint16(let volume): volume.map(Float.init)
    case .int32(let volume): volume.map { Float($0) }
    case .uint32(let volume): volume.map { Float($0) }
    case .int64(let volume): volume.map { Float($0) }
    case .uint64(let volume): volume.map { Float($0) }
    case .float32(let volume): volume
    case .float64(let volume): volume.map { Float($0) }
    }
  }
}
