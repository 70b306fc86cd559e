import Foundation

/// The standard normal distribution.
package enum NormalDistribution {
  /// The probability of a value of at most `z`.
  package static func cumulative(_ z: Double) -> Double { erfc(-z / 2.0.squareRoot()) / 2 }

  /// The value below which a share of the distribution lies.
  ///
  /// Acklam's rational approximation (relative error 1.2e-9), followed by two steps of Halley's
  /// method on `cumulative`, which leave rounding errors only.
  /// - Parameter share: Between 0 and 1; the bounds give infinity.
  /// - Returns: The quantile.
  package static func quantile(_ share: Double) -> Double {
    precondition((0...1).contains(share), "the quantile of \(share)")
    if share == 0 { return -.infinity }
    if share == 1 { return .infinity }
    // The lower tail keeps its digits; the upper one is its mirror image.
    if share > 0.5 { return -quantile(1 - share) }
    var z = initial(share)
    for _ in 0..<2 {
      let error = cumulative(z) - share
      let step = error * (2 * Double.pi).squareRoot() * exp(z * z / 2)
      z -= step / (1 + z * step / 2)
    }
    return z
  }

  private static func initial(_ share: Double) -> Double {
    func polynomial(_ coefficients: [Double], _ x: Double) -> Double {
      coefficients.reduce(0) { $0 * x + $1 }
    }
    if share < 0.02425 {
      let q = (-2 * log(share)).squareRoot()
      return polynomial(
        [
          -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838, -2.549732539343734,
          4.374664141464968, 2.938163982698783,
        ],
        q
      )
        / polynomial(
          [
            7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996, 3.754408661907416, 1,
          ],
          q
        )
    }
    let q = share - 0.5
    let r = q * q
    return q
      * polynomial(
        [
          -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
          1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239,
        ],
        r
      )
      / polynomial(
        [
          -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
          6.680131188771972e+01, -1.328068155288572e+01, 1,
        ],
        r
      )
  }
}
