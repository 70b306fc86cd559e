import Pipelines
import Support

/// What an image was improved with, and what came of it.
public struct EnhancementRecord: Codable, Sendable, Equatable {
  /// The comparison with a reference.
  public struct Quality: Codable, Sendable, Equatable {
    /// The range of the true values.
    public let dataRange: Double
    /// The image before; interpolated by cubic B-splines where the grid became finer.
    public let before: ImageQuality
    /// The image after.
    public let after: ImageQuality
  }

  /// Version of this record.
  public var schema = "lamina.enhanced/1"
  /// The image, as its path was given.
  public let input: String
  /// The steps, in order.
  public let stages: [StageRecord]
  /// Voxels along x, y and z before.
  public let sizeBefore: [Int]
  /// Voxels along x, y and z after.
  public let sizeAfter: [Int]
  /// Distance of voxel centres after, mm; without meaning for pictures.
  public let spacingMM: [Double]
  /// The comparison with a reference, or nil.
  public let quality: Quality?
  /// The spread over the symmetries of planes, or nil.
  public let spread: EnhancementSpread?
  /// What became of a segmentation, or nil.
  public var segmentation: SegmentationChange?
  /// What is worth knowing, one sentence each.
  public let notes: [String]
  /// The number of threads.
  public let threads: Int
  /// Wall time in seconds.
  public let seconds: Double
  /// Peak memory of the process in MB (10^6 bytes).
  public let peakMemoryMB: Double
  /// The command line.
  public let command: String
  /// What to beware of.
  public private(set) var warning = EnhancementRecord.standardWarning
  /// The program's version.
  public private(set) var laminaVersion = Version.current
  /// That this is no medical device.
  public private(set) var disclaimer = Version.disclaimer

  init(
    input: String,
    stages: [StageRecord],
    sizeBefore: [Int],
    sizeAfter: [Int],
    spacingMM: [Double],
    quality: Quality?,
    spread: EnhancementSpread?,
    notes: [String],
    threads: Int,
    seconds: Double,
    peakMemoryMB: Double,
    command: String
  ) {
    self.input = input
    self.stages = stages
    self.sizeBefore = sizeBefore
    self.sizeAfter = sizeAfter
    self.spacingMM = spacingMM
    self.quality = quality
    self.spread = spread
    self.notes = notes
    self.threads = threads
    self.seconds = (seconds * 1000).rounded() / 1000
    self.peakMemoryMB = peakMemoryMB
    self.command = command
  }

  /// What everybody who sees an improved image must know.
  public static let standardWarning =
    "Enhancement can invent structures that are not there and remove some that are; look at the "
    + "original beside the result."
}
