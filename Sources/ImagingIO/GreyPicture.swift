import Foundation
import Imaging
import Support

/// Pictures as grey values, for networks that see one channel; geometry is that of `PictureFormat`.
public enum GreyPicture {
  /// Reads a picture; several pages become slices.
  ///
  /// Colours become their luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in single precision on the
  /// scale of the file; transparency is left out. Of a colour TIFF the first page is read.
  /// - Parameter path: A PNG, JPEG, TIFF or BMP file.
  /// - Returns: Grey values in the file's own type, or luma.
  /// - Throws: `ImagingIOError.unrecognised`, `.damaged` or `.unsupported`; `SupportError.notFound` or
  ///   `.unreadable`.
  public static func read(_ path: String) throws -> AnyVolume {
    let channels = try PictureChannels.read(path)
    guard channels.count >= 3 else { return try stack(path) }
    let colours = channels.prefix(3).map { $0.asFloat.voxels }
    // Green and differences to it, so that equal channels stay what they are.
    let luma = colours[1].indices.map { place in
      let (red, green, blue) = (colours[0][place], colours[1][place], colours[2][place])
      return green + 0.299 * (red - green) + 0.114 * (blue - green)
    }
    return .float32(Volume(geometry: channels[0].geometry, voxels: luma))
  }

  /// Reads a picture whose values are labels, such as a PNG of 16 bits.
  /// - Parameters:
  ///   - path: A grey PNG or TIFF file.
  ///   - table: The meanings.
  /// - Returns: The label map.
  /// - Throws: As `PictureFormat.read`; `ImagingIOError.unsupported` when values are not whole numbers
  ///   from 0 to 65535.
  public static func readLabelMap(_ path: String, table: [LabelDefinition]) throws -> LabelMap {
    try NIfTIReader.labelMap(from: stack(path), table: table, path: path)
  }

  /// Writes the labels of one slice as a grey PNG of 16 bits.
  /// - Parameters:
  ///   - labelMap: A label map of one slice.
  ///   - path: The file to make.
  /// - Throws: `SupportError.unwritable` or `.libraryFailure`.
  /// - Precondition: There is one slice.
  public static func write(_ labelMap: LabelMap, to path: String) throws {
    let size = labelMap.geometry.size
    precondition(size.z == 1, "\(size.z) slices are no picture")
    let data = try PNGEncoder.encode(
      PNGImage(
        width: size.x,
        height: size.y,
        channels: 1,
        samples: .sixteenBit(labelMap.labels)
      )
    )
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }

  private static func stack(_ path: String) throws -> AnyVolume {
    try PictureFormat().read(path, selection: VolumeSelection(), progress: SilentProgress()).volume
  }
}
