import Evaluation
import TestSupport
import Testing

struct HolmCorrectionTests {
  @Test func correctedValuesAreThoseOfStatsmodels() throws {
    for stored in try StoredStatistics.read().holm {
      expectClose(
        HolmCorrection.adjusted(stored.p),
        stored.adjusted,
        Tolerance(absolute: 1e-15, relative: 1e-12)
      )
    }
  }

  @Test func theSmallestIsTimesTheNumberAndNoneFallsBelowAnEarlierOne() {
    #expect(HolmCorrection.adjusted([0.5, 0.01, 0.02]) == [0.5, 0.03, 0.04])
    #expect(HolmCorrection.adjusted([0.9, 0.8]) == [1, 1])
    #expect(HolmCorrection.adjusted([]) == [])
  }
}
