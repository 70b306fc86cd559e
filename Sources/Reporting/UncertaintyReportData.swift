import Evaluation
import Imaging

/// How unsure a model was of a segmented scan, as the report shows it.
public struct UncertaintyReportData: Sendable {
  /// The numbers.
  public let statistics: UncertaintyStatistics
  /// The entropy of each voxel, 0 to 1, on the label map's grid; nil when it is not at hand.
  public let map: Volume<Float>?

  /// Creates the data.
  /// - Parameters:
  ///   - statistics: The numbers.
  ///   - map: The entropy of each voxel.
  public init(statistics: UncertaintyStatistics, map: Volume<Float>?) {
    self.statistics = statistics
    self.map = map
  }
}
