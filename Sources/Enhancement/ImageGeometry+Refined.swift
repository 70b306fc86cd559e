import Imaging

extension ImageGeometry {
  /// The grid that is finer by whole factors over the same field of view.
  ///
  /// The outer corner of the first voxel stays in place, so that the origin, its centre, moves by half
  /// the change of spacing.
  /// - Parameter scale: Factors along x, y and z.
  /// - Returns: The grid.
  /// - Throws: `ImagingError.invalidGeometry` when it has too many voxels.
  func refined(by scale: [Int]) throws(ImagingError) -> ImageGeometry {
    let factor = SIMD3(scale[0], scale[1], scale[2])
    if factor == SIMD3(1, 1, 1) { return self }
    var finer = spacing / SIMD3<Double>(factor)
    if isPlanar { finer.z = spacing.z }
    return try ImageGeometry(
      size: size &* factor,
      spacing: finer,
      origin: origin + direction * ((finer - spacing) / 2),
      direction: direction,
      isPlanar: isPlanar
    )
  }
}
