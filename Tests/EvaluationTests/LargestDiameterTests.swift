import Evaluation
import Imaging
import Support
import Testing

@Suite struct LargestDiameterTests {
  private func diameter(_ map: LabelMap) throws -> Double? {
    try StructureStatistics.measure(map, scan: nil).first?.largestDiameterMM
  }

  @Test func aVoxelIsAsLongAsItsLongestSide() throws {
    let one = try box(in: [3, 3, 3], from: [1, 1, 1], through: [1, 1, 1], spacing: [1, 2, 3])
    #expect(try diameter(one) == 3)
  }

  @Test func aLineIsAsLongAsItsVoxels() throws {
    let line = try box(in: [7, 3, 3], from: [1, 1, 1], through: [5, 1, 1], spacing: [2, 1, 1])
    #expect(try diameter(line) == 10)
  }

  @Test func twoPiecesAreMeasuredTogether() throws {
    #expect(try diameter(drawn("1...1")) == 5)
    #expect(try diameter(drawn("....")) == nil)
  }

  /// Every face between a voxel and its neighbour outside, each pair of them.
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func theDiameterIsThatOfAllSurfacePoints(seed: UInt64) throws {
    var random = RandomStream(seed: seed)
    let spacing = SIMD3(0.7, 1.3, 2.1)
    var map = try box(in: [9, 8, 7], from: [0, 0, 0], through: [0, 0, 0], spacing: spacing)
    for z in 0..<7 {
      for y in 0..<8 {
        for x in 0..<9 { map[x, y, z] = random.next() % 11 == 0 ? 1 : 0 }
      }
    }
    map[4, 4, 4] = 1
    var points: [SIMD3<Double>] = []
    for z in 0..<7 {
      for y in 0..<8 {
        for x in 0..<9 where map[x, y, z] == 1 {
          for step in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] as [SIMD3<Int>] {
            for sign in [-1, 1] {
              let other = SIMD3(x, y, z) &+ step &* sign
              let isInside =
                (0..<9).contains(other.x) && (0..<8).contains(other.y)
                && (0..<7).contains(other.z) && map[other.x, other.y, other.z] == 1
              if isInside { continue }
              let centre = SIMD3(Double(x), Double(y), Double(z))
              points.append((centre + SIMD3<Double>(step) * (0.5 * Double(sign))) * spacing)
            }
          }
        }
      }
    }
    var best = 0.0
    for a in points {
      for b in points { best = max(best, ((a - b) * (a - b)).sum().squareRoot()) }
    }
    let found = try #require(try diameter(map))
    #expect(abs(found - best) < 1e-12)
  }
}
