import Foundation

/// A share of cases with its exact interval.
public struct ShareWithInterval: Codable, Sendable, Equatable {
  /// Cases that count.
  public let hits: Int
  /// All cases.
  public let count: Int
  /// hits / count.
  public let value: Double
  /// The exact 95 % interval (Clopper and Pearson 1934), by bisection of the binomial tails.
  public let ci95: [Double]

  /// Counts; nil without a case.
  /// - Parameters:
  ///   - hits: Cases that count, at most all.
  ///   - count: All cases.
  public init?(_ hits: Int, of count: Int) {
    guard count > 0, (0...count).contains(hits) else { return nil }
    self.hits = hits
    self.count = count
    value = Double(hits) / Double(count)
    let low = hits == 0 ? 0 : Self.solve { Self.tail(from: hits, of: count, $0) - 0.025 }
    // P(X ≤ hits) = 0.025.
    let high = hits == count ? 1 : Self.solve { Self.tail(from: hits + 1, of: count, $0) - 0.975 }
    ci95 = [low, high]
  }

  /// P(X ≥ k) of a binomial distribution.
  private static func tail(from k: Int, of n: Int, _ p: Double) -> Double {
    if p <= 0 { return k <= 0 ? 1 : 0 }
    if p >= 1 { return 1 }
    var sum = 0.0
    for i in k...max(k, n) where i <= n {
      let logarithm =
        lgamma(Double(n + 1)) - lgamma(Double(i + 1)) - lgamma(Double(n - i + 1))
        + Double(i) * log(p) + Double(n - i) * log1p(-p)
      sum += exp(logarithm)
    }
    return min(1, sum)
  }

  /// The root of a rising function between 0 and 1.
  private static func solve(_ f: (Double) -> Double) -> Double {
    var (low, high) = (0.0, 1.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if f(middle) < 0 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}
