import Foundation

/// Displacements and a gain that vary smoothly over a patch, on nodes a few voxels apart.
///
/// A node holds the displacement in its first three lanes (mm) and the factor on intensities in the
/// last. Between nodes the field is linear.
package struct SmoothField {
  /// Distance aimed at between nodes, mm; a third of the finest random grid.
  private static let nodeSpacing = 8.0
  /// Halvings of the velocity before the squarings.
  private static let squarings = 6

  /// Nodes along x, y and z.
  package let size: SIMD3<Int>
  /// Voxels between nodes along each axis.
  package let step: SIMD3<Double>
  /// The nodes, x fastest.
  package var nodes: [SIMD4<Float>]

  /// Makes the field of no displacement and the gain 1.
  /// - Parameters:
  ///   - patchSize: Voxels of the patch.
  ///   - spacing: Their distance, mm.
  package init(patchSize: SIMD3<Int>, spacing: SIMD3<Double>) {
    var (size, step) = (SIMD3<Int>.one, SIMD3<Double>.one)
    for axis in 0..<3 {
      let extent = Double(max(patchSize[axis] - 1, 1))
      size[axis] = Int((extent * spacing[axis] / Self.nodeSpacing).rounded(.up)) + 1
      step[axis] = extent / Double(size[axis] - 1)
    }
    self.size = size
    self.step = step
    nodes = [SIMD4<Float>](repeating: [0, 0, 0, 1], count: size.x * size.y * size.z)
  }

  /// Displaces by the flow of a random stationary velocity field.
  ///
  /// Velocities are normal on a coarse grid, cubic between, and integrated by scaling and squaring
  /// (Arsigny et al., 2006, "A Log-Euclidean framework for statistics on diffeomorphisms"), so that
  /// nothing folds.
  package mutating func deform(
    deviation: Double,
    nodeSpacingMM: Double,
    seed: UInt64,
    spacing: SIMD3<Double>
  ) {
    guard deviation > 0 else { return }
    var noise = NoiseStream(seed: seed)
    let scale = Float(deviation / Double(1 << Self.squarings))
    for axis in 0..<3 {
      let values = upsampledNormals(every: nodeSpacingMM, spacing: spacing, noise: &noise)
      for i in nodes.indices { nodes[i][axis] = values[i] * scale }
    }
    let perMM = SIMD3<Float>(1 / (step * spacing))
    for _ in 0..<Self.squarings { square(nodesPerMM: perMM) }
  }

  /// Multiplies intensities by the exponential of a smooth random field.
  mutating func shade(
    deviation: Double,
    nodeSpacingMM: Double,
    seed: UInt64,
    spacing: SIMD3<Double>
  ) {
    guard deviation > 0 else { return }
    var noise = NoiseStream(seed: seed)
    let values = upsampledNormals(every: nodeSpacingMM, spacing: spacing, noise: &noise)
    for i in nodes.indices { nodes[i].w = expf(Float(deviation) * values[i]) }
  }

  /// Normals on a coarse grid, brought to the nodes by cubic interpolation.
  private func upsampledNormals(
    every distance: Double,
    spacing: SIMD3<Double>,
    noise: inout NoiseStream
  ) -> [Float] {
    var passes: [BandedPass] = []
    var coarse = SIMD3<Int>.one
    for axis in 0..<3 {
      let places = (0..<size[axis]).map { 1 + Double($0) * step[axis] * spacing[axis] / distance }
      coarse[axis] = Int(places[places.count - 1].rounded(.down)) + 3
      passes.append(.cubic(inputs: coarse[axis], places: places))
    }
    var values = (0..<coarse.x * coarse.y * coarse.z).map { _ in noise.next() }
    for axis in 0..<3 {
      var larger = coarse
      larger[axis] = size[axis]
      values = [Float](unsafeUninitializedCapacity: larger.x * larger.y * larger.z) { room, count in
        if let target = room.baseAddress {
          _ = passes[axis].apply(values, size: coarse, axis: axis, into: target)
        }
        count = larger.x * larger.y * larger.z
      }
      coarse = larger
    }
    return values
  }

  /// u(x) becomes u(x) + u(x + u(x)).
  private mutating func square(nodesPerMM: SIMD3<Float>) {
    let source = nodes
    let last = SIMD3<Float>(SIMD3<Float>(size &- 1))
    source.withUnsafeBufferPointer { values in
      var index = 0
      for z in 0..<size.z {
        for y in 0..<size.y {
          for x in 0..<size.x {
            let u = values[index]
            let place =
              SIMD3<Float>(Float(x), Float(y), Float(z)) + SIMD3(u.x, u.y, u.z) * nodesPerMM
            let moved = interpolate(values, at: place.clamped(lowerBound: .zero, upperBound: last))
            nodes[index] = SIMD4(u.x + moved.x, u.y + moved.y, u.z + moved.z, u.w)
            index += 1
          }
        }
      }
    }
  }

  private func interpolate(
    _ values: UnsafeBufferPointer<SIMD4<Float>>,
    at place: SIMD3<Float>
  ) -> SIMD4<Float> {
    let x = min(Int(place.x), size.x - 2)
    let y = min(Int(place.y), size.y - 2)
    let z = min(Int(place.z), size.z - 2)
    let (fx, fy, fz) = (place.x - Float(x), place.y - Float(y), place.z - Float(z))
    let start = (z * size.y + y) * size.x + x
    func row(_ index: Int) -> SIMD4<Float> {
      values[index] + (values[index + 1] - values[index]) * fx
    }
    func plane(_ index: Int) -> SIMD4<Float> {
      let first = row(index)
      return first + (row(index + size.x) - first) * fy
    }
    let first = plane(start)
    return first + (plane(start + size.x * size.y) - first) * fz
  }
}
