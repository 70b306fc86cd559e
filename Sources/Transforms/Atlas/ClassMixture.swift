/// The joint probabilities of an atlas's classes and a level of intensity at a place between points.
///
/// Vectors of 32 classes are eight of four here, which stay in registers.
struct ClassMixture {
  /// Fours of classes.
  static let parts = ProbabilisticAtlas.classLimit / 4

  /// Sums over the classes at each of the eight points.
  var corners: SIMD8<Float>
  /// The sum over the classes at the place.
  var total: Float

  /// Mixes.
  /// - Parameters:
  ///   - maps: Probabilities, ``parts`` for each point.
  ///   - place: Where.
  ///   - steps: Steps in points from the lowest point to each of the eight.
  ///   - likelihoods: Those of the level, ``parts``.
  ///   - mixed: Room for the classes at the place, ``parts``.
  @inline(__always)
  init(
    _ maps: UnsafePointer<SIMD4<Float>>,
    _ place: GridPlace,
    _ steps: UnsafePointer<Int>,
    _ likelihoods: UnsafePointer<SIMD4<Float>>,
    into mixed: UnsafeMutablePointer<SIMD4<Float>>
  ) {
    let weights = place.weights
    let first = maps + place.base * Self.parts
    let (p0, p1) = (first + steps[0] * Self.parts, first + steps[1] * Self.parts)
    let (p2, p3) = (first + steps[2] * Self.parts, first + steps[3] * Self.parts)
    let (p4, p5) = (first + steps[4] * Self.parts, first + steps[5] * Self.parts)
    let (p6, p7) = (first + steps[6] * Self.parts, first + steps[7] * Self.parts)
    let (w0, w1, w2, w3) = (weights[0], weights[1], weights[2], weights[3])
    let (w4, w5, w6, w7) = (weights[4], weights[5], weights[6], weights[7])
    var (c0, c1) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
    var (c2, c3) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
    var (c4, c5) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
    var (c6, c7) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
    var sum = SIMD4<Float>.zero
    for part in 0..<Self.parts {
      let likelihood = likelihoods[part]
      let j0 = p0[part] * likelihood
      c0 += j0
      var all = j0 * w0
      let j1 = p1[part] * likelihood
      c1 += j1
      all += j1 * w1
      let j2 = p2[part] * likelihood
      c2 += j2
      all += j2 * w2
      let j3 = p3[part] * likelihood
      c3 += j3
      all += j3 * w3
      let j4 = p4[part] * likelihood
      c4 += j4
      all += j4 * w4
      let j5 = p5[part] * likelihood
      c5 += j5
      all += j5 * w5
      let j6 = p6[part] * likelihood
      c6 += j6
      all += j6 * w6
      let j7 = p7[part] * likelihood
      c7 += j7
      all += j7 * w7
      mixed[part] = all
      sum += all
    }
    corners = SIMD8<Float>(
      Self.sum(c0),
      Self.sum(c1),
      Self.sum(c2),
      Self.sum(c3),
      Self.sum(c4),
      Self.sum(c5),
      Self.sum(c6),
      Self.sum(c7)
    )
    total = Self.sum(sum)
  }

  @inline(__always)
  static func sum(_ v: SIMD4<Float>) -> Float { (v.x + v.z) + (v.y + v.w) }
}

extension Array where Element == SIMD32<Float> {
  /// Looks at the vectors as eight fours each.
  @inline(__always)
  func withFours<Result>(_ body: (UnsafePointer<SIMD4<Float>>) -> Result) -> Result {
    withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { preconditionFailure("no vector") }
      // The lanes of a vector lie one after the other, and it is aligned to more than a four.
      return body(base.assumingMemoryBound(to: SIMD4<Float>.self))
    }
  }

  /// Looks at the vectors as eight fours each, to change them.
  @inline(__always)
  mutating func withMutableFours(_ body: (UnsafeMutablePointer<SIMD4<Float>>) -> Void) {
    withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { preconditionFailure("no vector") }
      // As above.
      body(base.assumingMemoryBound(to: SIMD4<Float>.self))
    }
  }
}
