import Evaluation
import Foundation
import Imaging
import Testing

struct StructureStatisticsTests {
  @Test func measuresADrawnStructure() throws {
    let color = LabelDefinition.defaultColor(0)
    let geometry = try ImageGeometry(
      size: [5, 4, 1],
      spacing: [2, 3, 4],
      origin: [10, 20, 30],
      direction: .identity
    )
    let map = LabelMap(
      geometry: geometry,
      labels: [
        0, 0, 0, 0, 0,
        0, 1, 1, 0, 0,
        0, 0, 0, 1, 0,
        0, 0, 0, 0, 7,
      ],
      table: [
        LabelDefinition(id: 1, name: "one", color: color),
        LabelDefinition(id: 2, name: "absent", color: color),
      ]
    )
    let scan = Volume<Float>(geometry: geometry, voxels: (0..<20).map(Float.init))
    let found = try StructureStatistics.measure(map, scan: scan)
    #expect(found.map(\.label) == [1, 2, 7])
    #expect(found.map(\.name) == ["one", "absent", "label 7"])
    let one = found[0]
    #expect(one.voxels == 3)
    #expect(abs(one.volumeML - 0.072) < 1e-12)
    // Mean index (2, 4/3, 0).
    #expect(one.centroidMM == [14, 24, 30])
    #expect(one.boxLow == [1, 1, 0] && one.boxHigh == [3, 2, 0])
    #expect(one.components == 1, "corners connect")
    #expect(!one.touchesBorder, "an axis of one voxel has no edge")
    // Values 6, 7, 13.
    let intensity = try #require(one.intensity)
    #expect(abs(intensity.mean - 26.0 / 3) < 1e-12)
    #expect(abs(intensity.sd - (86.0 / 9).squareRoot()) < 1e-12)
    #expect(intensity.min == 6 && intensity.max == 13)
    #expect(found[1].voxels == 0 && found[1].centroidMM == nil && found[1].intensity == nil)
    #expect(found[2].touchesBorder)
  }

  @Test func componentsConnectByCornersInThreeDimensions() throws {
    var map = try box(in: [4, 4, 4], from: [0, 0, 0], through: [0, 0, 0])
    map[1, 1, 1] = 1
    map[3, 3, 3] = 1
    map[3, 1, 0] = 1
    map[3, 1, 1] = 2
    #expect(try StructureStatistics.measure(map, scan: nil).map(\.components) == [3, 1])
  }

  @Test func aUShapeIsOneComponent() throws {
    let map = try drawn("1.1.1", "1.1.1", "111.1")
    #expect(try StructureStatistics.measure(map, scan: nil).map(\.components) == [2])
  }

  @Test func fileRoundTrips() throws {
    var structures = try StructureStatistics.measure(drawn("1.2."), scan: nil)
    structures[1].uncalibratedConfidence = 0.75
    let total = try #require(
      VolumeTotal(name: "both", labels: [2, 1], definition: nil, of: structures)
    )
    let file = StatisticsFile(structures: structures, totals: [total])
    #expect(try JSONDecoder().decode(StatisticsFile.self, from: file.json()) == file)
    #expect(String(decoding: try file.json(), as: UTF8.self).contains("uncalibratedConfidence"))
  }

  @Test func aFileOfAnEarlierVersionIsRead() throws {
    let file = StatisticsFile(structures: try StructureStatistics.measure(drawn("1"), scan: nil))
    let text = String(decoding: try file.json(), as: UTF8.self)
    #expect(!text.contains("totals") && !text.contains("uncalibratedConfidence"))
    #expect(try JSONDecoder().decode(StatisticsFile.self, from: Data(text.utf8)).totals == nil)
  }

  @Test func aTotalSumsEachOfItsLabelsOnce() throws {
    let structures = try StructureStatistics.measure(drawn("11.2", "3332"), scan: nil)
    let total = try #require(
      VolumeTotal(name: "t", labels: [3, 1, 3], definition: nil, of: structures)
    )
    #expect(total.labels == [1, 3] && total.voxels == 5)
    #expect(total.volumeML == structures[0].volumeML + structures[2].volumeML)
    #expect(total.definition == "sum of label 1, label 3")
    let named = VolumeTotal(name: "t", labels: [1], definition: "the ones", of: structures)
    #expect(named?.definition == "the ones")
  }

  @Test func aTotalWithoutOneOfItsStructuresIsNone() throws {
    let structures = try StructureStatistics.measure(drawn("11.2"), scan: nil)
    #expect(VolumeTotal(name: "t", labels: [1, 4], definition: nil, of: structures) == nil)
    #expect(VolumeTotal(name: "t", labels: [], definition: nil, of: structures) == nil)
  }

  @Test func aScanOfAnotherGridIsRefused() throws {
    let scan = Volume<Float>(geometry: try grid([2, 2, 2]), voxels: .init(repeating: 0, count: 8))
    #expect(throws: ImagingError.self) {
      try StructureStatistics.measure(drawn("1"), scan: scan)
    }
  }
}
