import Imaging
import Support

/// Which of several series and volumes of an input is meant.
public struct VolumeSelection: Sendable, Equatable {
  /// Series Instance UID or the series' number in `lamina info`, from 1; nil means the only one.
  public var series: String?
  /// The volume's number within the series, from 1; nil means the only one.
  public var volume: Int?

  /// Creates a selection.
  /// - Parameters:
  ///   - series: UID or number, or nil for the only one.
  ///   - volume: Number, or nil for the only one.
  public init(series: String? = nil, volume: Int? = nil) {
    self.series = series
    self.volume = volume
  }
}

/// A volume as read, with what is worth knowing about its source.
public struct LoadedVolume: Sendable {
  /// Values and geometry.
  public let volume: AnyVolume
  /// The series that it came from; its `problems` include those found while reading.
  public let summary: SeriesSummary
  /// The files that were read, in the order of the slices.
  public let files: [String]

  /// Creates a loaded volume.
  /// - Parameters:
  ///   - volume: Values and geometry.
  ///   - summary: The series that it came from.
  ///   - files: The files that were read.
  public init(volume: AnyVolume, summary: SeriesSummary, files: [String]) {
    self.volume = volume
    self.summary = summary
    self.files = files
  }
}

/// A way of reading images: one file format, or folders of one.
public protocol ImageFormat: Sendable {
  /// The format's name for people, such as "NIfTI".
  var name: String { get }

  /// Whether this format should read the input; decided by content, not by the ending alone.
  /// - Parameter path: A file or folder that exists.
  /// - Returns: True when `inspect` and `read` can be expected to understand it.
  func recognises(_ path: String) -> Bool

  /// Lists what is in the input without keeping voxels.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - progress: Told about long reading.
  /// - Returns: One summary for each series.
  /// - Throws: `ImagingIOError` when the input is damaged.
  func inspect(_ path: String, progress: any ProgressReporter) throws -> [SeriesSummary]

  /// Reads one volume.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - selection: Which series and volume, when there are several.
  ///   - progress: Told about long reading.
  /// - Returns: The volume.
  /// - Throws: `ImagingIOError` when the input is damaged or the selection is not one volume.
  func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume
}
