import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// Volumes as `Fixtures/dicom/generate.py` made them.
struct DICOMExpected: Decodable {
  var size: [Int]
  var scalar: String?
  /// Three rows of four: voxel index to LPS mm.
  var affine: [[Double]]?
  var values: [Double]?
  /// Three bytes a pixel.
  var rgb: [UInt8]?

  static func load(_ name: String) throws -> DICOMExpected {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom/expected.json")))
    return try #require(try JSONDecoder().decode([String: DICOMExpected].self, from: data)[name])
  }

  /// Reads a volume of a fixture.
  static func read(
    _ name: String,
    _ change: (inout VolumeSelection) -> Void = { _ in }
  ) throws -> LoadedVolume {
    var selection = VolumeSelection()
    change(&selection)
    return try DICOMFormat().read(
      Fixtures.path("dicom/" + name),
      selection: selection,
      progress: SilentProgress()
    )
  }

  /// The only series of a fixture.
  static func series(_ name: String) throws -> SeriesSummary {
    let series = try DICOMFormat().inspect(
      Fixtures.path("dicom/" + name),
      progress: SilentProgress()
    )
    return try #require(series.first)
  }

  /// Compares a volume with what it was made of.
  ///
  /// `relative` is how far values may be off: 0 for stored ones, rounding for scaled ones.
  static func check(
    _ volume: AnyVolume,
    is name: String,
    relative: Double = 0,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try load(name)
    let geometry = volume.geometry
    #expect(
      [geometry.size.x, geometry.size.y, geometry.size.z] == expected.size,
      sourceLocation: location
    )
    #expect(volume.scalarName == expected.scalar, sourceLocation: location)
    let found = doubles(volume)
    let wanted = try #require(expected.values, sourceLocation: location)
    #expect(found.count == wanted.count, sourceLocation: location)
    let worst = zip(found, wanted).map { abs($0 - $1) - relative * abs($1) }.max() ?? .infinity
    #expect(worst <= 0, "values are off", sourceLocation: location)
    // Headers hold positions to 1e-6 mm and directions to 1e-9.
    let affine = try #require(expected.affine, sourceLocation: location)
    for corner in [SIMD3(0.0, 0, 0), [7, 0, 0], [0, 5, 0], [0, 0, 3], [7, 5, 3]] {
      let place = geometry.position(ofIndex: corner)
      for (row, line) in affine.enumerated() {
        let wanted = line[0] * corner.x + line[1] * corner.y + line[2] * corner.z + line[3]
        #expect(
          abs(place[row] - wanted) < 1e-5,
          "row \(row) of \(corner)",
          sourceLocation: location
        )
      }
    }
  }

  /// The values in double precision.
  static func doubles(_ volume: AnyVolume) -> [Double] {
    switch volume {
    case .int8(let volume): volume.voxels.map(Double.init)
    case .uint8(let volume): volume.voxels.map(Double.init)
    case .int16(let volume): volume.voxels.map(Double.init)
    case .uint16(let volume): volume.voxels.map(Double.init)
    case .int32(let volume): volume.voxels.map(Double.init)
    case .uint32(let volume): volume.voxels.map(Double.init)
    case .int64(let volume): volume.voxels.map { Double($0) }
    case .uint64(let volume): volume.voxels.map { Double($0) }
    case .float32(let volume): volume.voxels.map(Double.init)
    case .float64(let volume): volume.voxels
    }
  }
}
