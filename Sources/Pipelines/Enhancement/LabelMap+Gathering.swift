import Imaging
import Support

extension LabelMap {
  /// The labels of a finer grid over the same field of view, brought back to a coarser one.
  ///
  /// Where each coarse voxel holds a whole number of fine ones, most of these decide; between labels
  /// that are equally many the lower number wins, so that background does. Any other grid takes the
  /// nearest voxel's label.
  /// - Parameter target: The coarser grid.
  /// - Returns: The label map on exactly that grid.
  package func gathered(onto target: ImageGeometry) -> LabelMap {
    if geometry == target { return self }
    let factor = geometry.size / target.size
    let covers = factor &* target.size == geometry.size && factor.min() >= 1
    let ratio = target.spacing / geometry.spacing - SIMD3<Double>(factor)
    let flat = target.isPlanar ? SIMD3(ratio.x, ratio.y, 0) : ratio
    // A corner's distance tells a turned or shifted grid; headers round.
    let corner = SIMD3<Double>(repeating: -0.5)
    let gap = geometry.position(ofIndex: corner) - target.position(ofIndex: corner)
    let distance = (gap * gap).sum().squareRoot()
    guard covers, (0..<3).allSatisfy({ abs(flat[$0]) < 1e-3 * Double(factor[$0]) }),
      target.isPlanar || distance < 0.1 * geometry.spacing.min(),
      geometry.orientation == target.orientation
    else { return resampled(to: target) }
    var result = [UInt16](repeating: 0, count: target.voxelCount)
    let source = labels
    let size = geometry.size
    let plane = target.size.x * target.size.y
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = result
      Parallelism.forEach(target.size.z) { z in
        var counts: [(label: UInt16, count: Int)] = []
        for y in 0..<target.size.y {
          for x in 0..<target.size.x {
            counts.removeAll(keepingCapacity: true)
            for dz in 0..<factor.z {
              for dy in 0..<factor.y {
                let row =
                  size.x * (y * factor.y + dy + size.y * (z * factor.z + dz)) + x * factor.x
                for label in source[row..<row + factor.x] {
                  if let place = counts.firstIndex(where: { $0.label == label }) {
                    counts[place].count += 1
                  } else {
                    counts.append((label, 1))
                  }
                }
              }
            }
            let winner = counts.max { ($0.count, $1.label) < ($1.count, $0.label) }
            result[z * plane + y * target.size.x + x] = winner?.label ?? 0
          }
        }
      }
    }
    return LabelMap(geometry: target, labels: result, table: table)
  }
}
