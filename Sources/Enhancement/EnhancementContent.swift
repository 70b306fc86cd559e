import Imaging
import ImagingIO

/// An image: a picture, or a scan with the type of its file's values.
package enum EnhancementContent: Sendable {
  case picture(EnhancementPicture)
  case scan(Volume<Float>, storedAs: AnyVolume)

  /// Grey values.
  package var grey: Volume<Float> {
    switch self {
    case .picture(let picture): picture.grey
    case .scan(let volume, _): volume
    }
  }

  /// Whether the image is a picture, which has no place in a patient.
  package var isPicture: Bool { if case .picture = self { true } else { false } }

  /// One volume for grey values, or one for each of red, green and blue.
  package var channels: [Volume<Float>] {
    switch self {
    case .picture(let picture): picture.channels
    case .scan(let volume, _): [volume]
    }
  }

  /// The image with other values, of the same kind and stored alike.
  /// - Parameter transform: Makes a channel of a channel and its number.
  /// - Returns: The image.
  /// - Throws: What the transform throws.
  package func mapChannels(
    _ transform: (Volume<Float>, Int) throws -> Volume<Float>
  ) rethrows -> EnhancementContent {
    switch self {
    case .picture(let picture):
      .picture(
        EnhancementPicture(
          channels: try picture.channels.enumerated().map { try transform($1, $0) },
          bits: picture.bits
        )
      )
    case .scan(let volume, let stored): .scan(try transform(volume, 0), storedAs: stored)
    }
  }

  /// A map of spreads that is written as the image is, with the fractions that it needs.
  package func with(spread: Volume<Float>) -> EnhancementContent {
    isPicture
      ? .picture(EnhancementPicture(channels: [spread], bits: 16))
      : .scan(spread, storedAs: .float32(spread))
  }

  /// The image as its file will hold it: pictures are rounded and end at 0 and 255, scans of whole
  /// numbers are rounded and end where their type does.
  /// - Parameter keepsFractions: Whether scans keep their fractions.
  /// - Returns: The image.
  package func asStored(keepsFractions: Bool) -> EnhancementContent {
    switch self {
    case .picture(let picture):
      let steps: Float = picture.bits == 16 ? 257 : 1
      return mapChannels { channel, _ in
        channel.map { (min(max($0, 0), 255) * steps).rounded() / steps }
      }
    case .scan(let volume, let stored):
      return keepsFractions
        ? self : .scan(volume.stored(as: stored).asFloat, storedAs: stored)
    }
  }
}

extension Volume where Scalar == Float {
  /// The values in the type of another image: whole numbers are rounded and end where their type does.
  func stored(as other: AnyVolume) -> AnyVolume {
    func whole<Number: FixedWidthInteger & BitwiseCopyable & Sendable>(
      _: Number.Type
    ) -> Volume<Number> {
      map { value -> Number in
        guard value.isFinite else { return 0 }
        let rounded = Double(value.rounded())
        if rounded >= Double(Number.max) { return .max }
        return rounded <= Double(Number.min) ? .min : Number(rounded)
      }
    }
    switch other {
    case .int8: return .int8(whole(Int8.self))
    case .uint8: return .uint8(whole(UInt8.self))
    case .int16: return .int16(whole(Int16.self))
    case .uint16: return .uint16(whole(UInt16.self))
    case .int32: return .int32(whole(Int32.self))
    case .uint32: return .uint32(whole(UInt32.self))
    case .int64, .uint64, .float32, .float64: return .float32(self)
    }
  }
}
