import Support

/// Smooth random displacements: cubic B-splines over a grid of control points.
///
/// A free-form deformation (Rueckert et al., "Nonrigid registration using free-form deformations",
/// IEEE Transactions on Medical Imaging 18, 1999, equation 1). The control points' displacements are
/// uniform, and no voxel moves further than they. nnU-Net's own field, off by default, is
/// smoothed noise scaled to a maximum, which may fold.
struct ElasticField {
  private let spacing: Double
  /// Control points along x, y and z; the first lies one spacing before the patch.
  private let counts: SIMD3<Int>
  private let points: [SIMD3<Double>]
  /// For each column the first of its four control points, and their weights.
  private let columns: [(first: Int, weights: SIMD4<Double>)]

  /// Draws the control points; nil when nothing is displaced.
  init?(magnitude: SIMD3<Double>, spacing: Double, seed: UInt64, size: SIMD3<Int>) {
    guard magnitude != [0, 0, 0] else { return nil }
    precondition(spacing > 0, "control points \(spacing) voxels apart")
    self.spacing = spacing
    var counts = SIMD3<Int>()
    for axis in 0..<3 { counts[axis] = Int(Double(size[axis] - 1) / spacing) + 4 }
    self.counts = counts
    columns = (0..<size.x).map { Self.weights($0, spacing) }
    var random = RandomStream(seed: seed)
    points = (0..<counts.x * counts.y * counts.z).map { _ in
      SIMD3(
        random.uniform(in: -1..<1),
        random.uniform(in: -1..<1),
        random.uniform(in: -1..<1)
      ) * magnitude
    }
  }

  /// The first of the four control points of a voxel along an axis, and their weights.
  private static func weights(
    _ index: Int,
    _ spacing: Double
  ) -> (first: Int, weights: SIMD4<Double>) {
    let place = Double(index) / spacing
    let first = Int(place)
    let t = place - Double(first)
    let (s, t2, t3) = (1 - t, t * t, t * t * t)
    return (
      first, SIMD4(s * s * s, 3 * t3 - 6 * t2 + 4, -3 * t3 + 3 * t2 + 3 * t + 1, t3) / 6
    )
  }

  /// The displacements of one row of voxels.
  func displacements(y: Int, z: Int, into row: inout [SIMD3<Double>]) {
    let (firstY, weightsY) = Self.weights(y, spacing)
    let (firstZ, weightsZ) = Self.weights(z, spacing)
    var line = [SIMD3<Double>](repeating: .zero, count: counts.x)
    for k in 0..<4 {
      for j in 0..<4 {
        let start = ((firstZ + k) * counts.y + firstY + j) * counts.x
        let weight = weightsZ[k] * weightsY[j]
        for i in 0..<counts.x { line[i] += weight * points[start + i] }
      }
    }
    for (x, (first, w)) in columns.enumerated() {
      row[x] =
        w[0] * line[first] + w[1] * line[first + 1] + w[2] * line[first + 2] + w[3]
        * line[first + 3]
    }
  }
}
