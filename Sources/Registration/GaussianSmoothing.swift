import Foundation
import Imaging
import Support

/// Gaussian smoothing of a volume, axis by axis; the values at the border go on beyond it.
///
/// `Transforms` has a Gaussian too, which mirrors at the border: with it more images that share nothing were
/// aligned (`RegistrationError.nothingInCommon`), so that this one stays.
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
        guard let first = input.baseAddress, let room = output.baseAddress else { return }
        let (from, to) = (SharedPointer(reading: first), SharedPointer(room))
        Parallelism.forEachRange(size.y * size.z, minimumChunk: 16) { rows in
          for row in rows {
            let start = row * size.x
            let target = to.pointer + start
            if axis == 0 {
              for x in 0..<size.x {
                var sum: Float = 0
                for tap in 0...2 * radius {
                  sum +=
                    weights[tap] * from.pointer[start + max(0, min(count - 1, x + tap - radius))]
                }
                target[x] = sum
              }
              continue
            }
            let place = axis == 1 ? row % size.y : row / size.y
            for x in 0..<size.x { target[x] = 0 }
            for tap in 0...2 * radius {
              let step = max(0, min(count - 1, place + tap - radius)) - place
              let source = from.pointer + start + step * stride
              let weight = weights[tap]
              for x in 0..<size.x { target[x] += weight * source[x] }
            }
          }
        }
      }
      initializedCount = values.count
    }
  }
}
