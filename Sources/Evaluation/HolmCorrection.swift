/// Holm's step-down correction for several tests (Holm 1979, "A simple sequentially rejective
/// multiple test procedure").
package enum HolmCorrection {
  /// Corrects p-values, so that the chance of any false rejection stays at the level.
  /// - Parameter values: The p-values of all tests.
  /// - Returns: The corrected ones in the same order, at most 1.
  package static func adjusted(_ values: [Double]) -> [Double] {
    var adjusted = values
    var largest = 0.0
    for (rank, index) in values.indices.sorted(by: { values[$0] < values[$1] }).enumerated() {
      largest = max(largest, min(1, Double(values.count - rank) * values[index]))
      adjusted[index] = largest
    }
    return adjusted
  }
}
