import Support

/// The distribution of one metric of one structure over the cases of a cohort.
public struct SummaryStatistics: Equatable, Sendable {
  /// The mean over the defined values; nil when there is none.
  public let mean: Double?
  /// The standard deviation with n - 1; nil for fewer than two values.
  public let sd: Double?
  /// The median; nil when there is no value.
  public let median: Double?
  /// The first quartile (linear interpolation); nil when there is no value.
  public let q1: Double?
  /// The third quartile (linear interpolation); nil when there is no value.
  public let q3: Double?
  /// The third quartile less the first; nil when there is no value.
  public let iqr: Double?
  /// The smallest value; nil when there is none.
  public let min: Double?
  /// The largest value; nil when there is none.
  public let max: Double?
  /// The number of defined values.
  public let n: Int
  /// The number of cases in which the value is undefined.
  public let undefined: Int
  /// The number of cases whose prediction lacks the structure although the reference has it.
  public let missed: Int
  /// The number of cases whose prediction has the structure although the reference lacks it.
  public let falseAlarms: Int
  /// The 95 % confidence interval of the mean; nil for fewer than two values.
  public let ci95: ClosedRange<Double>?

  /// The number of bootstrap resamples behind each interval.
  public static let resamples = 2000

  init(
    mean: Double?,
    sd: Double?,
    median: Double?,
    q1: Double?,
    q3: Double?,
    iqr: Double?,
    min: Double?,
    max: Double?,
    n: Int,
    undefined: Int,
    missed: Int,
    falseAlarms: Int,
    ci95: ClosedRange<Double>?
  ) {
    self.mean = mean
    self.sd = sd
    self.median = median
    self.q1 = q1
    self.q3 = q3
    self.iqr = iqr
    self.min = min
    self.max = max
    self.n = n
    self.undefined = undefined
    self.missed = missed
    self.falseAlarms = falseAlarms
    self.ci95 = ci95
  }

  /// Summarises values; the case, or the patient, is the statistical unit.
  ///
  /// The interval is a bootstrap of the mean.
  /// - Parameters:
  ///   - values: One value a unit.
  ///   - random: The stream of the resamples.
  ///   - method: How the interval is made of the resamples.
  ///   - missed: The number of cases in which the structure was missed.
  ///   - falseAlarms: The number of cases in which the structure is a false alarm.
  public init(
    _ values: [MetricValue],
    random: RandomStream,
    method: IntervalMethod = .percentile,
    missed: Int = 0,
    falseAlarms: Int = 0
  ) {
    let numbers = values.compactMap(\.number).sorted()
    n = numbers.count
    undefined = values.count - numbers.count
    self.missed = missed
    self.falseAlarms = falseAlarms
    guard let first = numbers.first else {
      (mean, sd, median, q1, q3, iqr) = (nil, nil, nil, nil, nil, nil)
      (min, max, ci95) = (nil, nil, nil)
      return
    }
    let mean = numbers.reduce(0, +) / Double(n)
    self.mean = mean
    min = first
    max = numbers.last
    median = percentile(0.5, of: numbers)
    let quartiles = (percentile(0.25, of: numbers), percentile(0.75, of: numbers))
    (q1, q3) = quartiles
    iqr = quartiles.1 - quartiles.0
    guard n > 1 else {
      (sd, ci95) = (nil, nil)
      return
    }
    let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    sd = (squares / Double(n - 1)).squareRoot()
    ci95 = MeanBootstrap(numbers, resamples: Self.resamples, random: random).interval(method)
  }
}
