import Support

/// The distribution of one metric of one structure over the cases of a cohort.
public struct SummaryStatistics: Equatable, Sendable {
  /// The mean over the defined values; nil when there is none.
  public let mean: Double?
  /// The standard deviation with n - 1; nil for fewer than two values.
  public let sd: Double?
  /// The median; nil when there is no value.
  public let median: Double?
  /// The third quartile less the first (linear interpolation); nil when there is no value.
  public let iqr: Double?
  /// The smallest value; nil when there is none.
  public let min: Double?
  /// The number of defined values.
  public let n: Int
  /// The number of cases in which the value is undefined.
  public let undefined: Int
  /// The 95 % confidence interval of the mean; nil for fewer than two values.
  public let ci95: ClosedRange<Double>?

  /// The number of bootstrap resamples behind each interval.
  public static let resamples = 2000

  init(
    mean: Double?,
    sd: Double?,
    median: Double?,
    iqr: Double?,
    min: Double?,
    n: Int,
    undefined: Int,
    ci95: ClosedRange<Double>?
  ) {
    self.mean = mean
    self.sd = sd
    self.median = median
    self.iqr = iqr
    self.min = min
    self.n = n
    self.undefined = undefined
    self.ci95 = ci95
  }

  /// Summarises values; the case is the statistical unit.
  ///
  /// The interval is the percentile bootstrap of the mean (Efron and Tibshirani 1993, chapter 13).
  /// - Parameters:
  ///   - values: One value a case.
  ///   - random: The stream of the resamples.
  public init(_ values: [MetricValue], random: RandomStream) {
    let numbers = values.compactMap(\.number).sorted()
    n = numbers.count
    undefined = values.count - numbers.count
    guard let first = numbers.first else {
      (mean, sd, median, iqr, min, ci95) = (nil, nil, nil, nil, nil, nil)
      return
    }
    let mean = numbers.reduce(0, +) / Double(n)
    self.mean = mean
    min = first
    median = percentile(0.5, of: numbers)
    iqr = percentile(0.75, of: numbers) - percentile(0.25, of: numbers)
    guard n > 1 else {
      (sd, ci95) = (nil, nil)
      return
    }
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    sd = (squares / Double(n - 1)).squareRoot()
    ci95 = Self.interval(of: numbers, random: random)
  }

  private static func interval(
    of numbers: [Double],
    random: RandomStream
  ) -> ClosedRange<Double> {
    var random = random
    var means: [Double] = []
    means.reserveCapacity(resamples)
    for _ in 0..<resamples {
      var sum = 0.0
      for _ in numbers.indices { sum += numbers[Int(random.uniform() * Double(numbers.count))] }
      means.append(sum / Double(numbers.count))
    }
    means.sort()
    return percentile(0.025, of: means)...percentile(0.975, of: means)
  }
}
