import Imaging

extension Volume where Scalar == Float {
  /// The values of a box, x fastest.
  /// - Parameters:
  ///   - low: The box's first voxel.
  ///   - size: Its voxels along each axis.
  /// - Returns: The values.
  /// - Precondition: The box lies within the volume.
  func values(at low: SIMD3<Int>, _ size: SIMD3<Int>) -> [Float] {
    if low == .zero, size == geometry.size { return voxels }
    var values: [Float] = []
    values.reserveCapacity(size.x * size.y * size.z)
    for z in low.z..<low.z + size.z {
      for y in low.y..<low.y + size.y {
        let start = geometry.offset(low.x, y, z)
        values += voxels[start..<start + size.x]
      }
    }
    return values
  }

  /// A box of the volume, where it lies in the patient.
  /// - Parameters:
  ///   - low: The box's first voxel.
  ///   - size: Its voxels along each axis.
  /// - Returns: The box.
  /// - Throws: `ImagingError.invalidGeometry` for an empty box.
  func cut(at low: SIMD3<Int>, _ size: SIMD3<Int>) throws(ImagingError) -> Volume<Float> {
    let box = try ImageGeometry(
      size: size,
      spacing: geometry.spacing,
      origin: geometry.position(ofIndex: SIMD3<Double>(low)),
      direction: geometry.direction,
      isPlanar: geometry.isPlanar
    )
    return Volume(geometry: box, voxels: values(at: low, size))
  }
}
