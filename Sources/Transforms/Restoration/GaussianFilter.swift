/// A Gaussian mean.
///
/// The kernel ends at 4 deviations; images are mirrored at their outer voxels' faces, as in scipy.
package struct GaussianFilter: VolumeFilter {
  package static let name = "gaussian"
  package static let removesNoise = true
  package static let paper =
    "Marr and Hildreth 1980, Theory of edge detection (smoothing by a Gaussian)"
  package static let parameters = [
    FilterParameter("width", 1, 0.01...100, "standard deviation, mm"), .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package func filtered(_ image: FilterImage) -> [Float] {
    Self.blurred(
      image.values,
      size: image.size,
      deviations: .init(repeating: values["width"]) / image.spacing,
      axes: image.axes(values)
    )
  }

  /// Blurs along the first axes.
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Its size.
  ///   - deviations: Standard deviations in voxels; 0 for none.
  ///   - axes: How many of x, y and z.
  /// - Returns: As many values.
  package static func blurred(
    _ values: [Float],
    size: SIMD3<Int>,
    deviations: SIMD3<Double>,
    axes: Int = 3
  ) -> [Float] {
    var result = values
    for axis in 0..<axes where size[axis] > 1 && deviations[axis] > 0 {
      let pass = BandedPass.blur(inputs: size[axis], deviation: deviations[axis])
      result = pass.applied(to: result, size: size, axis: axis)
    }
    return result
  }
}
