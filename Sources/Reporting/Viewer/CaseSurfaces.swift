import Imaging

/// The surfaces of a case for pictures: of a label map with too many voxels, those of a coarser one.
enum CaseSurfaces {
  /// No more voxels than this are looked at.
  private static let mostVoxels = 4 << 20

  /// The surfaces of all structures; none when an axis has a single voxel.
  /// - Throws: Never for a label map of a valid geometry.
  static func surfaces(of map: LabelMap) throws(ImagingError) -> [LabelSurface] {
    guard map.geometry.size.min() > 1 else { return [] }
    let grid = ViewerGrid(map.geometry, maximumVoxels: mostVoxels)
    if grid.isFull { return SurfaceExtraction().surfaces(of: map) }
    let order = map.voxelCounts.keys.filter { $0 != 0 }.sorted()
    let places = ViewerEncoder.labels(map, order, grid)
    let axes = (0..<3).map { axis -> SIMD3<Double> in
      var unit = SIMD3<Double>.zero
      unit[axis] = 1
      return (grid.position(unit) - grid.position(.zero)) / grid.spacing[axis]
    }
    let geometry = try ImageGeometry(
      size: grid.size,
      spacing: grid.spacing,
      origin: grid.position(.zero),
      direction: Matrix3(axes[0], axes[1], axes[2])
    )
    let coarse = LabelMap(
      geometry: geometry,
      labels: places.map { $0 == 0 ? 0 : UInt16(order[Int($0) - 1]) },
      table: map.table
    )
    return SurfaceExtraction().surfaces(of: coarse)
  }
}
