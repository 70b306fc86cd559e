/// How the confidence intervals of a report are made: method, number of resamples and seed.
public struct BootstrapPlan: Equatable, Sendable, Codable {
  /// How an interval is made of the resamples.
  public let method: IntervalMethod
  /// The number of resamples behind each interval.
  public let resamples: Int
  /// The seed of the resamples.
  public let seed: UInt64
  /// The level of the intervals, 0.95.
  public let level: Double

  /// Creates a plan of 95 % intervals.
  /// - Parameters:
  ///   - method: How an interval is made of the resamples.
  ///   - resamples: The number of resamples, at least 1.
  ///   - seed: The seed of the resamples.
  public init(
    method: IntervalMethod = .percentile,
    resamples: Int = SummaryStatistics.resamples,
    seed: UInt64 = EvaluationReport.bootstrapSeed
  ) {
    precondition(resamples > 0, "an interval of \(resamples) resamples")
    self.method = method
    self.resamples = resamples
    self.seed = seed
    level = 0.95
  }
}
