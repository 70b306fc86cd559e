import Foundation
import Imaging
import Support
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

  /// The components by spreading from each voxel, in the order of memory.
  private func spread(
    _ labels: [UInt16],
    _ size: SIMD3<Int>,
    _ connectivity: Connectivity
  ) -> [UInt32] {
    let limit = [.six: 1, .eighteen: 2, .twentySix: 3][connectivity] ?? 0
    var numbers = [UInt32](repeating: 0, count: labels.count)
    var next: UInt32 = 0
    for start in labels.indices where labels[start] != 0 && numbers[start] == 0 {
      next += 1
      numbers[start] = next
      var front = [start]
      while let at = front.popLast() {
        let (x, y, z) = (at % size.x, at / size.x % size.y, at / size.x / size.y)
        for dz in -1...1 {
          for dy in -1...1 {
            for dx in -1...1 where abs(dx) + abs(dy) + abs(dz) <= limit {
              guard (0..<size.x).contains(x + dx), (0..<size.y).contains(y + dy),
                (0..<size.z).contains(z + dz)
              else { continue }
              let other = at + dx + size.x * (dy + size.y * dz)
              guard labels[other] == labels[at], numbers[other] == 0 else { continue }
              numbers[other] = next
              front.append(other)
            }
          }
        }
      }
    }
    return numbers
  }

  @Test(arguments: Connectivity.allCases, [1, 2, 5])
  func componentsOfLabelsAreThoseOfSpreading(connectivity: Connectivity, threads: Int) {
    // Large enough for several slabs; labels that touch each other within rows.
    let size = SIMD3(100, 90, 61)
    var random = RandomStream(seed: 9)
    let labels = (0..<(size.x * size.y * size.z)).map { _ in
      random.chance(0.35) ? UInt16(1 + random.uniform() * 2) : 0
    }
    let found = Parallelism.$threadCount.withValue(threads) {
      ConnectedComponents(labels: labels, size: size, connectivity: connectivity)
    }
    let expected = spread(labels, size, connectivity)
    #expect(found.numbers == expected)
    var sizes = [Int](repeating: 0, count: found.count)
    for number in expected where number != 0 { sizes[Int(number) - 1] += 1 }
    #expect(found.sizes == sizes)
  }

  @Test func allFormsOfAMaskHaveTheSameComponents() {
    let size = SIMD3(37, 20, 6)
    var random = RandomStream(seed: 10)
    let words = (0..<(size.x * size.y * size.z)).map { _ in
      random.chance(0.4) ? UInt16(1 + random.uniform() * 60000) : 0
    }
    let found = ConnectedComponents(mask: words, size: size, connectivity: .eighteen)
    #expect(
      found == ConnectedComponents(mask: words.map { $0 != 0 }, size: size, connectivity: .eighteen)
    )
    #expect(
      found
        == ConnectedComponents(
          bytes: words.map { $0 == 0 ? 0 : UInt8(1 + $0 % 255) },
          size: size,
          connectivity: .eighteen
        )
    )
    #expect(found.numbers == spread(words.map { $0 == 0 ? 0 : 1 }, size, .eighteen))
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
