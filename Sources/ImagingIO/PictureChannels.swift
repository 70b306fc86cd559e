import Imaging

/// The colours of a picture as volumes of one slice, for networks that see each as a channel.
public enum PictureChannels {
  /// Reads a picture's channels.
  /// - Parameter path: A PNG, JPEG, TIFF or BMP file; of several pages the first.
  /// - Returns: One volume of 8 or more bits for each of grey, or red, green, blue (and alpha).
  /// - Throws: `ImagingIOError` for damaged or unknown files; `SupportError.unreadable`.
  public static func read(_ path: String) throws -> [AnyVolume] {
    let picture = try Picture.read(path, page: 0)
    let geometry = try ImageGeometry(
      size: [picture.width, picture.height, 1],
      spacing: [picture.spacingMM?.x ?? 1, picture.spacingMM?.y ?? 1, 1],
      origin: [0, 0, 0],
      direction: .identity,
      isPlanar: true
    )
    let sample = picture.type.bytes
    let pixel = sample * picture.channels
    return try (0..<picture.channels).map { channel in
      try picture.type.volume(geometry) { target in
        picture.bytes.withUnsafeBytes { source in
          for index in 0..<geometry.voxelCount {
            let from = index * pixel + channel * sample
            for byte in 0..<sample { target[index * sample + byte] = source[from + byte] }
          }
        }
      }
    }
  }
}
