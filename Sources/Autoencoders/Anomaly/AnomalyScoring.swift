import Evaluation
import Foundation
import Pipelines

/// How unusual an image is, by what a network could not give back of it.
///
/// The residual of each pixel (image less reconstruction, on the scale on which the range of intensities is
/// 1) is divided by the root mean square that it has in normal images, plus `floor`; it is averaged over
/// squares of `window` pixels, signs kept, and its magnitude (of colours the mean) is the heat map. The score
/// is the mean over the share `share` of the pixels whose heat is largest.
package struct AnomalyScoring: Sendable {
  /// The numbers of the definition.
  package let plan: AutoencoderPlan.Anomaly
  /// Rows and columns of the network's grid.
  package let size: [Int]
  /// The root mean square of normal residuals plus the floor, one plane after another.
  package let deviations: [Float]

  /// Creates a scoring.
  /// - Parameters:
  ///   - plan: The numbers of the definition.
  ///   - size: Rows and columns of the network's grid.
  ///   - deviations: The root mean square of normal residuals plus the floor, one plane after another.
  package init(plan: AutoencoderPlan.Anomaly, size: [Int], deviations: [Float]) {
    (self.plan, self.size, self.deviations) = (plan, size, deviations)
  }

  /// Residuals of normal images, and what follows from them.
  package struct Fitted: Sendable {
    /// How images are scored.
    package let scoring: AnomalyScoring
    /// The score of each image, by deviations that it had no part in.
    package let scores: [Double]
    /// The threshold that a normal image exceeds with a chance of at most 1 − quantile.
    package let threshold: Double
  }

  /// Finds deviations and a threshold on normal images that were not trained on.
  ///
  /// The threshold is the ⌈(n + 1) q⌉-th smallest of n scores, the largest where that is beyond n (as in
  /// conformal prediction: Vovk, Gammerman and Shafer 2005).
  /// - Parameters:
  ///   - residuals: Of each image, one plane after another.
  ///   - plan: The numbers of the definition.
  ///   - size: Rows and columns of the network's grid.
  /// - Returns: The scoring with its threshold.
  /// - Precondition: At least two images of one size.
  package static func fitted(
    to residuals: [[Float]],
    plan: AutoencoderPlan.Anomaly,
    size: [Int]
  ) -> Fitted {
    precondition(residuals.count > 1, "\(residuals.count) images to find deviations on")
    var squares = [Double](repeating: 0, count: residuals[0].count)
    for residual in residuals {
      for place in squares.indices { squares[place] += Double(residual[place] * residual[place]) }
    }
    func deviations(without residual: [Float]?) -> [Float] {
      let number = Double(residuals.count - (residual == nil ? 0 : 1))
      return squares.indices.map { place in
        let own = residual.map { Double($0[place] * $0[place]) } ?? 0
        return Float((max(0, squares[place] - own) / number).squareRoot() + plan.floor)
      }
    }
    let scores = residuals.map { residual in
      AnomalyScoring(plan: plan, size: size, deviations: deviations(without: residual))
        .score(residual).score
    }
    let rank = ConformalIntervals.rank(of: scores.count, coverage: plan.quantile)
    let threshold = scores.sorted()[min(scores.count, max(1, rank)) - 1]
    return Fitted(
      scoring: AnomalyScoring(plan: plan, size: size, deviations: deviations(without: nil)),
      scores: scores,
      threshold: threshold
    )
  }

  /// Scores an image.
  /// - Parameter residual: Image less reconstruction, one plane after another.
  /// - Returns: The score, and the heat of each pixel.
  package func score(_ residual: [Float]) -> (score: Double, heat: [Float]) {
    let area = size[0] * size[1]
    let channels = residual.count / area
    var heat = [Float](repeating: 0, count: area)
    for channel in 0..<channels {
      let plane = (0..<area).map { place in
        residual[channel * area + place] / deviations[channel * area + place]
      }
      for (place, value) in averaged(plane).enumerated() {
        heat[place] += abs(value) / Float(channels)
      }
    }
    let count = max(1, Int((plan.share * Double(area)).rounded()))
    let sum = heat.sorted(by: >).prefix(count).reduce(0.0) { $0 + Double($1) }
    return (sum / Double(count), heat)
  }

  /// Means over squares, of the pixels that lie within the image.
  private func averaged(_ plane: [Float]) -> [Float] {
    let (rows, columns, reach) = (size[0], size[1], plan.window / 2)
    // Sums over rows above and left of each pixel.
    var sums = [Double](repeating: 0, count: (rows + 1) * (columns + 1))
    for y in 0..<rows {
      for x in 0..<columns {
        sums[(y + 1) * (columns + 1) + x + 1] =
          Double(plane[y * columns + x]) + sums[y * (columns + 1) + x + 1]
          + sums[(y + 1) * (columns + 1) + x] - sums[y * (columns + 1) + x]
      }
    }
    var result = plane
    for y in 0..<rows {
      let (top, bottom) = (max(0, y - reach), min(rows, y + reach + 1))
      for x in 0..<columns {
        let (left, right) = (max(0, x - reach), min(columns, x + reach + 1))
        let sum =
          sums[bottom * (columns + 1) + right] - sums[top * (columns + 1) + right]
          - sums[bottom * (columns + 1) + left] + sums[top * (columns + 1) + left]
        result[y * columns + x] = Float(sum / Double((bottom - top) * (right - left)))
      }
    }
    return result
  }

  /// What the score is, in words.
  package var definition: String {
    "mean over the \(100 * plan.share) % of the pixels with the largest heat; heat: the magnitude of the "
      + "mean, over \(plan.window) x \(plan.window) pixels of the network's grid of "
      + "\(size[0]) x \(size[1]), of residuals over their root mean square in normal images plus "
      + "\(plan.floor)"
  }
}
