/// Intervals that hold a number with a given probability.
///
/// Split conformal prediction (Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free
/// predictive inference for regression", algorithm 2): the interval reaches as far to both sides as the
/// ⌈(n + 1) c⌉-th smallest of n errors on images that were not trained on; where the network tells a
/// spread, errors and intervals are multiples of it (section 5.2). It holds for images of the same
/// origin, on average over them.
public enum ConformalIntervals {
  /// Keeps 0.9 · 10, which is not quite 9 in binary, at 9.
  private static let tolerance = 1e-9

  /// The fewest cases for a level.
  /// - Parameter coverage: The share of numbers that should lie in the interval, between 0 and 1.
  /// - Returns: The smallest n with ⌈(n + 1) c⌉ ≤ n.
  public static func fewestCases(coverage: Double) -> Int {
    Int((coverage / (1 - coverage) - tolerance).rounded(.up))
  }

  /// Which of the calibration cases, by rising value, bounds those of new cases.
  /// - Parameters:
  ///   - count: How many calibration cases there are.
  ///   - coverage: The share of new cases whose value should be at most the bound, between 0 and 1.
  /// - Returns: ⌈(n + 1) c⌉, counted from 1; above n with too few cases.
  package static func rank(of count: Int, coverage: Double) -> Int {
    Int((Double(count + 1) * coverage - tolerance).rounded(.up))
  }

  /// How far an interval reaches to either side.
  /// - Parameters:
  ///   - errors: Distances of prediction and truth, or multiples of spreads.
  ///   - coverage: The share of numbers that should lie in the interval.
  /// - Returns: The distance; nil with too few cases.
  public static func halfWidth(_ errors: [Double], coverage: Double) -> Double? {
    let rank = rank(of: errors.count, coverage: coverage)
    guard rank >= 1, rank <= errors.count else { return nil }
    return errors.sorted()[rank - 1]
  }
}
