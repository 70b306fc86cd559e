public import Imaging

/// An image that a frame of a segmentation refers to. It prints as nothing.
public struct SegmentationReference: Equatable, Hashable, Sendable, CustomStringConvertible {
  /// SOP Class UID.
  public let classUID: String
  /// SOP Instance UID.
  public let instanceUID: String
  /// Frame number from 1 in a multi-frame image, or nil.
  public let frame: Int?

  init(classUID: String, instanceUID: String, frame: Int?) {
    self.classUID = classUID
    self.instanceUID = instanceUID
    self.frame = frame
  }

  /// Never shows identifiers.
  public var description: String { "a referenced DICOM image" }
}

/// A DICOM SEG file as label maps.
public struct LoadedSegmentation: Sendable {
  /// One label map, or several where segments overlap; all on one grid.
  public let layers: [LabelMap]
  /// How the slices are shifted against each other; nil for straight grids.
  public let shift: SliceShift?
  /// The images that the frames of each slice refer to, by slice; empty for slices without frames.
  public let references: [[SegmentationReference]]
  /// Series Instance UID of the series that was segmented, or nil.
  public let referencedSeriesUID: String?
  /// The names of the algorithms, each once.
  public let algorithms: [String]
  /// What is odd, or was decided while reading.
  public let problems: [InputProblem]
}
