import Imaging
import Pipelines
import Testing

@Suite struct LabelMapGatheringTests {
  private func grids() throws -> (coarse: ImageGeometry, fine: ImageGeometry) {
    let coarse = try ImageGeometry(
      size: [2, 1, 1],
      spacing: [2, 2, 2],
      origin: [0, 0, 0],
      direction: .identity
    )
    return (coarse, try coarse.resampled(toSpacing: [1, 1, 1]))
  }

  @Test func mostOfTheFineVoxelsDecide() throws {
    let (coarse, fine) = try grids()
    #expect(fine.size == SIMD3(4, 2, 2))
    var map = LabelMap(
      geometry: fine,
      labels: [UInt16](repeating: 0, count: 16),
      table: []
    )
    // Five of the first voxel's eight, three of the second's.
    for (x, y, z) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)] { map[x, y, z] = 7 }
    for (x, y, z) in [(2, 0, 0), (3, 0, 0), (2, 1, 0)] { map[x, y, z] = 7 }
    let gathered = map.gathered(onto: coarse)
    #expect(gathered.geometry == coarse && gathered.labels == [7, 0])
  }

  @Test func ofEquallyManyTheLowerNumberWins() throws {
    let (coarse, fine) = try grids()
    let map = LabelMap(
      geometry: fine,
      labels: (0..<16).map { $0 % 2 == 0 ? 5 : 3 },
      table: []
    )
    #expect(map.gathered(onto: coarse).labels == [3, 3])
  }

  @Test func otherGridsTakeTheNearestLabel() throws {
    let (coarse, _) = try grids()
    let shifted = try ImageGeometry(
      size: [4, 2, 2],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let map = LabelMap(geometry: shifted, labels: (0..<16).map { UInt16($0) }, table: [])
    #expect(map.gathered(onto: coarse).labels == map.resampled(to: coarse).labels)
    #expect(map.gathered(onto: shifted).labels == map.labels)
  }
}
