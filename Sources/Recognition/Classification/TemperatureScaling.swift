import Foundation

/// The temperature by which scores are divided so that probabilities come true.
///
/// Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks", section 4.2: the
/// one that makes the negative logarithmic likelihood least on images that were not trained on. Which class
/// is the most probable stays as it is.
package enum TemperatureScaling {
  /// Temperatures between which it is looked for.
  static let range = 0.05...20.0

  /// Finds the temperature by golden-section search over its logarithm.
  /// - Parameters:
  ///   - scores: The last layer's output of each image.
  ///   - classes: The true classes of each.
  ///   - areFindings: Whether each class is told on its own.
  /// - Returns: The temperature; 1 without an image.
  package static func temperature(
    scores: [[Float]],
    classes: [[Int]],
    areFindings: Bool
  ) -> Double {
    guard !scores.isEmpty else { return 1 }
    let ratio = (5.0.squareRoot() - 1) / 2
    var (low, high) = (log(range.lowerBound), log(range.upperBound))
    func cost(_ logarithm: Double) -> Double {
      let temperature = exp(logarithm)
      return zip(scores, classes).reduce(0) { sum, pair in
        sum + loss(pair.0.map { Double($0) / temperature }, pair.1, areFindings)
      }
    }
    var (left, right) = (high - ratio * (high - low), low + ratio * (high - low))
    var (leftCost, rightCost) = (cost(left), cost(right))
    while high - low > 1e-4 {
      if leftCost < rightCost {
        (high, right, rightCost) = (right, left, leftCost)
        left = high - ratio * (high - low)
        leftCost = cost(left)
      } else {
        (low, left, leftCost) = (left, right, rightCost)
        right = low + ratio * (high - low)
        rightCost = cost(right)
      }
    }
    return exp((low + high) / 2)
  }

  private static func loss(_ scores: [Double], _ classes: [Int], _ areFindings: Bool) -> Double {
    if areFindings {
      return scores.enumerated().reduce(0) { sum, entry in
        let signed = classes.contains(entry.offset) ? -entry.element : entry.element
        return sum + (signed > 30 ? signed : log1p(exp(signed)))
      }
    }
    let largest = scores.max() ?? 0
    let total = scores.reduce(0) { $0 + exp($1 - largest) }
    return log(total) + largest - (classes.first.map { scores[$0] } ?? largest)
  }
}

/// Sets of classes that hold the true one with a given probability.
///
/// Split conformal prediction with the least ambiguous score (Sadinle, Lei and Wasserman 2019): a class is
/// in the set when its probability is at least a quantile of the true classes' probabilities on images that
/// were not trained on. It holds for images of the same origin, on average over them.
package enum ConformalSets {
  /// The least probability of a class in the set.
  /// - Parameters:
  ///   - probabilities: Of the true class of each image.
  ///   - coverage: The share of images whose true class should be in the set.
  /// - Returns: The threshold; 0, so that all classes are in, where there are too few images.
  package static func leastProbability(_ probabilities: [Double], coverage: Double) -> Double {
    let sorted = probabilities.sorted()
    // ⌊(n + 1)(1 − coverage)⌋ of the smallest may be missed.
    let rank = Int((Double(sorted.count + 1) * (1 - coverage) + 1e-9).rounded(.down))
    return rank >= 1 && !sorted.isEmpty ? sorted[min(rank, sorted.count) - 1] : 0
  }
}
