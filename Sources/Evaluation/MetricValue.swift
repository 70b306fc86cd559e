/// The result of a metric: a number, or the reason why there is none.
///
/// A value is always finite. What would be 0/0 or infinite is `undefined` and says why, so that it
/// can be counted and is never averaged unseen.
public enum MetricValue: Equatable, Sendable {
  /// A finite number, in the metric's unit.
  case value(Double)
  /// No number; the reason as a clause, such as "both masks are empty".
  case undefined(reason: String)

  /// The number, or nil when undefined.
  public var number: Double? {
    if case .value(let number) = self { number } else { nil }
  }

  /// The reason for the absence of a number, or nil when there is one.
  public var reason: String? {
    if case .undefined(let reason) = self { reason } else { nil }
  }

  /// A quotient that is undefined when its denominator is zero.
  /// - Parameters:
  ///   - numerator: Any finite number.
  ///   - denominator: Any finite number.
  ///   - reason: Why there is no quotient, should the denominator be zero.
  /// - Returns: The quotient or the reason.
  static func ratio(
    _ numerator: Double,
    _ denominator: Double,
    otherwise reason: String
  ) -> MetricValue {
    denominator == 0 ? .undefined(reason: reason) : .value(numerator / denominator)
  }
}
