import Evaluation
import TestSupport
import Testing

struct DistributionTests {
  /// Both sides compute in double precision; tails keep relative digits.
  static let tolerance = Tolerance(absolute: 1e-14, relative: 1e-11)

  @Test func normalQuantilesAndProbabilitiesAreThoseOfSciPy() throws {
    let stored = try StoredStatistics.read().distributions
    expectClose(
      stored.shares.map(NormalDistribution.quantile),
      stored.normalQuantiles,
      Self.tolerance
    )
    expectClose(
      stored.zs.map(NormalDistribution.cumulative),
      stored.normalCumulative,
      Tolerance(absolute: 1e-30, relative: 1e-11)
    )
    #expect(NormalDistribution.quantile(0) == -.infinity)
    #expect(NormalDistribution.quantile(1) == .infinity)
  }

  @Test func studentQuantilesAndProbabilitiesAreThoseOfSciPy() throws {
    let stored = try StoredStatistics.read().distributions
    for (index, freedom) in stored.freedoms.enumerated() {
      expectClose(
        [0.025, 0.2, 0.9, 0.975].map { StudentDistribution.quantile($0, freedom: freedom) },
        stored.studentQuantiles[index],
        Self.tolerance,
        "\(freedom) degrees of freedom"
      )
      expectClose(
        stored.zs.map { StudentDistribution.cumulative($0, freedom: freedom) },
        stored.studentCumulative[index],
        Self.tolerance,
        "\(freedom) degrees of freedom"
      )
    }
  }
}
