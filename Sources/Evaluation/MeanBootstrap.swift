import Support

/// Bootstrap resamples of a mean, and the confidence intervals that they give.
///
/// Values are drawn by rank, so that an interval does not depend on the order of the cases.
package struct MeanBootstrap: Sendable {
  /// The mean of the values.
  package let mean: Double
  /// The means of the resamples, in the order in which they were drawn.
  package let means: [Double]
  /// The values less their mean: the empirical influence of each on the mean.
  private let influence: [Double]

  /// Draws resamples.
  /// - Parameters:
  ///   - values: At least one value.
  ///   - resamples: The number of resamples, at least 1.
  ///   - random: The stream of the draws.
  package init(_ values: [Double], resamples: Int, random: RandomStream) {
    precondition(!values.isEmpty && resamples > 0, "a bootstrap of nothing")
    let sorted = values.sorted()
    let count = Double(sorted.count)
    var random = random
    var means: [Double] = []
    means.reserveCapacity(resamples)
    for _ in 0..<resamples {
      var sum = 0.0
      for _ in sorted.indices { sum += sorted[Int(random.uniform() * count)] }
      means.append(sum / count)
    }
    let mean = sorted.reduce(0, +) / count
    self.mean = mean
    self.means = means
    influence = sorted.map { $0 - mean }
  }

  /// The 95 % confidence interval of the mean.
  package func interval(_ method: IntervalMethod) -> ClosedRange<Double> {
    Self.interval(of: means, observed: mean, influence: [influence], method: method)
  }

  /// The 95 % confidence interval of this mean less another, both samples resampled on their own.
  /// - Parameters:
  ///   - other: The other sample, with as many resamples.
  ///   - method: How the interval is made.
  /// - Returns: The interval.
  package func interval(
    less other: MeanBootstrap,
    _ method: IntervalMethod
  ) -> ClosedRange<Double> {
    Self.interval(
      of: zip(means, other.means).map { $0 - $1 },
      observed: mean - other.mean,
      influence: [influence, other.influence.map { -$0 }],
      method: method
    )
  }

  /// The 95 % confidence interval of a statistic by its resamples.
  ///
  /// `bca` is Efron and Tibshirani 1993, equations 14.9 to 14.15, the acceleration over several
  /// samples as in Davison and Hinkley 1997, "Bootstrap Methods and their Application", equation
  /// 5.24. Where it is undefined (no resample on one side of the observed value, or no spread) the
  /// percentile interval stands in.
  /// - Parameters:
  ///   - resampled: The statistic of each resample.
  ///   - observed: The statistic of the sample.
  ///   - influence: For each sample the empirical influence of its values.
  ///   - method: How the interval is made.
  /// - Returns: The interval.
  package static func interval(
    of resampled: [Double],
    observed: Double,
    influence: [[Double]],
    method: IntervalMethod
  ) -> ClosedRange<Double> {
    let sorted = resampled.sorted()
    let shares = (method == .bca ? corrected(sorted, observed, influence) : nil) ?? (0.025, 0.975)
    return percentile(shares.0, of: sorted)...percentile(shares.1, of: sorted)
  }

  private static func corrected(
    _ sorted: [Double],
    _ observed: Double,
    _ influence: [[Double]]
  ) -> (Double, Double)? {
    let below = sorted.count { $0 < observed }
    let notAbove = sorted.count { $0 <= observed }
    let bias = NormalDistribution.quantile(Double(below + notAbove) / Double(2 * sorted.count))
    var squares = 0.0
    var cubes = 0.0
    for values in influence {
      let n = Double(values.count)
      squares += values.reduce(0) { $0 + $1 * $1 } / (n * n)
      cubes += values.reduce(0) { $0 + $1 * $1 * $1 } / (n * n * n)
    }
    guard bias.isFinite, squares > 0 else { return nil }
    let acceleration = cubes / (6 * squares * squares.squareRoot())
    func share(_ level: Double) -> Double {
      let sum = bias + NormalDistribution.quantile(level)
      return NormalDistribution.cumulative(bias + sum / (1 - acceleration * sum))
    }
    let (low, high) = (share(0.025), share(0.975))
    return low <= high ? (low, high) : nil
  }
}
