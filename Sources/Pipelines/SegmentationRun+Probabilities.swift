import ImagingIO
import Support
import Synchronization

extension SegmentationRun.Result {
  /// The probabilities' file in a result folder.
  public static let probabilitiesName = "probabilities.npz"

  /// Writes the class probabilities, if they were wanted, as `probabilities.npz`.
  ///
  /// As nnU-Net does: one array `probabilities`, `[class][z][y][x]` of the scan's own grid, float32.
  /// - Parameter folder: A folder that exists.
  /// - Throws: `SupportError.unwritable`.
  public func writeProbabilities(to folder: String) throws {
    guard let probabilities else { return }
    let size = probabilities.size
    let writer = try NPZWriter(
      path: folder + "/" + Self.probabilitiesName,
      key: "probabilities",
      shape: size
    )
    let plane = size.suffix(2).reduce(1, *)
    let count = plane == 0 ? 0 : size.reduce(1, *) / plane
    let failure = Mutex<SupportError?>(nil)
    probabilities.withValues { values in
      // Only read from here on.
      nonisolated(unsafe) let values = values
      Parallelism.forEach(count) { index in
        guard failure.withLock({ $0 == nil }) else { return }
        do throws(SupportError) {
          let part = UnsafeBufferPointer(rebasing: values[index * plane..<(index + 1) * plane])
          try writer.write(Array(part), plane: index)
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    try writer.finish()
  }
}
