import Imaging
import Support
import Testing

/// Voxel by voxel the skeletons are held against scikit-image's in MaskAgreementTests.
struct SkeletonTests {
  @Test func aLineIsItsOwnCentreLine() {
    var mask = [UInt8](repeating: 0, count: 7 * 3 * 3)
    for x in 1..<6 { mask[x + 7 * (1 + 3 * 1)] = 1 }
    #expect(Skeleton.thinned(mask, size: [7, 3, 3], isPlanar: false) == mask)
  }

  @Test func aFullImageShrinksToALine() {
    let mask = [UInt8](repeating: 1, count: 9 * 3)
    let found = Skeleton.thinned(mask, size: [9, 3, 1], isPlanar: true)
    #expect(found[0..<9].allSatisfy { $0 == 0 } && found[18...].allSatisfy { $0 == 0 })
    #expect(found[9..<18].reduce(0) { $0 + Int($1) } >= 7)
  }

  @Test func aBallKeepsAPieceUnlessScikitImagesRuleIsAskedFor() {
    // Scikit-image 0.26 leaves nothing of 2 x 2 x 2 voxels.
    var mask = [UInt8](repeating: 0, count: 64)
    for (x, y, z) in [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 1)] {
      mask[x + 4 * (y + 4 * z)] = 1
      mask[x + 4 * (y + 4 * (z + 1))] = 1
    }
    func count(_ rule: Skeleton.Rule) -> Int {
      Skeleton.thinned(mask, size: [4, 4, 4], isPlanar: false, rule: rule)
        .reduce(0) { $0 + Int($1) }
    }
    #expect(count(.strict) > 0)
    #expect(count(.scikitImage) == 0)
  }

  @Test func thinningKeepsPiecesTunnelsAndCavities() {
    let size = SIMD3(12, 11, 10)
    for seed in 0..<12 {
      var random = RandomStream(seed: UInt64(seed))
      let chance = [0.3, 0.5, 0.8, 0.97][seed % 4]
      let mask = (0..<(size.x * size.y * size.z)).map { _ in random.chance(chance) ? 1 : 0 as UInt8
      }
      let line = Skeleton.thinned(mask, size: size, isPlanar: false)
      #expect(BettiNumbers(line, size: size) == BettiNumbers(mask, size: size), "seed \(seed)")
      #expect(zip(line, mask).allSatisfy { $0 <= $1 })
      #expect(Skeleton.thinned(line, size: size, isPlanar: false) == line, "nothing more may go")
    }
  }

  @Test func anEmptyMaskHasNoCentreLine() {
    let mask = [UInt8](repeating: 0, count: 27)
    #expect(Skeleton.thinned(mask, size: [3, 3, 3], isPlanar: false) == mask)
  }
}
