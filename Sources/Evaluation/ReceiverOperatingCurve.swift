import Foundation

/// How well a score separates positive from negative cases, for every threshold.
public struct ReceiverOperatingCurve: Equatable, Sendable {
  /// What a threshold does: cases with at least this score are called positive.
  public struct Point: Equatable, Sendable {
    /// The threshold; infinite at the first point, where nothing is called positive.
    public let threshold: Double
    /// The positive cases called positive.
    public let truePositives: Int
    /// The negative cases called positive.
    public let falsePositives: Int
  }

  /// The points by falling threshold, one for each distinct score and one before.
  public let points: [Point]
  /// The positive cases.
  public let positives: Int
  /// The negative cases.
  public let negatives: Int
  /// The area under the curve: the chance that a positive case scores above a negative one.
  ///
  /// Ties count one half (Hanley and McNeil 1982). 0.5 is chance, 1 perfect.
  public let area: Double
  /// The variance of the area (DeLong, DeLong and Clarke-Pearson 1988, "Comparing the areas under
  /// two or more correlated receiver operating characteristic curves"); nil with fewer than two
  /// cases of a kind.
  public let areaVariance: Double?

  /// Draws the curve; nil unless there are positive and negative cases.
  /// - Parameters:
  ///   - scores: One finite score a case, higher for positive ones.
  ///   - isPositive: The truth of each case.
  /// - Precondition: As many scores as truths.
  public init?(scores: [Double], isPositive: [Bool]) {
    precondition(scores.count == isPositive.count, "\(scores.count) and \(isPositive.count) cases")
    let total = isPositive.count { $0 }
    guard total > 0, total < scores.count else { return nil }
    positives = total
    negatives = scores.count - total
    let order = scores.indices.sorted { scores[$0] > scores[$1] }
    var points = [Point(threshold: .infinity, truePositives: 0, falsePositives: 0)]
    var (hits, alarms) = (0, 0)
    for (rank, index) in order.enumerated() {
      if isPositive[index] { hits += 1 } else { alarms += 1 }
      let isLast = rank + 1 == order.count || scores[order[rank + 1]] < scores[index]
      if isLast {
        points.append(
          Point(threshold: scores[index], truePositives: hits, falsePositives: alarms)
        )
      }
    }
    self.points = points
    var twice = 0
    for (a, b) in zip(points, points.dropFirst()) {
      twice += (b.falsePositives - a.falsePositives) * (a.truePositives + b.truePositives)
    }
    area = Double(twice) / 2 / (Double(positives) * Double(negatives))
    areaVariance = Self.variance(points, positives: positives, negatives: negatives, area: area)
  }

  /// The share of the true positives at each point.
  public var sensitivities: [Double] {
    points.map { Double($0.truePositives) / Double(positives) }
  }

  /// One less the share of negatives called positive, at each point.
  public var specificities: [Double] {
    points.map { 1 - Double($0.falsePositives) / Double(negatives) }
  }

  /// The average precision: the sum over thresholds of the precision times the gain in recall,
  /// without interpolation, as scikit-learn's `average_precision_score`.
  public var averagePrecision: Double {
    var sum = 0.0
    for (a, b) in zip(points, points.dropFirst()) {
      let called = b.truePositives + b.falsePositives
      sum +=
        Double(b.truePositives - a.truePositives) / Double(positives)
        * Double(b.truePositives) / Double(called)
    }
    return sum
  }

  /// The 95 % confidence interval of the area by DeLong's variance and the normal distribution, cut
  /// to 0...1; nil without a variance.
  public var areaInterval: ClosedRange<Double>? {
    guard let areaVariance else { return nil }
    let half = 1.959_963_984_540_054 * areaVariance.squareRoot()
    return max(0, area - half)...min(1, area + half)
  }

  /// The variances of each case's share in the area, over the numbers of cases.
  private static func variance(
    _ points: [Point],
    positives: Int,
    negatives: Int,
    area: Double
  ) -> Double? {
    guard positives > 1, negatives > 1 else { return nil }
    var (ofPositives, ofNegatives) = (0.0, 0.0)
    for (a, b) in zip(points, points.dropFirst()) {
      // All cases of one score: negatives below them, positives above, ties one half.
      let newPositives = Double(b.truePositives - a.truePositives)
      let newNegatives = Double(b.falsePositives - a.falsePositives)
      let below = (Double(negatives - b.falsePositives) + newNegatives / 2) / Double(negatives)
      let above = (Double(a.truePositives) + newPositives / 2) / Double(positives)
      ofPositives += newPositives * (below - area) * (below - area)
      ofNegatives += newNegatives * (above - area) * (above - area)
    }
    return ofPositives / Double(positives - 1) / Double(positives)
      + ofNegatives / Double(negatives - 1) / Double(negatives)
  }
}
