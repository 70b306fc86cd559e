import Foundation

/// Ways to fill holes in an image without any learning, from the border of what is known.
public enum ClassicalFilling: String, Codable, Sendable, CaseIterable {
  /// Laplace's equation: every hidden pixel is the weighted mean of its neighbours.
  case harmonic
  /// The biharmonic equation, which continues slopes too (Damelin and Hoang 2018): the squares of the
  /// discrete Laplacian, of all pixels, have the least sum.
  case biharmonic

  /// The residual, over the right side's norm, at which conjugate gradients end.
  public static let tolerance = 1e-8

  /// Fills a plane.
  ///
  /// Five-point Laplacian, weights of neighbours by the squared inverse of their distance; nothing flows over
  /// the image's edge. Solved by conjugate gradients with Jacobi's preconditioner (Hestenes and Stiefel
  /// 1952) in double precision, to a relative residual of `tolerance`.
  /// - Parameters:
  ///   - plane: Values, rows from the top; those of hidden pixels do not matter.
  ///   - hidden: Whether each pixel is to be filled.
  ///   - width: Columns.
  ///   - spacing: The distance of columns and of rows.
  /// - Returns: The plane with other values where it is hidden.
  /// - Precondition: A pixel is known, and known values are finite.
  public func filled(
    _ plane: [Float],
    hidden: [Bool],
    width: Int,
    spacing: SIMD2<Double> = [1, 1]
  ) -> [Float] {
    precondition(
      plane.count == hidden.count && plane.count % width == 0 && hidden.contains(false),
      "\(plane.count) values, \(hidden.count) marks, \(width) columns"
    )
    guard hidden.contains(true) else { return plane }
    let nearest = min(spacing.x, spacing.y)
    let laplacian = PlaneLaplacian(
      width: width,
      height: plane.count / width,
      weights: [
        (nearest / spacing.x) * (nearest / spacing.x),
        (nearest / spacing.y) * (nearest / spacing.y),
      ]
    )
    let places = hidden.indices.filter { hidden[$0] }
    let known = plane.indices.map { hidden[$0] ? 0 : Double(plane[$0]) }
    func applied(_ x: [Double]) -> [Double] {
      let once = laplacian.applied(x)
      return self == .harmonic ? once : laplacian.applied(once)
    }
    // With u = known + e the equation (A u = 0 at hidden places) is A e = −A known there.
    let right = applied(known)
    let b = places.map { -right[$0] }
    let diagonal = places.map { laplacian.diagonal(at: $0, squared: self == .biharmonic) }
    var scratch = [Double](repeating: 0, count: plane.count)
    let solution = Self.solved(b, diagonal: diagonal) { x in
      for (index, place) in places.enumerated() { scratch[place] = x[index] }
      let all = applied(scratch)
      return places.map { all[$0] }
    }
    var result = plane
    for (index, place) in places.enumerated() { result[place] = Float(solution[index]) }
    return result
  }

  /// Conjugate gradients from 0.
  private static func solved(
    _ b: [Double],
    diagonal: [Double],
    _ multiply: ([Double]) -> [Double]
  ) -> [Double] {
    func product(_ x: [Double], _ y: [Double]) -> Double {
      var sum = 0.0
      for place in x.indices { sum += x[place] * y[place] }
      return sum
    }
    var x = [Double](repeating: 0, count: b.count)
    var residual = b
    let goal = tolerance * tolerance * product(b, b)
    var scaled = zip(residual, diagonal).map { $0 / $1 }
    var direction = scaled
    var slope = product(residual, scaled)
    // Exact arithmetic needs as many steps as unknowns; rounding some more.
    for _ in 0..<(10 * b.count + 100) where product(residual, residual) > goal {
      let image = multiply(direction)
      let curvature = product(direction, image)
      guard curvature > 0 else { break }
      let step = slope / curvature
      for place in x.indices {
        x[place] += step * direction[place]
        residual[place] -= step * image[place]
      }
      scaled = zip(residual, diagonal).map { $0 / $1 }
      let next = product(residual, scaled)
      for place in x.indices { direction[place] = scaled[place] + next / slope * direction[place] }
      slope = next
    }
    return x
  }
}

/// The weighted differences of pixels to their neighbours, summed; symmetric, and 0 for constants.
struct PlaneLaplacian {
  let width: Int
  let height: Int
  /// Of neighbours along rows, and along columns.
  let weights: SIMD2<Double>

  func applied(_ u: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: u.count)
    for y in 0..<height {
      for x in 0..<width {
        let place = y * width + x
        if x + 1 < width {
          let flow = weights.x * (u[place] - u[place + 1])
          result[place] += flow
          result[place + 1] -= flow
        }
        if y + 1 < height {
          let flow = weights.y * (u[place] - u[place + width])
          result[place] += flow
          result[place + width] -= flow
        }
      }
    }
    return result
  }

  /// The diagonal of the matrix, or of its square.
  func diagonal(at place: Int, squared: Bool) -> Double {
    let (x, y) = (place % width, place / width)
    let along = [x > 0, x + 1 < width].reduce(0.0) { $0 + ($1 ? 1 : 0) }
    let across = [y > 0, y + 1 < height].reduce(0.0) { $0 + ($1 ? 1 : 0) }
    let own = along * weights.x + across * weights.y
    // A single pixel has no neighbours.
    guard own > 0 else { return 1 }
    return squared
      ? own * own + along * weights.x * weights.x + across * weights.y * weights.y : own
  }
}
