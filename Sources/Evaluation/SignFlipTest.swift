import Support

/// The permutation test of whether paired differences are symmetric around 0.
///
/// Under the null hypothesis each difference may as well have the other sign (Fisher 1935, "The
/// Design of Experiments", section 21). The statistic is the mean difference; the p-value is the
/// share of sign assignments whose mean is at least as far from 0. Up to 16 differences that are not
/// 0, all assignments are counted; above, seeded random ones, the observed one among them, so that
/// the p-value is never 0 (Phipson and Smyth 2010, "Permutation p-values should never be zero").
package enum SignFlipTest {
  /// Up to this many differences that are not 0 the p-value is exact.
  package static let maximumExactCount = 16
  /// The number of random assignments beside the observed one.
  package static let permutations = 9999
  /// Sums that differ by less than this share of the largest sum are equal: they differ by rounding.
  private static let relativeTolerance = 1e-12

  /// Tests differences.
  /// - Parameters:
  ///   - differences: Finite numbers.
  ///   - random: The stream of the random assignments.
  /// - Returns: The outcome; nil without a difference.
  package static func test(_ differences: [Double], random: RandomStream) -> TestResult? {
    guard !differences.isEmpty else { return nil }
    // By magnitude, so that the result does not depend on the order of the cases.
    let values = differences.filter { $0 != 0 }.sorted { (abs($0), $0) < (abs($1), $1) }
    let observed = values.reduce(0, +)
    let magnitudes = values.map { abs($0) }
    let bound = abs(observed) - relativeTolerance * magnitudes.reduce(0, +)
    let mean = observed / Double(differences.count)
    return values.count <= maximumExactCount
      ? TestResult(statistic: mean, p: exactP(magnitudes, bound), method: .exact)
      : TestResult(statistic: mean, p: randomP(magnitudes, bound, random), method: .random)
  }

  private static func exactP(_ magnitudes: [Double], _ bound: Double) -> Double {
    let assignments = 1 << magnitudes.count
    var extreme = 0
    for signs in 0..<assignments {
      var sum = 0.0
      for (index, value) in magnitudes.enumerated() {
        sum += signs >> index & 1 == 0 ? value : -value
      }
      if abs(sum) >= bound { extreme += 1 }
    }
    return Double(extreme) / Double(assignments)
  }

  private static func randomP(
    _ magnitudes: [Double],
    _ bound: Double,
    _ random: RandomStream
  ) -> Double {
    var random = random
    var extreme = 1
    for _ in 0..<permutations {
      var sum = 0.0
      var bits: UInt64 = 0
      for (index, value) in magnitudes.enumerated() {
        if index & 63 == 0 { bits = random.next() }
        sum += bits & 1 == 0 ? value : -value
        bits >>= 1
      }
      if abs(sum) >= bound { extreme += 1 }
    }
    return Double(extreme) / Double(permutations + 1)
  }
}
