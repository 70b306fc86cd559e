import Foundation
import Imaging
import ImagingIO
import Support

/// A picture whose values are on the scale of 8 bits, 0 to 255, whatever its file holds.
package struct EnhancementPicture: Sendable {
  /// One volume of one slice for grey, or for each of red, green and blue.
  package let channels: [Volume<Float>]
  /// Bits of a sample in the file: 8 or 16.
  package let bits: Int
  /// Whether the file had transparency, which is left out.
  package let hadAlpha: Bool

  /// 65535 in 16 bits is 255.
  private static let deepFactor: Float = 257
  /// Shares of red and blue in the luma (ITU-R BT.601); the rest is green.
  private static let (redShare, blueShare): (Float, Float) = (0.299, 0.114)
  /// The middle of the range, about which colour differences lie.
  private static let middle: Float = 128

  package init(channels: [Volume<Float>], bits: Int) {
    self.channels = channels
    self.bits = bits
    hadAlpha = false
  }

  /// Reads a PNG, JPEG, TIFF or BMP file; of several pages the first.
  ///
  /// Pictures of three equal colours become grey.
  /// - Parameter path: The file.
  /// - Throws: `ImagingIOError` for damaged or unknown files; `SupportError.unreadable`.
  package init(path: String) throws {
    let read = try PictureChannels.read(path)
    hadAlpha = read.count == 2 || read.count == 4
    let deep: Bool
    switch read[0] {
    case .uint8: deep = false
    case .uint16: deep = true
    default:
      throw ImagingIOError.unsupported(
        path: path,
        what: "values that are not whole numbers of 8 or 16 bits, as those of pictures are",
        remedy: "convert it to PNG, or to NIfTI if it is a scan"
      )
    }
    bits = deep ? 16 : 8
    let values = read.prefix(3).map { channel in
      deep ? channel.asFloat.map { $0 / Self.deepFactor } : channel.asFloat
    }
    let isGrey = values.count < 3 || (values[0] == values[1] && values[1] == values[2])
    channels = isGrey ? [values[0]] : values
  }

  /// The luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) of colours, or the grey values.
  package var grey: Volume<Float> {
    guard channels.count == 3 else { return channels[0] }
    let (red, green, blue) = (channels[0].voxels, channels[1].voxels, channels[2].voxels)
    return Volume(
      geometry: channels[0].geometry,
      voxels: green.indices.map {
        green[$0] + Self.redShare * (red[$0] - green[$0])
          + Self.blueShare * (blue[$0] - green[$0])
      }
    )
  }

  /// The picture with another luma: the colours' differences to it stay, interpolated where the grid is
  /// finer.
  /// - Parameter grey: The new luma, on the same field of view.
  /// - Returns: The picture; of grey ones the luma itself.
  package func replacingGrey(_ grey: Volume<Float>) -> EnhancementPicture {
    guard channels.count == 3 else { return EnhancementPicture(channels: [grey], bits: bits) }
    let old = self.grey
    // Green by its own difference: from red and blue it would come back rounded.
    let colours = channels.map { channel in
      var difference = Volume(
        geometry: old.geometry,
        voxels: channel.voxels.indices.map { channel.voxels[$0] - old.voxels[$0] }
      )
      if grey.geometry != old.geometry {
        difference = difference.resampled(to: grey.geometry, interpolation: .cubicBSpline)
      }
      return Volume(
        geometry: grey.geometry,
        voxels: grey.voxels.indices.map { grey.voxels[$0] + difference.voxels[$0] }
      )
    }
    return EnhancementPicture(channels: colours, bits: bits)
  }

  /// Red less luma and blue less luma, around the middle of the range; none of grey pictures.
  package var colourDifferences: [Volume<Float>] {
    guard channels.count == 3 else { return [] }
    let luma = grey
    return [channels[0], channels[2]].map { channel in
      Volume(
        geometry: luma.geometry,
        voxels: channel.voxels.indices.map {
          channel.voxels[$0] - luma.voxels[$0] + Self.middle
        }
      )
    }
  }

  /// The picture of a luma and of colour differences on its grid; green follows from the three.
  /// - Parameters:
  ///   - grey: The luma.
  ///   - differences: As `colourDifferences` gives them.
  ///   - bits: Bits of a sample in the file.
  package init(grey: Volume<Float>, differences: [Volume<Float>], bits: Int) {
    guard differences.count == 2 else {
      self.init(channels: [grey], bits: bits)
      return
    }
    let luma = grey.voxels
    let (red, blue) = (differences[0].voxels, differences[1].voxels)
    func channel(_ value: (Int) -> Float) -> Volume<Float> {
      Volume(geometry: grey.geometry, voxels: luma.indices.map(value))
    }
    self.init(
      channels: [
        channel { luma[$0] + red[$0] - Self.middle },
        channel {
          luma[$0]
            - (Self.redShare * (red[$0] - Self.middle) + Self.blueShare * (blue[$0] - Self.middle))
            / (1 - Self.redShare - Self.blueShare)
        },
        channel { luma[$0] + blue[$0] - Self.middle },
      ],
      bits: bits
    )
  }

  /// The picture as a PNG file of its own depth; values beyond the range become its ends.
  /// - Returns: The file's bytes.
  /// - Throws: `SupportError.libraryFailure` when the picture is larger than PNG holds.
  package func png() throws -> Data {
    let geometry = channels[0].geometry
    let (count, factor) = (channels.count, bits == 16 ? Self.deepFactor : 1)
    var samples = [UInt16](repeating: 0, count: count * geometry.voxelCount)
    for (channel, volume) in channels.enumerated() {
      for (place, value) in volume.voxels.enumerated() where value.isFinite {
        samples[place * count + channel] = UInt16((min(max(value, 0), 255) * factor).rounded())
      }
    }
    return try PNGEncoder.encode(
      PNGImage(
        width: geometry.size.x,
        height: geometry.size.y,
        channels: count,
        samples: bits == 16 ? .sixteenBit(samples) : .eightBit(samples.map { UInt8($0) })
      )
    )
  }
}
