import Imaging
import Support

/// The distances between the border voxels of two masks that are not empty, mm.
package struct SurfaceDistances: Sendable {
  /// From each border voxel of the prediction to the nearest of the reference, rising.
  package let toReference: [Double]
  /// From each border voxel of the reference to the nearest of the prediction, rising.
  package let toPrediction: [Double]

  package init(toReference: [Double], toPrediction: [Double]) {
    self.toReference = toReference
    self.toPrediction = toPrediction
  }

  /// Measures two masks of the same grid, inside the box that holds both.
  /// - Parameters:
  ///   - prediction: Whether a voxel is in the predicted mask.
  ///   - reference: Whether a voxel is in the reference mask.
  ///   - box: The box of all voxels that are in either mask.
  ///   - spacing: Distance of voxel centres, mm.
  /// - Returns: The distances, or nil when a mask is empty.
  static func measure(
    prediction: [Bool],
    reference: [Bool],
    box: SIMD3<Int>,
    spacing: SIMD3<Double>
  ) -> SurfaceDistances? {
    let predictionBorder = border(of: prediction, size: box)
    let referenceBorder = border(of: reference, size: box)
    guard !predictionBorder.isEmpty, !referenceBorder.isEmpty else { return nil }
    let toReference = distances(
      from: predictionBorder,
      to: referenceBorder,
      size: box,
      spacing: spacing
    )
    let toPrediction = distances(
      from: referenceBorder,
      to: predictionBorder,
      size: box,
      spacing: spacing
    )
    return SurfaceDistances(toReference: toReference, toPrediction: toPrediction)
  }

  private static func distances(
    from sources: [Int],
    to targets: [Int],
    size: SIMD3<Int>,
    spacing: SIMD3<Double>
  ) -> [Double] {
    let squared = DistanceTransform.squaredDistances(to: targets, size: size, spacing: spacing)
    return sources.map { Double(squared[$0]).squareRoot() }.sorted()
  }

  /// The offsets of the voxels of a mask that have a face neighbour outside it.
  ///
  /// Outside the box there is no mask, so voxels at the box's faces are border.
  static func border(of mask: [Bool], size: SIMD3<Int>) -> [Int] {
    let stepY = size.x
    let stepZ = size.x * size.y
    var border: [Int] = []
    mask.withUnsafeBufferPointer { mask in
      for z in 0..<size.z {
        for y in 0..<size.y {
          let row = stepZ * z + stepY * y
          let rowAtFace = z == 0 || z == size.z - 1 || y == 0 || y == size.y - 1
          for x in 0..<size.x where mask[row + x] {
            let at = row + x
            if rowAtFace || x == 0 || x == size.x - 1
              || !mask[at - 1] || !mask[at + 1] || !mask[at - stepY] || !mask[at + stepY]
              || !mask[at - stepZ] || !mask[at + stepZ]
            {
              border.append(at)
            }
          }
        }
      }
    }
    return border
  }
}

/// The value below which a share of sorted values lies, with linear interpolation (type 7 of
/// Hyndman and Fan 1996, numpy's default).
/// - Parameters:
///   - share: Between 0 and 1.
///   - sorted: Rising values, at least one.
/// - Returns: The percentile.
package func percentile(_ share: Double, of sorted: [Double]) -> Double {
  precondition(!sorted.isEmpty, "the percentile of no value")
  let position = share * Double(sorted.count - 1)
  let low = min(Int(position), sorted.count - 1)
  let high = min(low + 1, sorted.count - 1)
  return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
}
