/// An image as filters see it: finite values that are not all the same, x fastest.
package struct FilterImage: Sendable {
  /// The values.
  package let values: [Float]
  /// Voxels along x, y and z.
  package let size: SIMD3<Int>
  /// Distance of voxels, mm.
  package let spacing: SIMD3<Double>

  /// How many of the axes x, y and z a filter works along: 2 when it is told so or there is one
  /// slice.
  func axes(_ values: FilterValues) -> Int { size.z == 1 ? 2 : values.whole("dimensions") }

  /// The noise's deviation: what the filter was told, or else the estimate from the image.
  ///
  /// 0 when it cannot be told.
  func noise(_ values: FilterValues) -> Float {
    let told = values["sigma"]
    if told > 0 { return Float(told) }
    return Float(NoiseEstimation.gaussian(self.values, size: size) ?? 0)
  }
}
