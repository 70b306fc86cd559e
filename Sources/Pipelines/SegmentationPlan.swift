import Imaging
import Transforms

/// Everything between a scan and the network's input, and back: saved with the weights.
///
/// Volumes are brought to `orientation`, whose third axis is the slice axis, resampled to `spacingMM`
/// where they differ, normalised, and cut into slices with `contextSlices` neighbours on each side as
/// channels.
public struct SegmentationPlan: Codable, Sendable, Equatable {
  /// Version of this description.
  public var version = 1
  /// Axis codes of columns, rows and slices.
  public var orientation: Orientation
  /// Distance of pixel centres along columns, rows and slices, mm.
  public var spacingMM: [Double]
  /// Rows and columns of the network's input.
  public var patchSize: [Int]
  /// Neighbouring slices on each side that are channels too; beyond the volume its last slice counts.
  public var contextSlices: Int
  /// How intensities are brought to a common scale.
  public var normalization: IntensityNormalization
  /// Whether prediction may average over mirrored columns and rows.
  public var mirrorAxes: [Int]
  /// What pictures need beyond this; nil for scans.
  public var picture: PicturePlan?

  /// Relative deviation of spacing up to which a volume is not resampled.
  public static let spacingTolerance = 0.02

  /// Creates a plan.
  /// - Parameters:
  ///   - orientation: Axis codes of columns, rows and slices.
  ///   - spacingMM: Distance of pixel centres along columns, rows and slices.
  ///   - patchSize: Rows and columns of the network's input.
  ///   - contextSlices: Neighbouring slices on each side.
  ///   - normalization: How intensities are brought to a common scale.
  ///   - mirrorAxes: Axes (0 columns, 1 rows) over whose mirror images prediction averages.
  public init(
    orientation: Orientation,
    spacingMM: [Double],
    patchSize: [Int],
    contextSlices: Int,
    normalization: IntensityNormalization = .zScore,
    mirrorAxes: [Int] = []
  ) {
    self.orientation = orientation
    self.spacingMM = spacingMM
    self.patchSize = patchSize
    self.contextSlices = contextSlices
    self.normalization = normalization
    self.mirrorAxes = mirrorAxes
  }

  /// Channels of the network's input.
  public var inputChannels: Int { 2 * contextSlices + 1 }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == 1, "its version is \(version), this program knows 1")
    try require(
      spacingMM.count == 3 && spacingMM.allSatisfy { $0 > 0 && $0 < 1000 },
      "spacingMM is \(spacingMM)"
    )
    try require(
      patchSize.count == 2 && patchSize.allSatisfy((8...4096).contains),
      "patchSize is \(patchSize)"
    )
    try require((0...16).contains(contextSlices), "contextSlices is \(contextSlices)")
    try require(
      mirrorAxes.allSatisfy([0, 1].contains) && Set(mirrorAxes).count == mirrorAxes.count,
      "mirrorAxes is \(mirrorAxes)"
    )
    try picture?.check()
  }
}
