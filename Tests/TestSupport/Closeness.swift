import Tensors
import Testing

/// How far two numbers may be apart: `absolute + relative · |expected|`.
public struct Tolerance: Sendable {
  /// The part that does not depend on the expected value.
  public let absolute: Double
  /// The part in proportion to the expected value.
  public let relative: Double

  /// Creates a tolerance.
  /// - Parameters:
  ///   - absolute: The part that does not depend on the expected value.
  ///   - relative: The part in proportion to the expected value.
  /// - Precondition: Both are at least 0, and not both are 0.
  public init(absolute: Double, relative: Double) {
    precondition(
      absolute >= 0 && relative >= 0 && absolute + relative > 0,
      "the tolerance \(absolute) + \(relative) allows nothing"
    )
    self.absolute = absolute
    self.relative = relative
  }

  /// How many times the allowed distance two numbers are apart; infinite when one is not a number.
  /// - Parameters:
  ///   - actual: The computed number.
  ///   - expected: The number that it should be.
  /// - Returns: At most 1 for close numbers.
  func excess(_ actual: Double, _ expected: Double) -> Double {
    if actual == expected || (actual.isNaN && expected.isNaN) { return 0 }
    guard actual.isFinite, expected.isFinite else { return .infinity }
    return abs(actual - expected) / (absolute + relative * abs(expected))
  }
}

/// Records an issue unless all numbers are close; it names the worst index and both values.
/// - Parameters:
///   - actual: The computed numbers.
///   - expected: The numbers that they should be, as many.
///   - tolerance: How far apart they may be.
///   - what: What is compared, for the message.
///   - sourceLocation: Where the issue is reported.
public func expectClose(
  _ actual: [Double],
  _ expected: [Double],
  _ tolerance: Tolerance,
  _ what: String = "values",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.count == expected.count else {
    Issue.record(
      "\(what): \(actual.count) values instead of \(expected.count)",
      sourceLocation: sourceLocation
    )
    return
  }
  var worst: (index: Int, excess: Double) = (0, 0)
  var count = 0
  for index in actual.indices {
    let excess = tolerance.excess(actual[index], expected[index])
    if excess > 1 { count += 1 }
    if excess > worst.excess { worst = (index, excess) }
  }
  guard count > 0 else { return }
  Issue.record(
    """
    \(what): \(count) of \(actual.count) differ; worst at index \(worst.index): \
    \(actual[worst.index]) instead of \(expected[worst.index]), \(worst.excess) times the \
    tolerance \(tolerance.absolute) + \(tolerance.relative) · |expected|
    """,
    sourceLocation: sourceLocation
  )
}

/// The same for single-precision numbers.
/// - Parameters:
///   - actual: The computed numbers.
///   - expected: The numbers that they should be, as many.
///   - tolerance: How far apart they may be.
///   - what: What is compared, for the message.
///   - sourceLocation: Where the issue is reported.
public func expectClose(
  _ actual: [Float],
  _ expected: [Float],
  _ tolerance: Tolerance,
  _ what: String = "values",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose(
    actual.map { Double($0) },
    expected.map { Double($0) },
    tolerance,
    what,
    sourceLocation: sourceLocation
  )
}

/// The same for tensors, whose shapes must be equal; layouts may differ.
/// - Parameters:
///   - actual: The computed tensor.
///   - expected: The tensor that it should be.
///   - tolerance: How far apart values may be.
///   - what: What is compared, for the message.
///   - sourceLocation: Where the issue is reported.
public func expectClose(
  _ actual: Tensor,
  _ expected: Tensor,
  _ tolerance: Tolerance,
  _ what: String = "values",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record(
      "\(what): the shape \(actual.shape) instead of \(expected.shape)",
      sourceLocation: sourceLocation
    )
    return
  }
  expectClose(
    actual.values,
    expected.values,
    tolerance,
    what,
    sourceLocation: sourceLocation
  )
}
