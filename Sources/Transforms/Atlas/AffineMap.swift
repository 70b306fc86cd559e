import Imaging

/// A linear map of points and a shift: x ↦ A x + b.
package struct AffineMap: Sendable, Equatable, Codable {
  /// The columns of A.
  package var columns: [SIMD3<Double>]
  /// The shift b.
  package var shift: SIMD3<Double>

  /// Creates a map from its parts.
  /// - Parameters:
  ///   - columns: The three columns of the matrix.
  ///   - shift: What is added.
  package init(columns: [SIMD3<Double>], shift: SIMD3<Double>) {
    precondition(columns.count == 3, "\(columns.count) columns")
    self.columns = columns
    self.shift = shift
  }

  /// The map that changes nothing.
  package static let identity = AffineMap(
    columns: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    shift: .zero
  )

  /// Scales the axes and then shifts.
  package init(scale: SIMD3<Double>, shift: SIMD3<Double>) {
    self.init(
      columns: [[scale.x, 0, 0], [0, scale.y, 0], [0, 0, scale.z]],
      shift: shift
    )
  }

  /// The image of a point.
  package func callAsFunction(_ point: SIMD3<Double>) -> SIMD3<Double> {
    var sum = shift
    for axis in 0..<3 { sum += columns[axis] * point[axis] }
    return sum
  }

  /// This map after another.
  package func after(_ other: AffineMap) -> AffineMap {
    AffineMap(
      columns: other.columns.map { self($0) - shift },
      shift: self(other.shift)
    )
  }

  /// The determinant of A, by which volumes grow.
  package var determinant: Double { dot(columns[0], cross(columns[1], columns[2])) }

  /// The map that undoes this one.
  /// - Precondition: The determinant is not 0.
  package var inverse: AffineMap {
    let (a, b, c) = (columns[0], columns[1], columns[2])
    let determinant = determinant
    precondition(determinant != 0, "a map without an inverse")
    let rows = [cross(b, c), cross(c, a), cross(a, b)].map { $0 / determinant }
    let inverse = AffineMap(
      columns: (0..<3).map { [rows[0][$0], rows[1][$0], rows[2][$0]] },
      shift: .zero
    )
    return AffineMap(columns: inverse.columns, shift: -inverse(shift))
  }

  /// The map that brings points nearest to others, by weighted least squares.
  ///
  /// A little of every change from a mere shift is punished, so that few or flat sets of points do not
  /// give wild maps.
  /// - Parameters:
  ///   - points: Points.
  ///   - targets: Where each should go.
  ///   - weights: How much each counts.
  /// - Returns: The map; nil when nothing counts.
  package static func fit(
    _ points: [SIMD3<Double>],
    to targets: [SIMD3<Double>],
    weights: [Double]
  ) -> AffineMap? {
    let total = weights.reduce(0, +)
    guard total > 0 else { return nil }
    func mean(_ values: [SIMD3<Double>]) -> SIMD3<Double> {
      var sum = SIMD3<Double>.zero
      for (value, weight) in zip(values, weights) { sum += value * weight }
      return sum / total
    }
    let (from, to) = (mean(points), mean(targets))
    var normal = [Double](repeating: 0, count: 9)
    var right = [[Double]](repeating: [0, 0, 0], count: 3)
    for ((point, target), weight) in zip(zip(points, targets), weights) {
      let (p, t) = (point - from, target - to)
      for i in 0..<3 {
        for j in 0..<3 {
          normal[3 * i + j] += weight * p[i] * p[j]
          right[j][i] += weight * p[i] * t[j]
        }
      }
    }
    let trace: Double = normal[0] + normal[4] + normal[8]
    let ridge: Double = 1e-3 * trace / 3 + 1e-9
    for i in 0..<3 {
      normal[4 * i] += ridge
      right[i][i] += ridge
    }
    let rows = right.compactMap { LinearSystem.solve(normal, $0) }
    guard rows.count == 3 else { return nil }
    let linear = AffineMap(
      columns: (0..<3).map { [rows[0][$0], rows[1][$0], rows[2][$0]] },
      shift: .zero
    )
    return AffineMap(columns: linear.columns, shift: to - linear(from))
  }
}
