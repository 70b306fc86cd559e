import Foundation

/// Small statistics of timings.
public enum BenchStatistics {
  /// The middle value, or the mean of the two in the middle.
  /// - Parameter values: The values.
  /// - Returns: Their median.
  /// - Precondition: There is a value.
  public static func median(_ values: [Double]) -> Double {
    precondition(!values.isEmpty, "the median of no values")
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Rounds to a number of decimals.
  /// - Parameters:
  ///   - value: A number.
  ///   - decimals: Digits after the point.
  /// - Returns: The rounded number.
  public static func rounded(_ value: Double, decimals: Int) -> Double {
    let scale = pow(10, Double(decimals))
    return (value * scale).rounded() / scale
  }

  /// Rounds to a number of significant digits.
  /// - Parameters:
  ///   - value: A number.
  ///   - digits: Significant digits, at least 1.
  /// - Returns: The rounded number.
  public static func rounded(_ value: Double, digits: Int) -> Double {
    Double(String(format: "%.\(digits)g", value)) ?? value
  }

  /// The largest difference over the largest expected magnitude; nil when that is not a number.
  /// - Parameters:
  ///   - values: The values.
  ///   - expected: What they should be.
  /// - Returns: 0 for values that are all as expected.
  /// - Precondition: As many values as expected.
  public static func relativeError(_ values: [Float], expected: [Float]) -> Double? {
    precondition(
      values.count == expected.count,
      "\(values.count) values for \(expected.count) expected ones"
    )
    var (difference, largest) = (Float(0), Float(0))
    for (value, expectation) in zip(values, expected) {
      // `max` of Swift may lose a NaN; the sum does not.
      guard (value - expectation).isFinite else { return nil }
      difference = max(difference, abs(value - expectation))
      largest = max(largest, abs(expectation))
    }
    if difference == 0 { return 0 }
    return largest > 0 ? Double(difference) / Double(largest) : nil
  }
}
