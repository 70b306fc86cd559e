import Foundation
import Imaging
import Support

/// Gaussian smoothing of a volume, axis by axis; the values at the border go on beyond it.
struct GaussianSmoothing: Sendable {
  /// Standard deviation, mm.
  let deviationMM: Double

  /// The smoothed volume.
  /// - Parameter volume: The image.
  /// - Returns: A volume of the same grid; the same values along axes where the Gaussian is
  ///   narrower than a quarter of a voxel.
  func applied(to volume: Volume<Float>) -> Volume<Float> {
    var values = volume.voxels
    for axis in 0..<3 {
      let deviation = deviationMM / volume.geometry.spacing[axis]
      guard deviation > 0.25, volume.geometry.size[axis] > 1 else { continue }
      values = smoothed(values, volume.geometry.size, axis: axis, deviation: deviation)
    }
    return Volume(geometry: volume.geometry, voxels: values)
  }

  private func smoothed(
    _ values: [Float],
    _ size: SIMD3<Int>,
    axis: Int,
    deviation: Double
  ) -> [Float] {
    // Beyond three deviations lie 0.3 % of the weight.
    let radius = max(1, Int((3 * deviation).rounded(.up)))
    var taps = (-radius...radius).map {
      exp(-0.5 * Double($0 * $0) / (deviation * deviation))
    }
    let total = taps.reduce(0, +)
    taps = taps.map { $0 / total }
    let weights = taps.map(Float.init)
    let count = size[axis]
    let stride = [1, size.x, size.x * size.y][axis]
    return [Float](unsafeUninitializedCapacity: values.count) { output, initializedCount in
      values.withUnsafeBufferPointer { input in
        guard let from = input.baseAddress, let to = output.baseAddress else { return }
        let memory = Memory(source: from, target: to)
        Parallelism.forEachRange(size.y * size.z, minimumChunk: 16) { rows in
          for row in rows {
            let start = row * size.x
            let target = memory.target + start
            if axis == 0 {
              for x in 0..<size.x {
                var sum: Float = 0
                for tap in 0...2 * radius {
                  sum +=
                    weights[tap] * memory.source[start + max(0, min(count - 1, x + tap - radius))]
                }
                target[x] = sum
              }
              continue
            }
            let place = axis == 1 ? row % size.y : row / size.y
            for x in 0..<size.x { target[x] = 0 }
            for tap in 0...2 * radius {
              let step = max(0, min(count - 1, place + tap - radius)) - place
              let source = memory.source + start + step * stride
              let weight = weights[tap]
              for x in 0..<size.x { target[x] += weight * source[x] }
            }
          }
        }
      }
      initializedCount = values.count
    }
  }

  // Sendable invariant: the source is only read, and each row of the target is written by one range.
  private struct Memory: @unchecked Sendable {
    let source: UnsafePointer<Float>
    let target: UnsafeMutablePointer<Float>
  }
}

extension Volume where Scalar == Float {
  /// The image smoothed and on a coarser grid, for one level of a pyramid.
  /// - Parameter spacingMM: Wanted distance of voxels; axes that are coarser stay as they are.
  /// - Returns: The image, smoothed by half the spacing where the grid becomes coarser.
  /// - Throws: `ImagingError.invalidGeometry` when the spacing is not positive.
  func pyramidLevel(spacingMM: Double) throws(ImagingError) -> Volume<Float> {
    var spacing = geometry.spacing
    // A grid that is finer by less than a fifth is not worth the blur of interpolation.
    for axis in 0..<3 where spacingMM > 1.2 * spacing[axis] { spacing[axis] = spacingMM }
    guard spacing != geometry.spacing else { return self }
    let target = try geometry.resampled(toSpacing: spacing)
    return GaussianSmoothing(deviationMM: spacingMM / 2).applied(to: self)
      .resampled(to: target, interpolation: .linear, outside: 0)
  }
}
