import Foundation
import Support

/// Numbers of reduced images by linear regression with a penalty on its weights, to compare networks with.
///
/// Hoerl and Kennard 1970, "Ridge regression". Every plane is reduced to a few cells; the penalty is the one
/// of a few whose errors on validation images are smallest.
package struct LinearBaseline {
  /// At most so many cells over all planes.
  private static let largestCount = 400
  /// The longest side of a reduced plane.
  private static let longestSide = 16
  /// Penalties that are tried, in multiples of the mean variance of a cell.
  private static let penalties = [0.001, 0.01, 0.1, 1, 10, 100]

  /// The penalty that was chosen.
  package let penalty: Double
  /// Rows and columns of a reduced plane.
  package let side: Int
  /// The numbers told of test images, `[image][target]`.
  package let predictions: [[Double]]

  /// Fits and predicts; nil for too few images, or images that do not differ.
  /// - Parameters:
  ///   - training: The images to learn from.
  ///   - validation: Those that choose the penalty; without any it is 1.
  ///   - test: Those whose numbers are told.
  ///   - interruption: Looked at between penalties.
  /// - Throws: `SupportError.interrupted`.
  package init?(
    _ training: FittedImages,
    validation: FittedImages,
    test: FittedImages,
    interruption: Interruption
  ) throws {
    let plan = training.plan
    guard training.count >= 2 else { return nil }
    let limit = Int((Double(Self.largestCount) / Double(plan.channels)).squareRoot())
    side = max(1, min(Self.longestSide, limit, plan.height, plan.width))
    let side = side
    func cells(_ images: FittedImages) -> [[Double]] {
      (0..<images.count).map { index in
        ImagePlanes(height: plan.height, width: plan.width, values: Array(images[index]))
          .resized(toHeight: side, width: side).values.map(Double.init)
      }
    }
    let rows = cells(training)
    let width = rows[0].count
    let count = Double(rows.count)
    let means = (0..<width).map { place in rows.reduce(0) { $0 + $1[place] } / count }
    let centred = rows.map { row in zip(row, means).map(-) }
    var products = [Double](repeating: 0, count: width * width)
    for row in centred {
      for i in 0..<width where row[i] != 0 {
        for j in 0...i { products[i * width + j] += row[i] * row[j] }
      }
    }
    let trace = (0..<width).reduce(0) { $0 + products[$1 * width + $1] }
    guard trace > 0, trace.isFinite else { return nil }
    let targets = training.items[0].targets.indices
    let middles = targets.map { target in
      training.items.reduce(0) { $0 + $1.targets[target] } / count
    }
    // Each number's errors count on the scale of its own spread.
    let spreads = targets.map { target -> Double in
      let sum = training.items.reduce(0.0) { $0 + abs($1.targets[target] - middles[target]) }
      return max(1e-12, sum / count)
    }
    let sides = targets.map { target -> [Double] in
      var sum = [Double](repeating: 0, count: width)
      for (row, item) in zip(centred, training.items) {
        let value = item.targets[target] - middles[target]
        for place in 0..<width { sum[place] += row[place] * value }
      }
      return sum
    }
    func fitted(_ penalty: Double) -> [[Double]]? {
      var matrix = products
      for place in 0..<width {
        matrix[place * width + place] += penalty * trace / Double(width)
      }
      guard Self.factorise(&matrix, width) else { return nil }
      return sides.map { Self.solve(matrix, width, $0) }
    }
    func told(_ weights: [[Double]], _ rows: [[Double]]) -> [[Double]] {
      rows.map { row in
        targets.map { target in
          row.indices.reduce(middles[target]) {
            $0 + weights[target][$1] * (row[$1] - means[$1])
          }
        }
      }
    }
    var best: (penalty: Double, weights: [[Double]], error: Double)?
    let held = cells(validation)
    for penalty in validation.count > 0 ? Self.penalties : [1] {
      try interruption.check()
      guard let weights = fitted(penalty) else { continue }
      let error = zip(told(weights, held), validation.items).reduce(0) { sum, entry in
        targets.reduce(sum) { part, target in
          let difference = (entry.0[target] - entry.1.targets[target]) / spreads[target]
          return part + difference * difference
        }
      }
      if best.map({ error < $0.error }) ?? true { best = (penalty, weights, error) }
    }
    guard let best else { return nil }
    penalty = best.penalty
    predictions = told(best.weights, cells(test))
  }

  /// Cholesky's lower factor of a symmetric matrix, in its place.
  private static func factorise(_ a: inout [Double], _ n: Int) -> Bool {
    for i in 0..<n {
      for j in 0...i {
        var sum = a[i * n + j]
        for k in 0..<j { sum -= a[i * n + k] * a[j * n + k] }
        if i == j {
          guard sum > 0, sum.isFinite else { return false }
          a[i * n + i] = sum.squareRoot()
        } else {
          a[i * n + j] = sum / a[j * n + j]
        }
      }
    }
    return true
  }

  private static func solve(_ factor: [Double], _ n: Int, _ right: [Double]) -> [Double] {
    var x = right
    for i in 0..<n {
      for k in 0..<i { x[i] -= factor[i * n + k] * x[k] }
      x[i] /= factor[i * n + i]
    }
    for i in (0..<n).reversed() {
      for k in i + 1..<n { x[i] -= factor[k * n + i] * x[k] }
      x[i] /= factor[i * n + i]
    }
    return x
  }
}
