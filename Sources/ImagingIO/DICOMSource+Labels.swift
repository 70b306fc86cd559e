public import Imaging

extension DICOMSource {
  /// A grid may lie off the slices by this part of a pixel; headers round.
  private static let tolerance = 0.1

  /// The labels of a map on the slices as they are in their files.
  ///
  /// The map lies either on the slices' own grid, and is only cut into slices, or on the straight
  /// grid that `SliceRegridding` makes of tilted, shifted or uneven slices; then each pixel takes the
  /// label of the nearest voxel.
  /// - Parameter map: Labels.
  /// - Returns: For each slice its labels, columns fastest, or nil when the map's grid is another.
  public func labelsOnSlices(_ map: LabelMap) -> [[UInt16]]? {
    guard let first = slices.first else { return nil }
    let size = map.geometry.size
    let plane = size.x * size.y
    if liesOnSlices(map.geometry) {
      return (0..<size.z).map { Array(map.labels[$0 * plane..<($0 + 1) * plane]) }
    }
    let regridding = try? SliceRegridding(
      sliceOrigins: slices.map(\.plane.position),
      direction: first.plane.direction,
      planeSize: first.size,
      planeSpacing: first.pixelSpacing
    )
    guard let regridding, regridding.geometry.difference(from: map.geometry) == nil else {
      return nil
    }
    return regridding.labelsOnSlices(
      LabelMap(geometry: regridding.geometry, labels: map.labels, table: map.table)
    )
  }

  /// Whether every slice of a grid coincides with the slice of the same place.
  func liesOnSlices(_ geometry: ImageGeometry) -> Bool {
    let size = geometry.size
    guard size.z == slices.count else { return false }
    for (index, slice) in slices.enumerated() {
      guard slice.size == SIMD2(size.x, size.y) else { return false }
      let limit = Self.tolerance * slice.pixelSpacing.min()
      for corner in [SIMD2(0, 0), SIMD2(size.x - 1, 0), SIMD2(0, size.y - 1)] {
        let x = Double(corner.x)
        let y = Double(corner.y)
        let native =
          slice.plane.position + slice.plane.row * (slice.pixelSpacing.x * x)
          + slice.plane.column * (slice.pixelSpacing.y * y)
        let gap = native - geometry.position(ofIndex: SIMD3(x, y, Double(index)))
        guard dot(gap, gap) <= limit * limit else { return false }
      }
    }
    return true
  }
}
