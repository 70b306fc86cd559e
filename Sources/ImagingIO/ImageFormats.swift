import Foundation
import Support

/// The formats that Lamina reads, in the order in which they are asked.
///
/// To add a format, write its `ImageFormat` in a file of its own and name it here.
public enum ImageFormats {
  /// The catalogue.
  public static let all: [any ImageFormat] = [NIfTIFormat(), DICOMFormat()]

  /// The format of an input, by its content.
  /// - Parameter path: A file or folder.
  /// - Returns: The first format that recognises it.
  /// - Throws: `SupportError.notFound` or `.unreadable`; `ImagingIOError.unrecognised`.
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
    return format
  }

  /// Reads one volume of whatever format.
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
