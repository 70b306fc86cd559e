import Imaging

/// What `lamina info` says about one volume of a series.
public struct VolumeSummary: Equatable, Sendable, Codable {
  /// The number by which `--volume` picks it, from 1.
  public var number: Int
  /// Voxels along x, y, z, and time points when there are several.
  public var size: [Int]
  /// Distance of voxel centres along x, y, z in mm.
  public var spacingMM: [Double]
  /// Nearest axis code, such as "RAS": towards which side each index grows.
  public var orientation: String
  /// Why these images form a volume of their own.
  public var why: String

  /// Creates a summary.
  /// - Parameters:
  ///   - number: The number by which `--volume` picks it, from 1.
  ///   - size: Voxels along x, y, z, and time points when there are several.
  ///   - spacingMM: Distance of voxel centres in mm.
  ///   - orientation: Nearest axis code.
  ///   - why: Why these images form a volume of their own.
  public init(number: Int, size: [Int], spacingMM: [Double], orientation: String, why: String) {
    self.number = number
    self.size = size
    self.spacingMM = spacingMM
    self.orientation = orientation
    self.why = why
  }
}

/// What `lamina info` says about one series (or one file of a format without series).
public struct SeriesSummary: Equatable, Sendable, Codable {
  /// Series Instance UID; empty for formats without one.
  public var uid: String
  /// Modality such as "MR", or nil when the format does not say.
  public var modality: String?
  /// Series description, or nil.
  public var description: String?
  /// The number of slices.
  public var slices: Int
  /// Transfer syntax UID of DICOM, or nil.
  public var transferSyntax: String?
  /// Everything odd, each with its remedy.
  public var problems: [InputProblem]
  /// The volumes that the series holds.
  public var volumes: [VolumeSummary]

  /// Creates a summary.
  /// - Parameters:
  ///   - uid: Series Instance UID, or empty.
  ///   - modality: Modality, or nil.
  ///   - description: Series description, or nil.
  ///   - slices: The number of slices.
  ///   - transferSyntax: Transfer syntax UID, or nil.
  ///   - problems: Everything odd.
  ///   - volumes: The volumes that the series holds.
  public init(
    uid: String,
    modality: String?,
    description: String?,
    slices: Int,
    transferSyntax: String?,
    problems: [InputProblem],
    volumes: [VolumeSummary]
  ) {
    self.uid = uid
    self.modality = modality
    self.description = description
    self.slices = slices
    self.transferSyntax = transferSyntax
    self.problems = problems
    self.volumes = volumes
  }
}
