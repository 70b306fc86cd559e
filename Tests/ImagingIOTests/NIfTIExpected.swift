import Foundation
import Imaging
import ImagingIO
import TestSupport

/// What nibabel reads from a fixture (`Tests/Fixtures/nifti/generate.py`).
struct NIfTIExpected: Decodable {
  let shape: [Int]
  let affine: [[Double]]
  let scalar: String
  let values: [String]

  static func all() throws -> [String: NIfTIExpected] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("nifti/expected.json")))
    return try JSONDecoder().decode([String: NIfTIExpected].self, from: data)
  }

  /// nibabel's affine in LPS, at a voxel index.
  func position(_ index: SIMD3<Double>) -> SIMD3<Double> {
    var ras = SIMD3<Double>()
    for row in 0..<3 {
      ras[row] =
        affine[row][0] * index.x + affine[row][1] * index.y + affine[row][2] * index.z
        + affine[row][3]
    }
    return [-ras.x, -ras.y, ras.z]
  }

  /// The largest distance in mm between nibabel's corners and a geometry's.
  func distance(to geometry: ImageGeometry) -> Double {
    (0..<8).map { corner in
      let index = SIMD3<Double>(
        corner & 1 == 0 ? 0 : Double(geometry.size.x - 1),
        corner & 2 == 0 ? 0 : Double(geometry.size.y - 1),
        corner & 4 == 0 ? 0 : Double(geometry.size.z - 1)
      )
      let gap = position(index) - geometry.position(ofIndex: index)
      return dot(gap, gap).squareRoot()
    }.max() ?? 0
  }
}

extension AnyVolume {
  /// The values as text that parses back to them.
  var texts: [String] {
    switch self {
    case .int8(let volume): volume.voxels.map { "\($0)" }
    case .uint8(let volume): volume.voxels.map { "\($0)" }
    case .int16(let volume): volume.voxels.map { "\($0)" }
    case .uint16(let volume): volume.voxels.map { "\($0)" }
    case .int32(let volume): volume.voxels.map { "\($0)" }
    case .uint32(let volume): volume.voxels.map { "\($0)" }
    case .int64(let volume): volume.voxels.map { "\($0)" }
    case .uint64(let volume): volume.voxels.map { "\($0)" }
    case .float32(let volume): volume.voxels.map { "\($0)" }
    case .float64(let volume): volume.voxels.map { "\($0)" }
    }
  }
}
