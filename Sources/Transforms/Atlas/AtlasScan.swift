import Imaging
import Support

/// A scan as an atlas is fitted to it: intensities on a scale of 0…1, and voxels that hold nothing.
package struct AtlasScan: Sendable {
  /// The scan's grid, LPS.
  package let geometry: ImageGeometry
  /// Its values; what is not finite is nothing.
  let values: [Float]
  /// The value of voxels that hold nothing, as programs that remove the skull leave them; or nil.
  let emptyValue: Float?
  /// The values that become 0 and 1.
  let range: ClosedRange<Float>
  /// Whether values outside the range stop at its ends, as Hounsfield units of air and bone do.
  private let stopsAtEnds: Bool

  /// The value that so large a share of the voxels has is that of nothing, if hardly any is lower.
  private static let emptyShare = 0.1
  private static let lowerShare = 0.01
  /// Values below which a scan is a CT, and the part of its scale that tells tissues of the brain apart.
  private static let airOfCT: Float = -500
  private static let brainInCT: ClosedRange<Float> = -60...120

  /// Looks at a scan's values.
  /// - Parameter scan: The scan.
  package init(_ scan: Volume<Float>) {
    geometry = scan.geometry
    values = scan.voxels
    let stride = max(1, values.count / 1_000_000)
    // An odd stride, so that sizes that are powers of two have all their columns looked at.
    let sorted = Swift.stride(from: 0, to: values.count, by: stride | 1)
      .lazy.map { scan.voxels[$0] }.filter(\.isFinite).sorted()
    var (start, best, bestStart) = (0, 0, 0)
    for index in sorted.indices {
      if sorted[index] != sorted[start] { start = index }
      if index - start + 1 > best { (best, bestStart) = (index - start + 1, start) }
    }
    let count = Double(sorted.count)
    let isEmpty =
      Double(best) > Self.emptyShare * count && Double(bestStart) <= Self.lowerShare * count
    emptyValue = isEmpty ? sorted[bestStart] : nil
    let full = isEmpty ? Array(sorted[(bestStart + best)...]) : sorted
    guard let first = full.first, let last = full.last, last > first else {
      range = 0...1
      stopsAtEnds = false
      return
    }
    // A hundredth of the voxels, for single values of an MRI may fall as low by interpolation.
    if full[full.count / 100] < Self.airOfCT {
      range = Self.brainInCT
      stopsAtEnds = true
      return
    }
    let low = min(full[Int(0.0005 * Double(full.count))], emptyValue ?? .infinity)
    let high = full[min(full.count - 1, Int(0.997 * Double(full.count)))]
    range = low < high ? low...high : first...last
    stopsAtEnds = false
  }

  /// A value on the scale of 0…1; the brightest are above 1, up to 10.
  @inline(__always)
  func scaled(_ value: Float) -> Float {
    // In double precision no width of the range is infinite; a stray voxel ends at the limits, which
    // lie off the marks of points without a value.
    let width = Double(range.upperBound) - Double(range.lowerBound)
    let share = Float(min(max((Double(value) - Double(range.lowerBound)) / width, -0.5), 10))
    return stopsAtEnds ? min(max(share, 0), 1) : share
  }

  /// The map from RAS mm to the scan's indices.
  package var indices: AffineMap {
    let columns = (0..<3).map { (axis: Int) -> SIMD3<Double> in
      geometry.direction.columns[axis] * geometry.spacing[axis]
    }
    return AffineMap(columns: columns, shift: geometry.origin).inverse
      .after(AffineMap(scale: [-1, -1, 1], shift: .zero))
  }

  /// Intensities at the points of a grid: means of what lies about each.
  struct Samples: Sendable {
    /// The grid.
    let grid: AtlasGrid
    /// Intensities, 0…1 for most; −1 where there is nothing and −2 outside the scan.
    var values: [Float]

    static let empty: Float = -1
    static let unknown: Float = -2
  }

  /// Samples the scan.
  /// - Parameters:
  ///   - grid: The points.
  ///   - placement: From the scan's RAS mm to the grid's space.
  /// - Returns: A mean for each point.
  func samples(on grid: AtlasGrid, placement: AffineMap) -> Samples {
    let map = indices.after(placement.inverse).after(grid.positions)
    var finest = 1.0
    for column in map.columns { finest = max(finest, dot(column, column).squareRoot()) }
    let taps = min(4, max(1, Int(finest.rounded())))
    let offsets = (0..<taps * taps * taps).map { (tap: Int) -> SIMD3<Double> in
      let place = SIMD3<Double>(
        Double(tap % taps),
        Double(tap / taps % taps),
        Double(tap / taps / taps)
      )
      let half = SIMD3<Double>(repeating: 0.5)
      let shift: SIMD3<Double> = (place + half) / Double(taps) - half
      return map(shift) - map.shift
    }
    let size = geometry.size
    let limit: SIMD3<Double> = SIMD3<Double>(size) - SIMD3<Double>(repeating: 0.5)
    let steps = GridPlace.steps(size)
    var result = [Float](repeating: Samples.unknown, count: grid.count)
    let isFlat = size.min() < 2
    result.withUnsafeMutableBufferPointer { result in
      // Each plane is written by one thread.
      nonisolated(unsafe) let result = result
      Parallelism.forEach(grid.size.z) { z in
        values.withUnsafeBufferPointer { values in
          var index = z * grid.size.x * grid.size.y
          for y in 0..<grid.size.y {
            for x in 0..<grid.size.x {
              let center = map([Double(x), Double(y), Double(z)])
              var (sum, weight, empty) = (Float(0), Float(0), 0)
              for offset in offsets {
                let point = center + offset
                guard point.min() >= -0.5, point.x < limit.x, point.y < limit.y, point.z < limit.z
                else { continue }
                if isFlat || emptyValue != nil {
                  let (i, j, k) = (
                    Int(point.x.rounded()), Int(point.y.rounded()), Int(point.z.rounded())
                  )
                  let value = values[max(i, 0) + size.x * (max(j, 0) + size.y * max(k, 0))]
                  if value == emptyValue || !value.isFinite {
                    empty += 1
                    continue
                  }
                  if isFlat {
                    sum += scaled(value)
                    weight += 1
                    continue
                  }
                }
                let place = GridPlace(SIMD3<Float>(point), size: size)
                let weights = place.weights
                for corner in 0..<8 {
                  let value = values[place.base + steps[corner]]
                  guard value.isFinite, value != emptyValue else { continue }
                  sum += weights[corner] * scaled(value)
                  weight += weights[corner]
                }
              }
              if 2 * empty > offsets.count {
                result[index] = Samples.empty
              } else if weight > 0.3 * Float(offsets.count - empty), weight > 0 {
                result[index] = sum / weight
              }
              index += 1
            }
          }
        }
      }
    }
    return Samples(grid: grid, values: result)
  }
}
