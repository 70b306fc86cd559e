import Evaluation
import Foundation
import TestSupport
import Testing

struct WilcoxonSignedRankTests {
  /// Both sides count or sum in double precision.
  static let tolerance = Tolerance(absolute: 1e-15, relative: 1e-10)

  @Test func statisticsAndPValuesAreThoseOfSciPy() throws {
    for stored in try StoredStatistics.read().wilcoxon {
      let ranks = WilcoxonSignedRank(stored.differences)
      let test = try #require(ranks.test)
      #expect(test.statistic == stored.statistic, "\(stored.name)")
      expectClose([test.p], [stored.p], Self.tolerance, stored.name)
      #expect(test.method.rawValue == stored.method, "\(stored.name)")
      let effect = try #require(stored.rankBiserial)
      expectClose([ranks.rankBiserial ?? .nan], [effect], Self.tolerance, stored.name)
    }
  }

  @Test func smallSamplesByHand() {
    // Ranks 1, 2, 3, all positive: only one of 8 assignments is as low as W- = 0.
    #expect(WilcoxonSignedRank([1, 2, 3]).test?.p == 0.25)
    // Ranks 1.5, 1.5: W- = 1.5; half of the assignments have one sign each.
    #expect(WilcoxonSignedRank([1, -1]).test?.p == 1)
    #expect(WilcoxonSignedRank([1, -1]).rankBiserial == 0)
    #expect(WilcoxonSignedRank([-2, 0, -1]).rankBiserial == -1)
  }

  @Test func differencesOfZeroAreDroppedAndAloneGiveNoTest() {
    #expect(WilcoxonSignedRank([0, 0]).test == nil)
    #expect(WilcoxonSignedRank([0, 0]).rankBiserial == nil)
    #expect(WilcoxonSignedRank([]).test == nil)
    let some = WilcoxonSignedRank([0.5, -0.25, 1, 0, 0])
    #expect(some.count == 3)
    #expect(some.test == WilcoxonSignedRank([0.5, -0.25, 1]).test)
  }

  @Test func theOtherSignsGiveTheSamePValue() {
    let values = [0.3, -0.1, 0.7, 0.2, -0.6, 1.1]
    let (one, other) = (WilcoxonSignedRank(values), WilcoxonSignedRank(values.map { -$0 }))
    #expect(one.test == other.test)
    #expect(one.rankBiserial == other.rankBiserial.map { -$0 })
  }
}
