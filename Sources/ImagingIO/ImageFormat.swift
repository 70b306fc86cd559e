import Imaging
import Support

/// Which of several series and volumes of an input is meant, and what may be done to it.
public struct VolumeSelection: Sendable, Equatable {
  /// Series Instance UID or the series' number in `lamina info`, from 1; nil means the only one.
  public var series: String?
  /// The volume's number within the series, from 1; nil means the only one.
  public var volume: Int?
  /// The time point of a 4-D volume, from 1; nil means the only one.
  public var timePoint: Int?
  /// Rules that a series must fulfil to be chosen; the empty set lets all through.
  public var rules = SeriesRules()
  /// Whether tilted, shifted or unevenly spaced slices are resampled to a straight grid instead of
  /// refused.
  public var regrids = false
  /// Whether PET values become standardised uptake values by body weight; refused where the header
  /// does not allow it.
  public var usesSUV = false

  /// Creates a selection.
  /// - Parameters:
  ///   - series: UID or number, or nil for the only one.
  ///   - volume: Number, or nil for the only one.
  public init(series: String? = nil, volume: Int? = nil) {
    self.series = series
    self.volume = volume
  }
}

/// Rules by which a series is chosen from many.
public struct SeriesRules: Sendable, Equatable, Codable {
  /// The modality, such as "CT", in any case of letters.
  public var modality: String?
  /// A pattern that the series description must match: `*` and `?` as in a shell, any case.
  public var descriptionPattern: String?
  /// The fewest slices.
  public var minimumSlices: Int?
  /// The plane of the slices: "axial", "coronal" or "sagittal", as the nearest one.
  public var plane: String?
  /// The largest distance of slices, mm.
  public var maximumSliceSpacingMM: Double?

  /// Creates rules that let everything through.
  public init() {}

  /// Whether nothing is asked for.
  public var isEmpty: Bool { self == SeriesRules() }
}

/// A volume as read, with what is worth knowing about its source.
public struct LoadedVolume: Sendable {
  /// Values and geometry.
  public let volume: AnyVolume
  /// The series that it came from; its `problems` include those found while reading.
  public let summary: SeriesSummary
  /// The files that were read, in the order of the slices.
  public let files: [String]
  /// The DICOM slices that it was made of, or nil for other formats.
  public var source: DICOMSource?
  /// How the slices are shifted against each other; nil for straight grids.
  ///
  /// Readers return it for label maps only: images are refused or regridded.
  public var shift: SliceShift?

  /// Creates a loaded volume.
  /// - Parameters:
  ///   - volume: Values and geometry.
  ///   - summary: The series that it came from.
  ///   - files: The files that were read.
  ///   - source: The DICOM slices that it was made of.
  ///   - shift: How the slices are shifted against each other.
  public init(
    volume: AnyVolume,
    summary: SeriesSummary,
    files: [String],
    source: DICOMSource? = nil,
    shift: SliceShift? = nil
  ) {
    self.volume = volume
    self.summary = summary
    self.files = files
    self.source = source
    self.shift = shift
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
