import Imaging

/// How an image is compared with what it should be.
package struct EnhancementComparison: Sendable {
  /// Whether colours are compared by their Y alone; grey pictures and scans never are.
  package var usesLuma = false
  /// The range of the true values.
  package var dataRange: Double
  /// Pixels at each side that are left out.
  package var border = 0
  /// Whether scans keep their fractions when they are written.
  package var keepsFractions = false

  /// Creates a comparison of all channels and pixels.
  /// - Parameter dataRange: The range of the true values.
  package init(dataRange: Double) { self.dataRange = dataRange }

  /// Compares an image with its reference.
  ///
  /// Values that are not finite count as 0. Colours against grey values are compared in grey.
  /// - Parameters:
  ///   - image: The image.
  ///   - reference: What it should be, on a grid of the same size.
  ///   - isFile: Whether the image is compared as its file holds it; Y follows from colours that end at 0
  ///     and 255 but are not rounded, as in the published figures of super-resolution.
  /// - Returns: How near they are.
  /// - Throws: `ImagingError.gridMismatch` for other sizes, or when the border leaves nothing.
  package func quality(
    of image: EnhancementContent,
    reference: EnhancementContent,
    isFile: Bool
  ) throws -> ImageQuality {
    func compared(_ channels: [Volume<Float>], _ truth: [Volume<Float>]) throws -> ImageQuality {
      try ImageQuality(
        of: channels.map { channel in channel.map { $0.isFinite ? $0 : 0 } },
        reference: truth,
        dataRange: dataRange,
        border: border
      )
    }
    if usesLuma, case .picture(let picture) = image, case .picture(let truth) = reference,
      truth.channels.count == 3
    {
      return try compared([picture.luma(clipping: isFile)], [truth.luma(clipping: false)])
    }
    let shown = isFile ? image.asStored(keepsFractions: keepsFractions) : image
    let (channels, truth) = (shown.channels, reference.channels)
    guard channels.count == truth.count else {
      return try compared([shown.grey], [reference.grey])
    }
    return try compared(channels, truth)
  }
}

extension EnhancementPicture {
  /// Y of ITU-R BT.601 in its range of 16 to 235: 16 + (65.481 R + 128.553 G + 24.966 B) / 255.
  /// - Parameter clipping: Whether colours end at 0 and 255 first.
  /// - Returns: Y, not rounded; of grey pictures that of three equal colours.
  func luma(clipping: Bool) -> Volume<Float> {
    let colours = channels.count == 3 ? channels : [channels[0], channels[0], channels[0]]
    let weights = [65.481, 128.553, 24.966]
    return Volume(
      geometry: channels[0].geometry,
      voxels: colours[0].voxels.indices.map { place in
        var sum = 0.0
        for (colour, weight) in zip(colours, weights) {
          let value = Double(colour.voxels[place])
          sum += weight * (clipping ? min(max(value, 0), 255) : value)
        }
        return Float(16 + sum / 255)
      }
    )
  }
}
