/// The outcome of a two-sided statistical test.
public struct TestResult: Equatable, Sendable, Codable {
  /// How the p-value was found.
  public enum Method: String, Sendable, Codable {
    /// From the whole distribution under the null hypothesis.
    case exact
    /// From the normal approximation.
    case normal
    /// From seeded random permutations.
    case random
  }

  /// The test statistic.
  public let statistic: Double
  /// The p-value, two-sided, before any correction.
  public let p: Double
  /// How it was found.
  public let method: Method
  /// The p-value after Holm's correction over the comparisons of a report; equal to `p` before it.
  public let holmP: Double

  /// Creates an outcome.
  /// - Parameters:
  ///   - statistic: The test statistic.
  ///   - p: The p-value, two-sided, before any correction.
  ///   - method: How it was found.
  ///   - holmP: The p-value after Holm's correction; nil for none.
  public init(statistic: Double, p: Double, method: Method, holmP: Double? = nil) {
    self.statistic = statistic
    self.p = p
    self.method = method
    self.holmP = holmP ?? p
  }

  /// The same with a corrected p-value.
  func corrected(_ holmP: Double) -> TestResult {
    TestResult(statistic: statistic, p: p, method: method, holmP: holmP)
  }
}
