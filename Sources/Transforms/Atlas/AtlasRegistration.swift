import Foundation
import Support

/// Moves an atlas onto an image by the pull of its evidence.
///
/// Steps are those of Gauss and Newton with the squared pull as curvature; displacements follow a
/// smoothed pull (a fluid) and are smoothed themselves (an elastic), so that they hardly fold.
struct AtlasRegistration {
  /// Deviation of the fluid's smoothing, mm.
  static let fluidMM = 6.0
  /// Deviation of the elastic's smoothing, mm.
  static let elasticMM = 3.0
  /// Curvature that is added, times the squared distance of points; it stops where nothing pulls.
  static let stiffness = 0.02
  /// The largest step, points.
  static let stepLimit: Float = 0.5
  /// The largest step of an affine map, mm.
  static let affineLimitMM = 4.0

  /// A step of all twelve numbers of an affine map.
  /// - Parameters:
  ///   - forces: The pull at each point.
  ///   - grid: The points.
  ///   - current: The map so far, from points to the atlas.
  /// - Returns: The better map.
  static func affineStep(
    _ forces: AtlasExpectation.Field,
    grid: AtlasGrid,
    current: AffineMap
  ) -> AffineMap {
    let plane = grid.size.x * grid.size.y
    let scale = 50.0
    let results = PlaneResults<[Double]>(count: grid.size.z)
    Parallelism.forEach(grid.size.z) { z in
      // The upper triangle of the curvature and then the pull.
      var sums = [Double](repeating: 0, count: 78 + 12)
      var row = [Double](repeating: 0, count: 12)
      for index in z * plane..<(z + 1) * plane {
        let force = SIMD3<Double>(
          Double(forces.x[index]),
          Double(forces.y[index]),
          Double(forces.z[index])
        )
        guard force != .zero else { continue }
        let y = (index - z * plane) / grid.size.x
        let voxel = SIMD3<Double>(Double(index % grid.size.x), Double(y), Double(z))
        let point: SIMD3<Double> = current(grid.origin + voxel * grid.step) / scale
        for axis in 0..<3 {
          row[axis] = force[axis] * point.x
          row[3 + axis] = force[axis] * point.y
          row[6 + axis] = force[axis] * point.z
          row[9 + axis] = force[axis]
        }
        var place = 0
        for i in 0..<12 {
          for j in i..<12 {
            sums[place] += row[i] * row[j]
            place += 1
          }
          sums[78 + i] += row[i]
        }
      }
      results.set(z, sums)
    }
    var sums = [Double](repeating: 0, count: 90)
    for part in results.values { for index in sums.indices { sums[index] += part[index] } }
    var matrix = [Double](repeating: 0, count: 144)
    var place = 0
    for i in 0..<12 {
      for j in i..<12 {
        matrix[12 * i + j] = sums[place]
        matrix[12 * j + i] = sums[place]
        place += 1
      }
    }
    var trace = 0.0
    for i in 0..<12 { trace += matrix[13 * i] }
    let ridge = trace / 12 * 1e-3 + 1e-9
    for i in 0..<12 { matrix[13 * i] += ridge }
    guard let step = LinearSystem.solve(matrix, Array(sums[78...])) else { return current }
    var change = AffineMap(
      columns: (0..<3).map { (column: Int) -> SIMD3<Double> in
        SIMD3<Double>(step[3 * column], step[3 * column + 1], step[3 * column + 2]) / scale
      },
      shift: SIMD3(step[9], step[10], step[11])
    )
    var largest = 0.0
    for corner in 0..<8 {
      let place = AtlasGrid.corner(corner, .zero, SIMD3<Double>(grid.size &- 1))
      let moved = change(grid.positions(place))
      largest = max(largest, (moved * moved).sum().squareRoot())
    }
    let share = largest > affineLimitMM ? affineLimitMM / largest : 1
    change = AffineMap(columns: change.columns.map { $0 * share }, shift: change.shift * share)
    for axis in 0..<3 { change.columns[axis][axis] += 1 }
    return change.after(current)
  }

  /// The displacements that an affine map makes.
  static func displacement(_ map: AffineMap, grid: AtlasGrid) -> AtlasExpectation.Field {
    var field = AtlasExpectation.Field(zeros: grid.count)
    var index = 0
    for z in 0..<grid.size.z {
      for y in 0..<grid.size.y {
        for x in 0..<grid.size.x {
          let point = grid.positions([Double(x), Double(y), Double(z)])
          let moved = map(point) - point
          field.x[index] = Float(moved.x)
          field.y[index] = Float(moved.y)
          field.z[index] = Float(moved.z)
          index += 1
        }
      }
    }
    return field
  }

  /// A step of the displacements.
  /// - Parameters:
  ///   - displacement: The displacements, mm.
  ///   - forces: The pull at each point.
  ///   - grid: The points.
  ///   - stiffness: See ``stiffness``.
  static func step(
    _ displacement: inout AtlasExpectation.Field,
    forces: AtlasExpectation.Field,
    grid: AtlasGrid,
    stiffness: Double = AtlasRegistration.stiffness
  ) {
    var curvature = [Float](repeating: 0, count: grid.count)
    for index in curvature.indices {
      let force = SIMD3<Float>(forces.x[index], forces.y[index], forces.z[index])
      curvature[index] = (force * force).sum()
    }
    // Both sums are as smooth as a coarser grid can hold.
    let coarse = grid.with(step: max(grid.step, fluidMM / 1.5))
    let inputs = [forces.x, forces.y, forces.z, curvature]
    let smooth = PlaneResults<[Float]>(count: 4)
    Parallelism.forEach(4) {
      smooth.set($0, grid.smoothed(inputs[$0], deviation: fluidMM, to: coarse))
    }
    var parts = smooth.values
    let added = Float(stiffness / (grid.step * grid.step))
    var largest: Float = 0
    for index in 0..<coarse.count {
      let weight = 1 / (parts[3][index] + added)
      var square: Float = 0
      for axis in 0..<3 {
        parts[axis][index] *= weight
        square += parts[axis][index] * parts[axis][index]
      }
      largest = max(largest, square)
    }
    largest = largest.squareRoot()
    let limit = stepLimit * Float(grid.step)
    let share = largest > limit ? limit / largest : 1
    let old = [displacement.x, displacement.y, displacement.z]
    let moved = PlaneResults<[Float]>(count: 3)
    let steps = parts
    Parallelism.forEach(3) { axis in
      var values = coarse.linear(steps[axis], to: grid)
      for index in values.indices { values[index] = old[axis][index] + share * values[index] }
      moved.set(axis, grid.smoothed(values, deviation: elasticMM))
    }
    let new = moved.values
    displacement.x = new[0]
    displacement.y = new[1]
    displacement.z = new[2]
  }
}
