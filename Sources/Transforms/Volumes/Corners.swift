/// The eight voxels around a place in a volume and their trilinear weights.
struct Corners {
  /// The lowest corner, at least -1 and at most the last voxel.
  private let low: SIMD3<Int>
  /// The shares of the higher corners.
  private let fraction: SIMD3<Float>
  private let size: SIMD3<Int>
  private let base: Int
  private let isInside: Bool

  /// - Precondition: -1 < place < size along each axis.
  @inline(__always)
  init(_ place: SIMD3<Double>, in size: SIMD3<Int>) {
    // Truncation rounds down because the shifted numbers are positive.
    let (x, y, z) = (Int(place.x + 1) - 1, Int(place.y + 1) - 1, Int(place.z + 1) - 1)
    low = SIMD3(x, y, z)
    fraction = SIMD3(
      Float(place.x - Double(x)),
      Float(place.y - Double(y)),
      Float(place.z - Double(z))
    )
    self.size = size
    base = (z * size.y + y) * size.x + x
    isInside =
      x >= 0 && y >= 0 && z >= 0 && x + 1 < size.x && y + 1 < size.y && z + 1 < size.z
  }

  /// The voxel at a corner, counted by its bits (x 1, y 2, z 4), or nil outside.
  @inline(__always)
  private func index(of corner: Int) -> Int? {
    let (x, y, z) = (low.x + (corner & 1), low.y + (corner >> 1 & 1), low.z + (corner >> 2))
    guard (0..<size.x).contains(x), (0..<size.y).contains(y), (0..<size.z).contains(z) else {
      return nil
    }
    return (z * size.y + y) * size.x + x
  }

  /// The trilinear value of the channel that begins at `start`; 0 outside.
  @inline(__always)
  func value(in values: UnsafeBufferPointer<Float>, from start: Int) -> Float {
    guard isInside else { return borderValue(in: values, from: start) }
    let (row, plane) = (size.x, size.x * size.y)
    let near = start + base
    let far = near + plane
    let a = values[near] + fraction.x * (values[near + 1] - values[near])
    let b = values[near + row] + fraction.x * (values[near + row + 1] - values[near + row])
    let c = values[far] + fraction.x * (values[far + 1] - values[far])
    let d = values[far + row] + fraction.x * (values[far + row + 1] - values[far + row])
    let front = a + fraction.y * (b - a)
    return front + fraction.z * (c + fraction.y * (d - c) - front)
  }

  private func borderValue(in values: UnsafeBufferPointer<Float>, from start: Int) -> Float {
    var sum: Float = 0
    for corner in 0..<8 {
      if let index = index(of: corner) { sum += weight(of: corner) * values[start + index] }
    }
    return sum
  }

  private func weight(of corner: Int) -> Float {
    (corner & 1 == 0 ? 1 - fraction.x : fraction.x)
      * (corner & 2 == 0 ? 1 - fraction.y : fraction.y)
      * (corner & 4 == 0 ? 1 - fraction.z : fraction.z)
  }

  /// The label with the largest trilinear weight; a tie is the nearest corner's.
  @inline(__always)
  func label(in labels: UnsafeBufferPointer<UInt16>, outside: UInt16) -> UInt16 {
    if isInside {
      let (row, plane) = (size.x, size.x * size.y)
      let far = base + plane
      let first = labels[base]
      let differences =
        (first ^ labels[base + 1]) | (first ^ labels[base + row])
        | (first ^ labels[base + row + 1]) | (first ^ labels[far]) | (first ^ labels[far + 1])
        | (first ^ labels[far + row]) | (first ^ labels[far + row + 1])
      if differences == 0 { return first }
    }
    return heaviestLabel(in: labels, outside: outside)
  }

  private func heaviestLabel(
    in labels: UnsafeBufferPointer<UInt16>,
    outside: UInt16
  ) -> UInt16 {
    func label(_ corner: Int) -> UInt16 { index(of: corner).map { labels[$0] } ?? outside }
    func score(_ wanted: UInt16) -> Float {
      var sum: Float = 0
      for corner in 0..<8 where label(corner) == wanted { sum += weight(of: corner) }
      return sum
    }
    let nearest = label(
      (fraction.x > 0.5 ? 1 : 0) | (fraction.y > 0.5 ? 2 : 0) | (fraction.z > 0.5 ? 4 : 0)
    )
    var best = (label: nearest, score: score(nearest) + Self.tie)
    guard best.score < 0.5 else { return nearest }
    for corner in 0..<8 {
      let candidate = label(corner)
      let weight = candidate == best.label ? 0 : score(candidate)
      if weight > best.score { best = (candidate, weight) }
    }
    return best.label
  }

  /// Scores that rounding alone tells apart count as equal; nnU-Net rounds them to half precision.
  private static let tie: Float = 1e-5
}
