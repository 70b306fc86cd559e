import Foundation
import Imaging
import Support
import Transforms

/// A symmetric head of balls: white matter and cortex of two sides, a kernel on each, and a stem.
package enum AtlasHead {
  /// Labels 2 and 41 are white matter, 3 and 42 cortex, 10 and 49 kernels (left, right), 16 the stem, 24
  /// fluid, 500 the head.
  package static func table() throws -> SynthesisTable {
    try SynthesisTable(entries: [
      .init(label: 0, intensity: 0, output: 0),
      .init(label: 500, intensity: 9, output: 0, t1Mean: 100, t1Deviation: 10),
      .init(label: 2, intensity: 1, output: 1, mirrored: 41, t1Mean: 160, t1Deviation: 10),
      .init(label: 3, intensity: 2, output: 2, mirrored: 42, t1Mean: 100, t1Deviation: 10),
      .init(label: 41, intensity: 3, output: 3, mirrored: 2, t1Mean: 160, t1Deviation: 10),
      .init(label: 42, intensity: 4, output: 4, mirrored: 3, t1Mean: 100, t1Deviation: 10),
      .init(label: 10, intensity: 6, output: 5, mirrored: 49, t1Mean: 115, t1Deviation: 10),
      .init(label: 49, intensity: 7, output: 6, mirrored: 10, t1Mean: 115, t1Deviation: 10),
      .init(label: 16, intensity: 8, output: 7, t1Mean: 140, t1Deviation: 10),
      .init(label: 24, intensity: 5, output: 8, region: .fluid, t1Mean: 40, t1Deviation: 5),
    ])
  }

  /// The label at a place, mm right, front and head of the middle.
  package static func label(at place: SIMD3<Double>) -> UInt16 {
    let isLeft = place.x < 0
    let kernel = SIMD3<Double>(abs(place.x), place.y, place.z) - SIMD3<Double>(14, 4, 8)
    let stem = place - SIMD3<Double>(0, -16, -26)
    let stretch = place.y > 0 ? 1.25 : 1.0
    let scaled = place * SIMD3<Double>(1, 1 / stretch, 1.1)
    let radius = (scaled * scaled).sum().squareRoot()
    if (stem * stem).sum() < 100 { return 16 }
    if (kernel * kernel).sum() < 64 { return isLeft ? 10 : 49 }
    switch radius {
    case ..<24: return isLeft ? 2 : 41
    case ..<32: return isLeft ? 3 : 42
    case ..<36: return 24
    case ..<42: return 500
    default: return 0
    }
  }

  package static func map() throws -> SynthesisMap {
    let size = SIMD3(52, 58, 50)
    var labels: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let voxel = SIMD3<Double>(Double(x), Double(y), Double(z))
          labels.append(label(at: voxel * 2 - SIMD3<Double>(50, 50, 48)))
        }
      }
    }
    return try SynthesisMap(
      labels: labels,
      size: size,
      spacing: SIMD3(2, 2, 2),
      table: table()
    )
  }

  /// Intensities of white matter, cortex, fluid and the head.
  package static let contrasts: [[Float]] = [[160, 100, 40, 120], [60, 100, 200, 30]]

  package static func atlas() throws -> ProbabilisticAtlas {
    var settings = AtlasBuilder.Settings()
    settings.leastVolumeMM3 = 100
    settings.marginMM = 14
    return try AtlasBuilder(table: table(), settings: settings)
      .atlas(of: [map(), map()], interruption: Interruption())
  }

  /// The head turned and shifted, in a contrast, with noise; the true labels beside it.
  package static func scan(
    _ contrast: [Float],
    isStripped: Bool = false
  ) throws -> (scan: Volume<Float>, labels: [UInt16]) {
    let geometry = try ImageGeometry(
      size: SIMD3(50, 58, 50),
      spacing: SIMD3(2, 2, 2),
      origin: SIMD3(20, -30, 10),
      direction: Matrix3([-1, 0, 0], [0, -1, 0], [0, 0, 1])
    )
    var random = RandomStream(seed: 7)
    var (values, labels) = ([Float](), [UInt16]())
    let (c, s) = (cos(0.12), sin(0.12))
    for z in 0..<geometry.size.z {
      for y in 0..<geometry.size.y {
        for x in 0..<geometry.size.x {
          let d = SIMD3<Double>(Double(x), Double(y), Double(z)) * 2 - SIMD3<Double>(48, 54, 48)
          let turned = SIMD3<Double>(d.x, c * d.y - s * d.z, s * d.y + c * d.z) * 0.95
          let label = label(at: turned)
          labels.append(label)
          let noise = Float(random.normal()) * 5
          switch label {
          case 2, 41: values.append(contrast[0] + noise)
          case 10, 49: values.append(contrast[1] + 20 + noise)
          case 16: values.append(contrast[0] - 20 + noise)
          case 3, 42: values.append(contrast[1] + noise)
          case 24: values.append(isStripped ? 0 : contrast[2] + noise)
          case 500: values.append(isStripped ? 0 : contrast[3] + noise)
          default: values.append(isStripped ? 0 : abs(noise))
          }
        }
      }
    }
    return (Volume(geometry: geometry, voxels: values), labels)
  }
}
