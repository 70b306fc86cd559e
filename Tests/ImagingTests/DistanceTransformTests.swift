import Imaging
import Support
import Testing

struct DistanceTransformTests {
  /// The distances by looking at every target.
  private func searched(
    _ targets: [UInt8],
    _ size: SIMD3<Int>,
    _ spacing: SIMD3<Double>
  ) -> [Double] {
    func position(_ index: Int) -> SIMD3<Double> {
      SIMD3(
        Double(index % size.x),
        Double(index / size.x % size.y),
        Double(index / size.x / size.y)
      ) * spacing
    }
    let points = targets.indices.filter { targets[$0] != 0 }.map(position)
    return targets.indices.map { index in
      let here = position(index)
      return points.map { (($0 - here) * ($0 - here)).sum() }.min()?.squareRoot() ?? .infinity
    }
  }

  @Test(arguments: [
    SIMD3(13, 11, 9), SIMD3(70, 3, 2), SIMD3(1, 40, 5), SIMD3(33, 1, 20), SIMD3(25, 1, 1),
    SIMD3(40, 35, 1), SIMD3(1, 1, 30), SIMD3(1, 1, 1),
  ])
  func distancesAreThoseOfASearch(size: SIMD3<Int>) {
    var random = RandomStream(seed: 4)
    let spacing = SIMD3(0.7, 1.9, 3.3)
    for chance in [0.002, 0.03, 0.5, 1] {
      let targets = (0..<(size.x * size.y * size.z)).map { _ in
        random.chance(chance) ? 1 : 0 as UInt8
      }
      let expected = searched(targets, size, spacing)
      let found = DistanceTransform.distances(to: targets, size: size, spacing: spacing)
      for index in expected.indices {
        // Single precision.
        let isNear =
          expected[index] == Double(found[index])
          || abs(Double(found[index]) - expected[index]) <= 3e-7 * expected[index]
        #expect(isNear, "\(index): \(found[index]), expected \(expected[index])")
      }
    }
  }

  @Test func withoutATargetEverythingIsInfinitelyFar() {
    let found = DistanceTransform.distances(
      to: [UInt8](repeating: 0, count: 24),
      size: [2, 3, 4],
      spacing: [1, 1, 1]
    )
    #expect(found == [Float](repeating: .infinity, count: 24))
  }

  @Test(arguments: [1, 2, 7]) func threadsChangeNothing(threads: Int) {
    let size = SIMD3(50, 47, 41)
    var random = RandomStream(seed: 5)
    let targets = (0..<(size.x * size.y * size.z)).map { _ in random.chance(0.001) ? 1 : 0 as UInt8
    }
    func distances() -> [Float] {
      DistanceTransform.distances(to: targets, size: size, spacing: [1, 0.5, 2])
    }
    let alone = Parallelism.$threadCount.withValue(1) { distances() }
    #expect(Parallelism.$threadCount.withValue(threads) { distances() } == alone)
  }
}
