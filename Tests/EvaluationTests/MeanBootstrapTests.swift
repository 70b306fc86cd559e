import Evaluation
import Support
import TestSupport
import Testing

struct MeanBootstrapTests {
  @Test func intervalsOfGivenResamplesAreThoseOfSciPy() throws {
    for stored in try StoredStatistics.read().bootstrap {
      let means = stored.samples.map { $0.reduce(0, +) / Double($0.count) }
      let influence = stored.samples.enumerated().map { index, sample in
        sample.map { ($0 - means[index]) * (index == 0 ? 1 : -1) }
      }
      for (method, expected) in [
        (IntervalMethod.percentile, stored.percentile), (.bca, stored.bca),
      ] {
        let interval = MeanBootstrap.interval(
          of: stored.resampled,
          observed: means.count == 1 ? means[0] : means[0] - means[1],
          influence: influence,
          method: method
        )
        expectClose(
          [interval.lowerBound, interval.upperBound],
          expected,
          // The shares at which the quantiles are taken differ in the last digits.
          Tolerance(absolute: 1e-9, relative: 1e-9),
          "\(stored.name), \(method)"
        )
      }
    }
  }

  @Test func intervalsOfOwnResamplesAreNearThoseOfManyBySciPy() throws {
    for stored in try StoredStatistics.read().bootstrap {
      let samples = stored.samples.enumerated().map { index, values in
        MeanBootstrap(
          values,
          resamples: 20_000,
          random: RandomStream(seed: 11).split(index)
        )
      }
      let interval =
        samples.count == 1
        ? samples[0].interval(.bca) : samples[0].interval(less: samples[1], .bca)
      let width = stored.bcaOfMany[1] - stored.bcaOfMany[0]
      // A quantile at 2.5 % of 20 000 resamples is uncertain by about 1 % of the width.
      #expect(abs(interval.lowerBound - stored.bcaOfMany[0]) < 0.04 * width, "\(stored.name)")
      #expect(abs(interval.upperBound - stored.bcaOfMany[1]) < 0.04 * width, "\(stored.name)")
    }
  }

  @Test func equalValuesHaveAnIntervalOfNoWidth() {
    let sample = MeanBootstrap([2, 2, 2], resamples: 100, random: RandomStream(seed: 1))
    #expect(sample.interval(.percentile) == 2...2)
    #expect(sample.interval(.bca) == 2...2)
  }

  @Test func theOrderOfTheValuesDoesNotMatter() {
    let random = RandomStream(seed: 4)
    let one = MeanBootstrap([1, 5, 2, 9], resamples: 50, random: random)
    let other = MeanBootstrap([9, 2, 5, 1], resamples: 50, random: random)
    #expect(one.means == other.means)
  }
}
