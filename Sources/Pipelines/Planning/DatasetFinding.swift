/// One thing that is wrong or odd about a data set.
public struct DatasetFinding: Codable, Sendable, Equatable {
  /// What kind of thing.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// A scan without a label map, or a label map without a scan.
    case unpaired
    /// A file that cannot be read.
    case unreadable
    /// Scan and label map of different numbers of voxels.
    case size
    /// Scan and label map whose axes point to different sides of the patient.
    case orientation
    /// Scan and label map of one size in different places.
    case grid
    /// Scan and label map in places that differ by less than matters.
    case rounding
    /// A number that the description does not name.
    case unknownLabel = "unknown-label"
    /// Values of a label map that are not whole numbers.
    case brokenLabels = "broken-labels"
    /// Whole numbers that are stored as fractions.
    case labelType = "label-type"
    /// A structure that no label map holds.
    case unusedLabel = "unused-label"
    /// A label map without a structure.
    case emptyLabels = "empty-labels"
    /// A scan with values that are infinite or not numbers.
    case notFinite = "not-finite"
    /// A scan of one value.
    case constant
    /// The same scan in several cases.
    case duplicate
    /// One name for several cases.
    case repeatedName = "repeated-name"
    /// A scan to train on that is a scan to test on too.
    case leak
    /// A file that belongs to no case.
    case stray
  }

  /// What kind of thing.
  public let kind: Kind
  /// The case, if it is about one.
  public let caseID: String?
  /// What is wrong, without a full stop.
  public let message: String
  /// What to do, without a full stop.
  public let remedy: String
  /// Whether training would be wrong; else it is an oddity.
  public let isFault: Bool
  /// Whether a mended copy can keep the case.
  public let isMendable: Bool

  init(
    _ kind: Kind,
    _ caseID: String?,
    fault: Bool,
    mendable: Bool = false,
    _ message: String,
    remedy: String
  ) {
    isMendable = mendable
    self.kind = kind
    self.caseID = caseID
    self.message = message
    self.remedy = remedy
    isFault = fault
  }
}
