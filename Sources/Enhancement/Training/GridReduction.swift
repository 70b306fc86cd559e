import Foundation
import Imaging
import Support
import Transforms

/// Makes the coarse image that a scanner or camera of less resolution would have given.
///
/// Where one axis of a volume becomes coarser alone, it is that of thick slices: the mean over a slice's
/// thickness. In planes otherwise: Keys' cubic (1981, "Cubic convolution interpolation for digital image processing", a =
/// −1/2) stretched by the factor, so that it filters what the coarse grid cannot hold, the image mirrored
/// at its edges; benchmarks of super-resolution are made so. Between slices: the mean over a slice's
/// thickness.
package enum GridReduction {
  /// The coarse image.
  /// - Parameters:
  ///   - image: The fine image; what goes beyond a multiple of the factors is cut off.
  ///   - scale: Factors along x, y and z.
  /// - Returns: The fine image that was used, and the coarse one over the same field of view.
  /// - Throws: `ImagingError` when nothing is left.
  package static func pair(
    _ image: Volume<Float>,
    scale: [Int]
  ) throws -> (fine: Volume<Float>, coarse: Volume<Float>) {
    let factor = SIMD3(scale[0], scale[1], scale[2])
    let fine = try image.cut(at: .zero, image.geometry.size / factor &* factor)
    var values = fine.voxels
    var size = fine.geometry.size
    let coarser = (0..<3).filter { factor[$0] > 1 }
    let thick = coarser.count == 1 && !image.geometry.isPlanar ? coarser[0] : 2
    for axis in coarser {
      let kernel =
        axis == thick
        ? [Float](repeating: 1 / Float(factor[axis]), count: factor[axis]) : cubic(factor[axis])
      values = reduced(values, size, axis: axis, factor: factor[axis], kernel: kernel)
      size[axis] /= factor[axis]
    }
    let geometry = fine.geometry
    var spacing = geometry.spacing * SIMD3<Double>(factor)
    if geometry.isPlanar { spacing.z = geometry.spacing.z }
    let coarse = try ImageGeometry(
      size: size,
      spacing: spacing,
      origin: geometry.origin + geometry.direction * ((spacing - geometry.spacing) / 2),
      direction: geometry.direction,
      isPlanar: geometry.isPlanar
    )
    return (fine, Volume(geometry: coarse, voxels: values))
  }

  /// Weights of the fine values around a coarse one, which lies in the middle of them.
  package static func cubic(_ factor: Int) -> [Float] {
    // With an odd factor a coarse value lies on a fine one.
    let taps = 4 * factor - factor % 2
    let raw = (0..<taps).map { tap -> Double in
      let x = abs((Double(tap) - Double(taps - 1) / 2) / Double(factor))
      if x < 1 { return 1.5 * x * x * x - 2.5 * x * x + 1 }
      if x < 2 { return -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 }
      return 0
    }
    let sum = raw.reduce(0, +)
    return raw.map { Float($0 / sum) }
  }

  private static func reduced(
    _ values: [Float],
    _ size: SIMD3<Int>,
    axis: Int,
    factor: Int,
    kernel: [Float]
  ) -> [Float] {
    var target = size
    target[axis] /= factor
    let step = [1, size.x, size.x * size.y][axis]
    // The kernel's middle is the middle of the fine values that a coarse one covers.
    let before = (kernel.count - factor) / 2
    var result = [Float](repeating: 0, count: target.x * target.y * target.z)
    let (wanted, count) = (target, size[axis])
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let result = result
      Parallelism.forEach(wanted.z * wanted.y) { line in
        let (z, y) = (line / wanted.y, line % wanted.y)
        for x in 0..<wanted.x {
          let place = SIMD3(x, y, z)
          var base = place
          base[axis] = 0
          let start = base.x + size.x * (base.y + size.y * base.z)
          var sum: Float = 0
          for (tap, weight) in kernel.enumerated() {
            let fine = Mirror.atFaces(place[axis] * factor - before + tap, count)
            sum += weight * values[start + step * fine]
          }
          result[line * wanted.x + x] = sum
        }
      }
    }
    return result
  }
}
