/// The roughness of a free-form deformation, in mm⁻².
///
/// Rueckert et al. (1999), eq. 6: the mean over the control points within the domain, of the squares of all second derivatives of the
/// displacement, mixed ones twice; there the derivatives are small sums of coefficients, so that the
/// integral needs no quadrature. Affine displacements have none.
package struct BendingEnergy: Sendable {
  private struct Term: Sendable {
    /// Coefficient offsets that count, and how much.
    let taps: [(offset: Int, weight: Double)]
    /// How often the term stands in the sum.
    let factor: Double
  }

  private let size: SIMD3<Int>
  private let terms: [Term]

  /// Prepares a control grid.
  /// - Parameters:
  ///   - size: Control points along each axis.
  ///   - spacing: Their distance, mm.
  package init(size: SIMD3<Int>, spacing: SIMD3<Double>) {
    self.size = size
    // The cubic B-spline and its derivatives at −1, 0 and 1.
    let stencils: [[Double]] = [[1.0 / 6, 2.0 / 3, 1.0 / 6], [-0.5, 0, 0.5], [1.0, -2, 1]]
    let kinds: [(SIMD3<Int>, Double)] = [
      ([2, 0, 0], 1), ([0, 2, 0], 1), ([0, 0, 2], 1), ([1, 1, 0], 2), ([1, 0, 1], 2),
      ([0, 1, 1], 2),
    ]
    terms = kinds.map { orders, factor in
      var taps: [(Int, Double)] = []
      for c in -1...1 {
        for b in -1...1 {
          for a in -1...1 {
            var weight: Double = stencils[orders.x][a + 1]
            weight *= stencils[orders.y][b + 1]
            weight *= stencils[orders.z][c + 1]
            for axis in 0..<3 {
              for _ in 0..<orders[axis] { weight /= spacing[axis] }
            }
            if weight != 0 { taps.append((a + size.x * (b + size.y * c), weight)) }
          }
        }
      }
      return Term(taps: taps, factor: factor)
    }
  }

  /// The energy and its derivatives by the coefficients.
  /// - Parameters:
  ///   - parameters: Three numbers for each control point.
  ///   - weight: What energy and derivatives are multiplied by.
  ///   - gradient: The derivatives are added here.
  /// - Returns: The weighted energy.
  package func add(_ parameters: [Double], weight: Double, to gradient: inout [Double]) -> Double {
    let inner = size &- 2
    let scale = weight / Double(inner.x * inner.y * inner.z)
    var energy = 0.0
    parameters.withUnsafeBufferPointer { values in
      gradient.withUnsafeMutableBufferPointer { gradient in
        for z in 1...inner.z {
          for y in 1...inner.y {
            for x in 1...inner.x {
              let place = x + size.x * (y + size.y * z)
              for term in terms {
                var sum = SIMD3<Double>.zero
                for tap in term.taps {
                  let at = 3 * (place + tap.offset)
                  sum += SIMD3(values[at], values[at + 1], values[at + 2]) * tap.weight
                }
                energy += term.factor * (sum * sum).sum()
                let back = sum * (2 * scale * term.factor)
                for tap in term.taps {
                  let at = 3 * (place + tap.offset)
                  gradient[at] += back.x * tap.weight
                  gradient[at + 1] += back.y * tap.weight
                  gradient[at + 2] += back.z * tap.weight
                }
              }
            }
          }
        }
      }
    }
    return scale * energy
  }
}
