import Imaging
import Support
import Transforms

/// Makes planes finer by Keys' cubic (1981, "Cubic convolution interpolation for digital image
/// processing", a = −1/2), mirrored at the edges: the "bicubic" of benchmarks of super-resolution.
///
/// It undoes the shift of `GridReduction`, so that the outer edges stay in place.
package enum CubicEnlargement {
  /// The finer planes.
  /// - Parameters:
  ///   - image: The coarse image.
  ///   - scale: Factors along x and y, at least 1.
  /// - Returns: The image over the same field of view.
  /// - Throws: `ImagingError.invalidGeometry` when it has too many voxels.
  package static func enlarged(_ image: Volume<Float>, scale: SIMD2<Int>) throws -> Volume<Float> {
    let target = try image.geometry.refined(by: [scale.x, scale.y, 1])
    var (values, size) = (image.voxels, image.geometry.size)
    for axis in 0..<2 where scale[axis] > 1 {
      values = enlarged(values, size, axis: axis, factor: scale[axis])
      size[axis] *= scale[axis]
    }
    return Volume(geometry: target, voxels: values)
  }

  /// The first of four coarse places around a fine one, and their weights; for each place between two
  /// coarse ones.
  static func taps(_ factor: Int) -> [(first: Int, weights: [Float])] {
    (0..<factor).map { phase in
      let center = (Double(phase) + 0.5) / Double(factor) - 0.5
      let first = Int(center.rounded(.down)) - 1
      let weights = (0..<4).map { tap -> Float in
        let x = abs(center - Double(first + tap))
        if x < 1 { return Float(1.5 * x * x * x - 2.5 * x * x + 1) }
        return x < 2 ? Float(-0.5 * x * x * x + 2.5 * x * x - 4 * x + 2) : 0
      }
      return (first, weights)
    }
  }

  private static func enlarged(
    _ values: [Float],
    _ size: SIMD3<Int>,
    axis: Int,
    factor: Int
  ) -> [Float] {
    var target = size
    target[axis] *= factor
    let step = axis == 0 ? 1 : size.x
    let (count, wanted, taps) = (size[axis], target, taps(factor))
    var result = [Float](repeating: 0, count: target.x * target.y * target.z)
    result.withUnsafeMutableBufferPointer { result in
      // Lines are apart from each other.
      nonisolated(unsafe) let result = result
      Parallelism.forEach(wanted.z * wanted.y) { line in
        let (z, y) = (line / wanted.y, line % wanted.y)
        for x in 0..<wanted.x {
          let place = axis == 0 ? x : y
          let start = axis == 0 ? size.x * (y + size.y * z) : x + size.x * size.y * z
          let (first, weights) = taps[place % factor]
          var sum: Float = 0
          for tap in 0..<4 {
            let coarse = Mirror.atFaces(place / factor + first + tap, count)
            sum += weights[tap] * values[start + step * coarse]
          }
          result[line * wanted.x + x] = sum
        }
      }
    }
    return result
  }
}
