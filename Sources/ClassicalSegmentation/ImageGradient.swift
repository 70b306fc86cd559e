internal import Support
internal import Transforms

/// Derivatives of an image: central differences, one-sided at the grid's ends.
enum ImageGradient {
  /// The length of the gradient.
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - image: The grid.
  ///   - spacing: Distance of voxels in the unit that the derivative is by.
  /// - Returns: One value for each voxel.
  static func magnitude(
    _ values: [Float],
    on image: ClassicalImage,
    spacing: SIMD3<Double>
  ) -> [Float] {
    let (size, strides, axes) = (image.size, image.strides, image.axes)
    return .filled(count: values.count, pieces: size.y * size.z) { rows, target in
      values.withUnsafeBufferPointer { values in
        for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
          let at = image.position(place)
          var sum: Float = 0
          for axis in axes {
            let slope =
              difference(values, place, at[axis], size[axis], strides[axis]) / Float(spacing[axis])
            sum += slope * slope
          }
          target[place] = sum.squareRoot()
        }
      }
    }
  }

  /// The derivative along an axis, by voxels.
  @inline(__always)
  static func difference(
    _ values: UnsafeBufferPointer<Float>,
    _ place: Int,
    _ index: Int,
    _ count: Int,
    _ stride: Int
  ) -> Float {
    let before = index > 0 ? place - stride : place
    let after = index < count - 1 ? place + stride : place
    guard after > before else { return 0 }
    return (values[after] - values[before]) / Float((after - before) / stride)
  }

  /// The image blurred by a Gaussian.
  /// - Parameters:
  ///   - image: The image.
  ///   - deviationMM: The kernel's standard deviation, mm; 0 for none.
  /// - Returns: One value for each voxel.
  static func blurred(_ image: ClassicalImage, deviationMM: Double) -> [Float] {
    GaussianFilter.blurred(
      image.values,
      size: image.size,
      deviations: SIMD3(repeating: deviationMM) / image.spacing
    )
  }
}
