import Imaging
import ImagingIO

extension AnyVolume {
  /// Computed values in this volume's scalar type, so that images of whole numbers stay such; 64-bit types
  /// become 32-bit fractions.
  /// - Parameter volume: The values; beyond the type's range its ends are taken.
  /// - Returns: A volume of the values' grid.
  func storing(_ volume: Volume<Float>) -> AnyVolume {
    func rounded<Scalar: FixedWidthInteger>(_ type: Scalar.Type) -> Volume<Scalar> {
      volume.map { value in
        let whole = Double(value).rounded()
        return Scalar(exactly: whole) ?? (whole > 0 ? Scalar.max : Scalar.min)
      }
    }
    switch self {
    case .int8: return .int8(rounded(Int8.self))
    case .uint8: return .uint8(rounded(UInt8.self))
    case .int16: return .int16(rounded(Int16.self))
    case .uint16: return .uint16(rounded(UInt16.self))
    case .int32: return .int32(rounded(Int32.self))
    case .uint32: return .uint32(rounded(UInt32.self))
    // Single precision holds no more digits.
    case .int64, .uint64, .float32, .float64: return .float32(volume)
    }
  }
}
