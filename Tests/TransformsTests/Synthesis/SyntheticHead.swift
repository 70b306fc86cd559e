import Foundation
import Transforms

/// A head of nested balls for tests: white matter and cortex of two sides, fluid, and tissue about it.
enum SyntheticHead {
  static let size = SIMD3(44, 48, 40)
  static let spacing = SIMD3(2.0, 2.0, 2.0)
  /// The centre of the head, mm from the first voxel; off the middle, so that flips are seen.
  static let center = SIMD3(42.0, 50.0, 38.0)

  /// Labels 2 and 41 are white matter, 3 and 42 cortex (left, right), 24 fluid, 500 the head.
  static func table() throws -> SynthesisTable {
    try SynthesisTable(entries: [
      .init(label: 500, intensity: 9, output: 0, t1Mean: 100, t1Deviation: 10),
      .init(label: 0, intensity: 0, output: 0),
      .init(label: 2, intensity: 1, output: 1, mirrored: 41, t1Mean: 160, t1Deviation: 10),
      .init(label: 3, intensity: 2, output: 2, mirrored: 42, t1Mean: 100, t1Deviation: 10),
      .init(label: 41, intensity: 3, output: 3, mirrored: 2, t1Mean: 160, t1Deviation: 10),
      .init(label: 42, intensity: 4, output: 4, mirrored: 3, t1Mean: 100, t1Deviation: 10),
      .init(label: 24, intensity: 5, output: 5, region: .fluid, t1Mean: 40, t1Deviation: 5),
    ])
  }

  /// The label at a place, mm.
  static func label(at place: SIMD3<Double>) -> UInt16 {
    let d = place - center
    // An ellipsoid, wider to the front, so that no rotation or flip keeps it.
    let stretch = d.y > 0 ? 1.25 : 1.0
    let radius = (d.x * d.x + d.y * d.y / (stretch * stretch) + d.z * d.z * 1.2).squareRoot()
    let isLeft = d.x < 3
    switch radius {
    case ..<14: return isLeft ? 2 : 41
    case ..<20: return isLeft ? 3 : 42
    case ..<24: return 24
    case ..<32: return 500
    default: return 0
    }
  }

  static func labels() -> [UInt16] {
    var labels: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          labels.append(label(at: SIMD3(Double(x), Double(y), Double(z)) * spacing))
        }
      }
    }
    return labels
  }

  static func map() throws -> SynthesisMap {
    try SynthesisMap(labels: labels(), size: size, spacing: spacing, table: table())
  }
}
