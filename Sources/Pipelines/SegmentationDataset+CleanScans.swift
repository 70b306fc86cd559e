import Imaging
import Support

extension SegmentationDataset {
  /// Scans without noise that are made from the data set's label maps, for trainings of networks that
  /// improve images.
  ///
  /// Each has a contrast, a shape and a bias field of its own, as in trainings from label maps; its tissue
  /// is nearly uniform, because texture of independent voxels would be noise, and its resolution is that
  /// of the map. The scans take turns at the maps, and a scan depends on its number and the seed alone.
  /// - Parameters:
  ///   - count: How many.
  ///   - seed: Seed of every random choice.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Returns: The scans, named by map and number, axes to right, anterior, superior.
  /// - Throws: `PipelinesError.notADataset` without a table of synthesis, `.faultyDataset` for maps that
  ///   cannot be read; `SupportError.interrupted`.
  package func cleanScans(
    _ count: Int,
    seed: UInt64,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [(id: String, scan: Volume<Float>)] {
    var scans: [(id: String, scan: Volume<Float>)] = []
    try ScanSynthesis(self).make(
      count,
      seed: seed,
      progress: progress,
      interruption: interruption
    ) { scans.append((id: $0.id, scan: $0.scan)) }
    return scans
  }
}
