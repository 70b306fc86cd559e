import Foundation
import Imaging
import TestSupport
import Testing

struct WatershedTests {
  private struct Stored: Decodable {
    let size: [Int]
    let heights: String
    let markers: String
    let mask: String?
    let connectivity: Int
    let basins: String
  }

  private func digits(_ text: String) -> [UInt32] { text.map { UInt32($0.wholeNumberValue ?? 0) } }

  @Test func basinsAreThoseOfScikitImage() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("imaging/watershed.json")))
    let cases = try JSONDecoder().decode([Stored].self, from: data)
    #expect(cases.count == 24)
    for stored in cases {
      let basins = Watershed.basins(
        of: digits(stored.heights).map { Float($0) },
        markers: digits(stored.markers),
        mask: stored.mask.map { $0.map { $0 == "1" } },
        size: [stored.size[0], stored.size[1], stored.size[2]],
        connectivity: try #require(Connectivity(rawValue: stored.connectivity))
      )
      #expect(basins == digits(stored.basins), "\(stored.size) \(stored.connectivity)")
    }
  }

  @Test func aRidgeDividesTwoBasins() {
    // The highest column goes to the flood that reaches its foot first: the left one, from height 1.
    let basins = Watershed.basins(
      of: [0, 1, 2, 9, 3, 1, 0],
      markers: [1, 0, 0, 0, 0, 0, 2],
      size: [7, 1, 1],
      connectivity: .six
    )
    #expect(basins == [1, 1, 1, 1, 2, 2, 2])
  }

  @Test func negativeHeightsStandBelowZero() {
    // The lower flood rises first and takes what lies between.
    let basins = Watershed.basins(
      of: [-1, 0, -2],
      markers: [1, 0, 2],
      size: [3, 1, 1],
      connectivity: .six
    )
    #expect(basins == [1, 2, 2])
  }

  @Test func theFloodNeverFalls() {
    // Beyond its wall of 5 the first flood finds a pit, which counts as high as the wall: the second
    // flood, which stood on its own wall before, comes down first.
    let basins = Watershed.basins(
      of: [0, 5, 1, 3, 5, 0],
      markers: [1, 0, 0, 0, 0, 2],
      size: [6, 1, 1],
      connectivity: .six
    )
    #expect(basins == [1, 1, 1, 2, 2, 2])
  }

  @Test func whatTheMaskCutsOffStaysDry() {
    let basins = Watershed.basins(
      of: [0, 0, 0, 0, 0],
      markers: [7, 0, 0, 0, 0],
      mask: [true, true, false, true, true],
      size: [5, 1, 1],
      connectivity: .six
    )
    #expect(basins == [7, 7, 0, 0, 0])
  }

  @Test func aMarkerOutsideTheMaskCountsForNothing() {
    let basins = Watershed.basins(
      of: [0, 0, 0],
      markers: [4, 0, 0],
      mask: [false, true, true],
      size: [3, 1, 1],
      connectivity: .six
    )
    #expect(basins == [0, 0, 0])
  }

  @Test func cornersConnectOnlyWhenTheyAreNeighbours() {
    // 1 0
    // 0 1  as a mask: the second voxel is reached over the corner alone.
    let mask = [true, false, false, true]
    func basins(_ connectivity: Connectivity) -> [UInt32] {
      Watershed.basins(
        of: [0, 0, 0, 0],
        markers: [3, 0, 0, 0],
        mask: mask,
        size: [2, 2, 1],
        connectivity: connectivity
      )
    }
    #expect(basins(.six) == [3, 0, 0, 0])
    #expect(basins(.eighteen) == [3, 0, 0, 3])
  }
}
