import Foundation
import Imaging
import TestSupport
import Testing

struct ConnectedComponentsTests {
  private struct Stored: Decodable {
    let size: [Int]
    let mask: String
    let six: [UInt32]
    let eighteen: [UInt32]
    let twentySix: [UInt32]

    enum CodingKeys: String, CodingKey {
      case size, mask
      case six = "6"
      case eighteen = "18"
      case twentySix = "26"
    }
  }

  @Test func componentsAreThoseOfScipy() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("imaging/components.json")))
    for stored in try JSONDecoder().decode([Stored].self, from: data) {
      let mask = stored.mask.map { $0 == "1" }
      let size = SIMD3(stored.size[0], stored.size[1], stored.size[2])
      for (connectivity, expected) in [
        (Connectivity.six, stored.six), (.eighteen, stored.eighteen),
        (.twentySix, stored.twentySix),
      ] {
        let found = ConnectedComponents(mask: mask, size: size, connectivity: connectivity)
        #expect(found.numbers == expected)
        for number in 1...found.count {
          #expect(found.sizes[number - 1] == expected.count { $0 == UInt32(number) })
        }
      }
    }
  }

  @Test func touchingAtAnEdgeOrACornerDependsOnTheConnectivity() {
    // Voxels (0,0,0), (1,1,0) share an edge; (1,1,0), (2,2,1) a corner.
    var mask = [Bool](repeating: false, count: 27)
    for (x, y, z) in [(0, 0, 0), (1, 1, 0), (2, 2, 1)] { mask[x + 3 * (y + 3 * z)] = true }
    let counts = Connectivity.allCases.map {
      ConnectedComponents(mask: mask, size: [3, 3, 3], connectivity: $0).count
    }
    #expect(counts == [3, 2, 1])
  }

  @Test func anEmptyMaskHasNoComponents() {
    let mask = [UInt16](repeating: 0, count: 8)
    let found = ConnectedComponents(mask: mask, size: [2, 2, 2], connectivity: .six)
    #expect(found.count == 0)
    #expect(found.largest == nil)
    #expect(found.numbers == [UInt32](repeating: 0, count: 8))
  }

  @Test func aLongSpiralIsOneComponent() {
    // Every second row is joined to the next at alternating ends: deep trees for union and find.
    let n = 200
    var mask = [Bool](repeating: false, count: n * n)
    for y in 0..<n {
      for x in 0..<n where y % 2 == 0 || x == (y % 4 == 1 ? n - 1 : 0) { mask[x + n * y] = true }
    }
    let found = ConnectedComponents(mask: mask, size: [n, n, 1], connectivity: .six)
    #expect(found.sizes == [mask.count { $0 }])
  }

  @Test func theLargestPartOfEachLabelStays() throws {
    //          1 1 0 1 2 0 2 2   largest of 1: two voxels; of 2: two voxels, the later ones
    let map = try line([1, 1, 0, 1, 2, 0, 2, 2])
    #expect(map.keepingLargestComponent().labels == [1, 1, 0, 0, 0, 0, 2, 2])
    #expect(map.keepingLargestComponent(ofEach: [1]).labels == [1, 1, 0, 0, 2, 0, 2, 2])
    // Equally large parts: the first stays.
    #expect(try line([3, 0, 3]).keepingLargestComponent().labels == [3, 0, 0])
    #expect(try line([0, 0]).keepingLargestComponent().labels == [0, 0])
  }

  @Test func theLargestPartOfAllLabelsTogetherStays() throws {
    let map = try line([1, 1, 0, 1, 2, 2, 0, 2])
    #expect(map.keepingLargestComponent(ofAll: nil).labels == [0, 0, 0, 1, 2, 2, 0, 0])
    #expect(map.keepingLargestComponent(ofAll: [1]).labels == [1, 1, 0, 0, 2, 2, 0, 2])
    #expect(try line([0, 0]).keepingLargestComponent(ofAll: nil).labels == [0, 0])
  }

  private func line(_ labels: [UInt16]) throws -> LabelMap {
    let geometry = try ImageGeometry(
      size: [labels.count, 1, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    return LabelMap(geometry: geometry, labels: labels, table: [])
  }
}
