import Foundation

/// Whether two classifiers differ on the same cases.
package enum McNemarTest {
  /// Exact two-sided p of McNemar's test: a binomial test of the pairs that differ (McNemar 1947).
  /// - Parameters:
  ///   - gained: Pairs of which only the second is right.
  ///   - lost: Pairs of which only the first is.
  /// - Returns: The probability of a difference as large or larger; 1 when no pair differs.
  package static func p(_ gained: Int, _ lost: Int) -> Double {
    let count = gained + lost
    guard count > 0 else { return 1 }
    // Logarithms: 2 to the power of thousands has no place in a double.
    var term = -Double(count) * log(2.0)
    var sum = exp(term)
    for k in 0..<min(gained, lost) {
      term += log(Double(count - k)) - log(Double(k + 1))
      sum += exp(term)
    }
    return min(1, 2 * sum)
  }
}
