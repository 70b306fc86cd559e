/// How a confidence interval is made of bootstrap resamples.
public enum IntervalMethod: String, Sendable, Codable, CaseIterable {
  /// The quantiles of the resampled statistic (Efron and Tibshirani 1993, "An Introduction to the
  /// Bootstrap", chapter 13).
  case percentile
  /// The same with correction for bias and skewness (Efron 1987, "Better bootstrap confidence
  /// intervals", section 3).
  case bca

  /// The method in a few words, for reports.
  public var explanation: String {
    switch self {
    case .percentile: "percentile bootstrap"
    case .bca: "bias-corrected and accelerated bootstrap"
    }
  }
}
