import Foundation
import Imaging
import Registration

/// Smooth images whose values are known everywhere.
enum MadeUpImages {
  /// A grid of `size` voxels about the origin, turned about z.
  static func geometry(
    _ size: SIMD3<Int> = [40, 36, 32],
    spacing: SIMD3<Double> = [2, 2, 2],
    center: SIMD3<Double> = .zero,
    turn: Double = 0
  ) throws -> ImageGeometry {
    let direction = Matrix3(
      [cos(turn), sin(turn), 0],
      [-sin(turn), cos(turn), 0],
      [0, 0, 1]
    )
    return try ImageGeometry(
      size: size,
      spacing: spacing,
      origin: center - direction * (spacing * (SIMD3<Double>(size) - 1) / 2),
      direction: direction
    )
  }

  /// Blobs and waves within a body of 22 to 30 mm: no symmetry, no plateau inside.
  static func value(_ p: SIMD3<Double>) -> Double {
    func blob(_ center: SIMD3<Double>, _ width: Double) -> Double {
      let arm = (p - center) / width
      return exp(-0.5 * dot(arm, arm))
    }
    let radii = SIMD3(30.0, 26.0, 22.0)
    let scaled = p / radii
    let body = 1 / (1 + exp(8 * (dot(scaled, scaled).squareRoot() - 1)))
    let texture =
      0.3 * sin(p.x / 5 + 0.4) * cos(p.y / 6) + 0.3 * sin(p.z / 5.5 + p.y / 9) * cos(p.x / 8)
    return 100 * body
      * (0.8 + texture + blob([10, 5, 3], 7) - 0.5 * blob([-12, 2, -4], 6) + 0.8
        * blob([2, -12, 6], 5)
        - 0.4 * blob([-4, 10, 8], 5))
  }

  /// An image whose value at x is `value(map(x))`, changed by `contrast`.
  static func image(
    _ geometry: ImageGeometry,
    map: (SIMD3<Double>) -> SIMD3<Double> = { $0 },
    contrast: (Double) -> Double = { $0 }
  ) -> Volume<Float> {
    var voxels: [Float] = []
    for z in 0..<geometry.size.z {
      for y in 0..<geometry.size.y {
        for x in 0..<geometry.size.x {
          let point = geometry.position(ofIndex: SIMD3(Double(x), Double(y), Double(z)))
          voxels.append(Float(contrast(value(map(point)))))
        }
      }
    }
    return Volume(geometry: geometry, voxels: voxels)
  }

  /// The largest and the mean distance of two maps over the body, mm.
  static func distances(
    _ transform: some SpatialTransform,
    _ map: (SIMD3<Double>) -> SIMD3<Double>
  ) -> (mean: Double, largest: Double) {
    var sum = 0.0
    var largest = 0.0
    var count = 0.0
    for z in stride(from: -20.0, through: 20, by: 4) {
      for y in stride(from: -24.0, through: 24, by: 4) {
        for x in stride(from: -28.0, through: 28, by: 4) {
          let point = SIMD3(x, y, z)
          let scaled = point / SIMD3(28, 24, 20)
          guard dot(scaled, scaled) <= 1 else { continue }
          let gap = transform.position(of: point) - map(point)
          let distance = dot(gap, gap).squareRoot()
          sum += distance
          largest = max(largest, distance)
          count += 1
        }
      }
    }
    return (sum / count, largest)
  }
}
