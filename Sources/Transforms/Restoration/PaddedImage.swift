/// An image continued beyond its borders.
struct PaddedImage: Sendable {
  /// The values, x fastest.
  let values: [Float]
  /// The size with what was added.
  let size: SIMD3<Int>
  /// What was added on either side of each axis.
  let padding: SIMD3<Int>

  /// Continues an image by its reflection at the outer voxels' centres.
  init(_ values: [Float], size: SIMD3<Int>, padding: SIMD3<Int>) {
    let large = size &+ 2 &* padding
    let places = (0..<3).map { axis in
      (0..<large[axis]).map { Mirror.atCenters($0 - padding[axis], size[axis]) }
    }
    self.values = .filled(count: large.x * large.y * large.z, pieces: large.y * large.z) {
      rows,
      target in
      values.withUnsafeBufferPointer { source in
        for row in rows {
          let start = (places[2][row / large.y] * size.y + places[1][row % large.y]) * size.x
          let to = target + row * large.x
          for x in 0..<large.x { to[x] = source[start + places[0][x]] }
        }
      }
    }
    (self.size, self.padding) = (large, padding)
  }
}
