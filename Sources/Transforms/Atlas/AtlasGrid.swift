import Foundation
import Support

/// A grid of points in the atlas's space, mm; axes to the right, front and head, x fastest.
package struct AtlasGrid: Sendable, Equatable, Codable {
  /// Points along each axis.
  package var size: SIMD3<Int>
  /// Distance of points, mm.
  package var step: Double
  /// The first point, mm.
  package var origin: SIMD3<Double>

  package init(size: SIMD3<Int>, step: Double, origin: SIMD3<Double>) {
    self.size = size
    self.step = step
    self.origin = origin
  }

  /// The number of points.
  package var count: Int { size.x * size.y * size.z }

  /// The same box with points at another distance.
  package func with(step: Double) -> AtlasGrid {
    var other = AtlasGrid(size: size, step: step, origin: origin)
    for axis in 0..<3 {
      let points = (Double(size[axis] - 1) * self.step / step + 1e-6).rounded(.down)
      other.size[axis] = max(2, Int(points) + 1)
    }
    return other
  }

  /// One of the eight corners of a box.
  static func corner(
    _ number: Int,
    _ low: SIMD3<Double>,
    _ high: SIMD3<Double>
  ) -> SIMD3<Double> {
    let mask: SIMDMask<SIMD3<Int64>> = [number & 1 != 0, number & 2 != 0, number & 4 != 0]
    return low.replacing(with: high, where: mask)
  }

  /// The map from indices to mm.
  package var positions: AffineMap {
    AffineMap(scale: SIMD3(repeating: step), shift: origin)
  }

  /// Smooths values by a Gaussian.
  /// - Parameters:
  ///   - values: One for each point.
  ///   - deviation: The Gaussian's, mm; nothing changes when it is below a tenth of a step.
  /// - Returns: The smoothed values.
  func smoothed(_ values: [Float], deviation: Double) -> [Float] {
    guard deviation > step / 10 else { return values }
    return transformed(values, to: self) { count, places in
      .gaussian(inputs: count, places: places, deviation: deviation / step)
    }
  }

  /// Takes values linearly to the points of another grid of the same box.
  func linear(_ values: [Float], to other: AtlasGrid) -> [Float] {
    guard other != self else { return values }
    return transformed(values, to: other) { .linear(inputs: $0, places: $1) }
  }

  /// Smooths values and takes them to a coarser grid of the same box.
  func smoothed(_ values: [Float], deviation: Double, to other: AtlasGrid) -> [Float] {
    transformed(values, to: other) { count, places in
      .gaussian(inputs: count, places: places, deviation: max(deviation / step, 0.3))
    }
  }

  private func transformed(
    _ values: [Float],
    to other: AtlasGrid,
    pass: (Int, [Double]) -> BandedPass
  ) -> [Float] {
    precondition(values.count == count, "\(values.count) values for \(count) points")
    var (current, size) = (values, size)
    // The axes that lose points first.
    for axis in [2, 1, 0] {
      let places = (0..<other.size[axis]).map { Double($0) * other.step / step }
      let pass = pass(size[axis], places)
      var next = size
      next[axis] = places.count
      current = [Float](unsafeUninitializedCapacity: next.x * next.y * next.z) { target, count in
        current.withUnsafeBufferPointer { source in
          guard let from = source.baseAddress, let to = target.baseAddress else { return }
          size = pass.apply(from, size: size, axis: axis, into: to)
        }
        count = next.x * next.y * next.z
      }
    }
    return current
  }
}
