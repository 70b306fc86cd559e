import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct DatasetFingerprintTests {
  private func fingerprint(_ study: SyntheticStudy) throws -> DatasetFingerprint {
    try #require(
      try DatasetCheck.check(try SegmentationDataset(path: study.path)).fingerprint
    )
  }

  /// A scan whose values are 0 outside a box, and labels within it; stored with the axes given.
  private func writeBox(_ study: SyntheticStudy, _ index: Int, orientation: String, value: Float)
    throws
  {
    let geometry = try ImageGeometry(
      size: [10, 12, 8],
      spacing: [1, 2, 3],
      origin: [0, 0, 0],
      direction: try Orientation(code: orientation).direction
    )
    var scan = Volume<Float>(
      geometry: geometry,
      voxels: [Float](repeating: 0, count: geometry.voxelCount)
    )
    var map = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 0, count: geometry.voxelCount),
      table: []
    )
    // 5 x 6 x 2 voxels.
    for z in 3..<5 {
      for y in 2..<8 {
        for x in 1..<6 {
          scan.voxels[geometry.offset(x, y, z)] = value
          map[x, y, z] = x < 3 ? 1 : 0
        }
      }
    }
    try NIfTIWriter.write(.float32(scan), to: study.image(index))
    try NIfTIWriter.write(map, to: study.label(index))
  }

  @Test func sizesAreThoseOfWhatIsNotZeroAlongThePatientsAxes() throws {
    let study = try SyntheticStudy(cases: 2)
    try writeBox(study, 0, orientation: "RAS", value: 5)
    try writeBox(study, 1, orientation: "SLP", value: 7)
    let found = try fingerprint(study)
    #expect(found.cases.map(\.id) == ["ball_0", "ball_1"])
    #expect(found.cases[0].size == [5, 6, 2])
    #expect(found.cases[0].spacingMM == [1, 2, 3])
    // Stored along S, L and P: columns are the patient's third axis.
    #expect(found.cases[1].size == [6, 2, 5])
    #expect(found.cases[1].spacingMM == [2, 3, 1])
    #expect(found.medianSize == [5.5, 4, 3.5])
    #expect(found.medianSpacingMM == [1.5, 2.5, 2])
    #expect(found.lowSize == [5.1, 2.4, 2.3])
    #expect(found.medianRelativeSize == 60.0 / 960)
  }

  @Test func valuesWithinStructuresAndSharesAreCounted() throws {
    let study = try SyntheticStudy(cases: 2)
    try writeBox(study, 0, orientation: "RAS", value: 5)
    try writeBox(study, 1, orientation: "RAS", value: 7)
    let found = try fingerprint(study)
    let values = try #require(found.intensities)
    // As many draws from each case: half are 5, half 7.
    #expect(values.count == 20_000)
    #expect(values.mean == 6 && values.sd == 1 && values.median == 6)
    #expect(values.minimum == 5 && values.maximum == 7)
    #expect(values.percentile00_5 == 5 && values.percentile99_5 == 7)
    #expect(found.structures.map(\.cases) == [2, 0])
    #expect(found.structures[0].share == 48.0 / 1920)
    #expect(found.cases[0].structureVoxels == [24, 0])
  }

  @Test func drawsDoNotDependOnThreads() throws {
    let study = try SyntheticStudy(cases: 3)
    let one = try Parallelism.$threadCount.withValue(1) { try fingerprint(study) }
    let three = try Parallelism.$threadCount.withValue(3) { try fingerprint(study) }
    #expect(one == three)
    let values = try #require(one.intensities)
    // Label 1 has about 160, label 2 about 220 with noise of 10.
    #expect((150.0..<185).contains(values.mean) && values.sd > 10)
  }
}
