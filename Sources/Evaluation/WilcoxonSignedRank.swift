/// Wilcoxon's signed rank test of paired differences (Wilcoxon 1945, "Individual comparisons by
/// ranking methods").
///
/// Differences of 0 are dropped before ranking, as Wilcoxon did (SciPy's `zero_method="wilcox"`);
/// equal magnitudes share the mean of their ranks. The statistic is the smaller of the two sums of
/// ranks. Up to 50 differences the p-value is exact, also with ties: it counts all assignments of
/// signs to the ranks at hand. Above, it is the normal approximation with the variance corrected for
/// ties and without a correction for continuity, as in SciPy.
package struct WilcoxonSignedRank: Sendable {
  /// Up to this many differences that are not 0 the p-value is exact.
  package static let maximumExactCount = 50

  /// The number of differences that are not 0.
  package let count: Int
  /// The sum of the ranks of positive differences.
  package let positiveSum: Double
  /// The sum of the ranks of negative differences.
  package let negativeSum: Double
  /// Twice the ranks, which are whole numbers also with ties.
  private let doubledRanks: [Int]
  /// The sum of t^3 - t over groups of t equal magnitudes.
  private let ties: Double

  /// Ranks differences.
  /// - Parameter differences: Finite numbers.
  package init(_ differences: [Double]) {
    let sorted = differences.filter { $0 != 0 }.sorted { abs($0) < abs($1) }
    var positiveSum = 0.0
    var ties = 0.0
    var doubledRanks: [Int] = []
    var start = 0
    while start < sorted.count {
      var end = start + 1
      while end < sorted.count, abs(sorted[end]) == abs(sorted[start]) { end += 1 }
      // Ranks start + 1 through end, whose mean is (start + 1 + end) / 2.
      let doubled = start + 1 + end
      let size = Double(end - start)
      ties += size * size * size - size
      for index in start..<end {
        doubledRanks.append(doubled)
        if sorted[index] > 0 { positiveSum += Double(doubled) / 2 }
      }
      start = end
    }
    count = sorted.count
    self.positiveSum = positiveSum
    negativeSum = Double(count * (count + 1)) / 2 - positiveSum
    self.doubledRanks = doubledRanks
    self.ties = ties
  }

  /// The two-sided test that the differences lie symmetrically around 0; nil when all are 0.
  package var test: TestResult? {
    guard count > 0 else { return nil }
    let statistic = min(positiveSum, negativeSum)
    return count <= Self.maximumExactCount
      ? TestResult(statistic: statistic, p: exactP(statistic), method: .exact)
      : TestResult(statistic: statistic, p: normalP(statistic), method: .normal)
  }

  /// The matched-pairs rank-biserial correlation: the difference of the two sums over their total
  /// (Kerby 2014, "The simple difference formula"); nil when all differences are 0.
  package var rankBiserial: Double? {
    count == 0 ? nil : (positiveSum - negativeSum) / (positiveSum + negativeSum)
  }

  /// Twice the share of all 2^n assignments of signs whose sum is at most the statistic.
  private func exactP(_ statistic: Double) -> Double {
    let total = doubledRanks.reduce(0, +)
    // Counts of assignments by doubled sum; at most 2^50, which a Double holds exactly.
    var counts = [Double](repeating: 0, count: total + 1)
    counts[0] = 1
    var reached = 0
    for rank in doubledRanks {
      for sum in stride(from: reached, through: 0, by: -1) { counts[sum + rank] += counts[sum] }
      reached += rank
    }
    let low = counts[0...Int((statistic * 2).rounded())].reduce(0, +)
    return min(1, 2 * low / counts.reduce(0, +))
  }

  private func normalP(_ statistic: Double) -> Double {
    let n = Double(count)
    let variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48
    guard variance > 0 else { return 1 }
    let z = (statistic - n * (n + 1) / 4) / variance.squareRoot()
    return min(1, 2 * NormalDistribution.cumulative(z))
  }
}
