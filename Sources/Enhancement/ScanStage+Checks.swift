import Imaging
import Pipelines

extension ScanStage {
  /// Refuses a scan with values that are not finite, which a step would spread over their neighbours.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - path: Its name for messages.
  /// - Throws: `PipelinesError.unsuitableScan` with their number.
  func requireFinite(_ scan: Volume<Float>, path: String) throws {
    let count = scan.voxels.count { !$0.isFinite }
    guard count == 0 else {
      throw PipelinesError.unsuitableScan(
        path: path,
        reason: "\(count) of its values are not finite numbers, which \(record.name) would spread"
      )
    }
  }
}
