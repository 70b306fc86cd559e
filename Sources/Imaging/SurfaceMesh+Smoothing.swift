extension SurfaceMesh {
  /// The shares of the way to the neighbours' mean in a shrinking and in a growing step.
  private static let shares = [0.5, -0.53]

  /// Takes steps away without shrinking (Taubin 1995, section 4.1, with equal weights).
  ///
  /// Triangles stay as they are; a vertex without neighbours stays where it is.
  /// - Parameter steps: The number of pairs of a shrinking and a growing step.
  public mutating func smooth(steps: Int) {
    guard steps > 0, !triangles.isEmpty else { return }
    var counts = [Double](repeating: 0, count: vertices.count)
    // In a closed surface each directed edge occurs once, so that each neighbour counts once.
    for corners in triangles {
      for place in 0..<3 { counts[Int(corners[place])] += 1 }
    }
    for step in 0..<(2 * steps) {
      var sums = [SIMD3<Double>](repeating: .zero, count: vertices.count)
      for corners in triangles {
        for place in 0..<3 {
          sums[Int(corners[place])] += vertices[Int(corners[(place + 1) % 3])]
        }
      }
      let share = Self.shares[step % 2]
      for index in vertices.indices where counts[index] > 0 {
        vertices[index] += share * (sums[index] / counts[index] - vertices[index])
      }
    }
  }
}
