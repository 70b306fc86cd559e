import Foundation

/// Student's t distribution.
package enum StudentDistribution {
  /// The probability of a value of at most `t`.
  ///
  /// By the regularised incomplete beta function: 1 - I_x(n/2, 1/2) / 2 with x = n / (n + t^2) for
  /// positive t (Abramowitz and Stegun 1964, 26.7.1).
  /// - Parameters:
  ///   - t: Any number.
  ///   - freedom: The degrees of freedom, at least 1.
  /// - Returns: The probability.
  package static func cumulative(_ t: Double, freedom: Int) -> Double {
    precondition(freedom >= 1, "a t distribution of \(freedom) degrees of freedom")
    let n = Double(freedom)
    let tail = regularisedBeta(n / (n + t * t), n / 2, 0.5) / 2
    return t > 0 ? 1 - tail : tail
  }

  /// The value below which a share of the distribution lies.
  /// - Parameters:
  ///   - share: Between 0 and 1, exclusive.
  ///   - freedom: The degrees of freedom, at least 1.
  /// - Returns: The quantile.
  package static func quantile(_ share: Double, freedom: Int) -> Double {
    precondition(share > 0 && share < 1, "the quantile of \(share)")
    if share == 0.5 { return 0 }
    if share > 0.5 { return -quantile(1 - share, freedom: freedom) }
    // The lower tail lies between a bound that is doubled until it is low enough, and 0.
    var low = -1.0
    while cumulative(low, freedom: freedom) > share { low *= 2 }
    var high = 0.0
    while true {
      let middle = (low + high) / 2
      // Neighbouring numbers have no number between them.
      if middle <= low || middle >= high { return middle }
      if cumulative(middle, freedom: freedom) < share { low = middle } else { high = middle }
    }
  }

  /// I_x(a, b), by Lentz's method on the continued fraction of DLMF 8.17.22.
  private static func regularisedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    // The fraction converges fast below the mean; above it the complement does.
    if x > (a + 1) / (a + b + 2) { return 1 - regularisedBeta(1 - x, b, a) }
    let logFactor =
      a * log(x) + b * log1p(-x) - log(a) - (logGamma(a) + logGamma(b) - logGamma(a + b))
    let tiny = 1e-300
    var c = 1.0
    var d = 1 - (a + b) * x / (a + 1)
    d = 1 / (abs(d) < tiny ? tiny : d)
    var fraction = d
    for m in 1...1000 {
      let m = Double(m)
      for factor in [
        m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
        -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
      ] {
        d = 1 + factor * d
        c = 1 + factor / c
        d = 1 / (abs(d) < tiny ? tiny : d)
        if abs(c) < tiny { c = tiny }
        fraction *= d * c
      }
      if abs(d * c - 1) < 1e-16 { break }
    }
    return exp(logFactor) * fraction
  }

  /// The logarithm of the gamma function of multiples of 1/2, which is all that is needed: from
  /// gamma(1) or gamma(1/2) upwards for small ones, by Stirling's series for others.
  private static func logGamma(_ x: Double) -> Double {
    guard x < 15 else {
      let inverse = 1 / (x * x)
      let series =
        (1 / 12.0 - inverse * (1 / 360.0 - inverse * (1 / 1260.0 - inverse / 1680))) / x
      return (x - 0.5) * log(x) - x + log(2 * Double.pi) / 2 + series
    }
    var product = 1.0
    var y = x
    while y > 1 {
      y -= 1
      product *= y
    }
    return log(product) + (y == 0.5 ? log(Double.pi) / 2 : 0)
  }
}
