import Foundation
import Support

/// The image formats that Lamina reads, in the order in which they are asked.
public enum ImageFormats {
  /// Every format; the first that recognises an input reads it.
  public static let all: [any ImageFormat] = [
    NIfTIFormat(), NRRDFormat(), MetaImageFormat(), MGHFormat(), PictureFormat(), DICOMFormat(),
    ZipFormat(),
  ]

  /// The format of an input, by its content.
  /// - Parameter path: A file or folder.
  /// - Returns: The first format that recognises it.
  /// - Throws: `SupportError.notFound` when nothing is there; `ImagingIOError.unrecognised` when no
  ///   format knows it.
  public static func format(of path: String) throws -> any ImageFormat {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    guard access(path, R_OK) == 0 else {
      throw SupportError.unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    guard let format = all.first(where: { $0.recognises(path) }) else {
      throw ImagingIOError.unrecognised(path: path)
    }
    return format is ZipFormat ? ZipFormat(keepsFiles: true) : format
  }

  /// Lists what is in an input of any format.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - progress: Told about long reading.
  /// - Returns: One summary for each series.
  /// - Throws: As `format(of:)` and the format's `inspect`.
  public static func inspect(
    _ path: String,
    progress: any ProgressReporter = SilentProgress()
  ) throws -> [SeriesSummary] {
    try format(of: path).inspect(path, progress: progress)
  }

  /// Reads one volume of an input of any format.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - selection: Which series and volume, when there are several.
  ///   - progress: Told about long reading.
  /// - Returns: The volume.
  /// - Throws: As `format(of:)` and the format's `read`.
  public static func read(
    _ path: String,
    selection: VolumeSelection = VolumeSelection(),
    progress: any ProgressReporter = SilentProgress()
  ) throws -> LoadedVolume {
    try format(of: path).read(path, selection: selection, progress: progress)
  }
}
