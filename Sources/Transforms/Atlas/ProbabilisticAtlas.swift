import Support

/// How likely each kind of tissue is at each place of a head.
///
/// Places are mm to the right, front and head from the middle of the brain. The atlas is symmetric: a
/// class has one map for both sides, and a map of its own says which side a place is on.
package struct ProbabilisticAtlas: Sendable {
  /// The most classes; a voxel's probabilities are one vector.
  package static let classLimit = 32

  /// The grid.
  package let grid: AtlasGrid
  /// The classes, at most ``classLimit``.
  package let classes: [AtlasClass]
  /// Probabilities of the classes, one vector for each point; each sums to 1.
  package let probabilities: [SIMD32<Float>]
  /// From −1 on the right to 1 on the left.
  package let sides: [Float]
  /// Where each label's middle lies, from label 1 on, mm; nil for labels of no map.
  package let centroids: [SIMD3<Double>?]

  /// The number of labels without background.
  package var labelCount: Int { centroids.count }

  package init(
    grid: AtlasGrid,
    classes: [AtlasClass],
    probabilities: [SIMD32<Float>],
    sides: [Float],
    centroids: [SIMD3<Double>?]
  ) {
    precondition(
      probabilities.count == grid.count && sides.count == grid.count
        && classes.count <= Self.classLimit,
      "\(probabilities.count) and \(sides.count) points for \(grid.count)"
    )
    self.grid = grid
    self.classes = classes
    self.probabilities = probabilities
    self.sides = sides
    self.centroids = centroids
  }

  /// The atlas on another grid of the same box, blurred.
  /// - Parameters:
  ///   - step: Distance of points, mm.
  ///   - deviation: The blur's, mm.
  /// - Returns: The atlas on the other grid.
  func coarsened(step: Double, deviation: Double) -> ProbabilisticAtlas {
    let target = grid.with(step: step)
    var result = [SIMD32<Float>](repeating: .zero, count: target.count)
    for index in classes.indices {
      let values = grid.smoothed(probabilities.map { $0[index] }, deviation: deviation, to: target)
      for place in values.indices { result[place][index] = values[place] }
    }
    for place in result.indices { result[place] /= max(result[place].total, 1e-6) }
    return ProbabilisticAtlas(
      grid: target,
      classes: classes,
      probabilities: result,
      sides: grid.linear(sides, to: target),
      centroids: centroids
    )
  }
}

extension SIMD32<Float> {
  /// The sum of the lanes, by halves.
  @inline(__always)
  var total: Float {
    let a = lowHalf + highHalf
    let b = a.lowHalf + a.highHalf
    let c = b.lowHalf + b.highHalf
    let d = c.lowHalf + c.highHalf
    return d.x + d.y
  }
}

/// A place between eight points of a grid, with their weights.
struct GridPlace {
  /// The lowest of the eight points.
  let base: Int
  /// Shares of the way to the next point along each axis.
  let share: SIMD3<Float>

  /// Finds a place, in points from the grid's first one; places outside move to the border.
  @inline(__always)
  init(_ place: SIMD3<Float>, size: SIMD3<Int>) {
    let points = SIMD3<Float>(Float(size.x), Float(size.y), Float(size.z))
    let limit: SIMD3<Float> = points - SIMD3<Float>(repeating: 1.001)
    let inside: SIMD3<Float> = pointwiseMax(pointwiseMin(place, limit), SIMD3<Float>.zero)
    let (x, y, z) = (Int(inside.x), Int(inside.y), Int(inside.z))
    base = x + size.x * (y + size.y * z)
    share = inside - SIMD3<Float>(Float(x), Float(y), Float(z))
  }

  /// Weights of the eight points, x fastest.
  @inline(__always)
  var weights: SIMD8<Float> {
    let rest: SIMD3<Float> = SIMD3<Float>.one - share
    let plane = SIMD4<Float>(
      rest.x * rest.y,
      share.x * rest.y,
      rest.x * share.y,
      share.x * share.y
    )
    return SIMD8<Float>(lowHalf: plane * rest.z, highHalf: plane * share.z)
  }

  /// Steps in memory from the lowest point to each of the eight.
  @inline(__always)
  static func steps(_ size: SIMD3<Int>) -> [Int] {
    let (row, plane) = (size.x, size.x * size.y)
    return [0, 1, row, row + 1, plane, plane + 1, plane + row, plane + row + 1]
  }
}
