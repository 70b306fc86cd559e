import Evaluation
import Support
import TestSupport
import Testing

struct SignFlipTestTests {
  let random = RandomStream(seed: 3)

  @Test func pValuesAreThoseOfSciPy() throws {
    for stored in try StoredStatistics.read().signFlip {
      let test = try #require(SignFlipTest.test(stored.differences, random: random))
      #expect(abs(test.statistic - stored.statistic) < 1e-12, "\(stored.name)")
      #expect(test.method.rawValue == stored.method, "\(stored.name)")
      if test.method == .exact {
        #expect(abs(test.p - stored.p) < 1e-12, "\(stored.name): \(test.p), \(stored.p)")
      } else {
        // Four standard errors of a share of 9999 draws.
        let error = 4 * (stored.p * (1 - stored.p) / 9999).squareRoot() + 1e-4
        #expect(abs(test.p - stored.p) < error, "\(stored.name): \(test.p), \(stored.p)")
      }
    }
  }

  @Test func smallSamplesByHand() {
    // Of +-1 +-2 +-3 only all of one sign are as far from 0 as 6: two of eight.
    #expect(SignFlipTest.test([1, 2, 3], random: random)?.p == 0.25)
    #expect(SignFlipTest.test([1, -1], random: random)?.p == 1)
    #expect(SignFlipTest.test([0, 0, 0], random: random)?.p == 1)
    #expect(SignFlipTest.test([], random: random) == nil)
  }

  @Test func randomTestsAreReproducibleAndNeverZero() throws {
    let values = (0..<40).map { 1 + Double($0) / 100 }
    let one = try #require(SignFlipTest.test(values, random: random))
    #expect(one == SignFlipTest.test(values.reversed(), random: random))
    #expect(one.p == 1.0 / Double(SignFlipTest.permutations + 1))
  }
}
