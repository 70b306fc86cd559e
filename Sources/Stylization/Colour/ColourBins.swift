/// Classes of colours: squares of the plane of a* and b* that sRGB reaches.
///
/// Zhang, Isola and Efros 2016, "Colorful image colorization", section 2; their squares have a
/// side of
/// 10, these of 20, for fewer photographs.
package struct ColourBins: Sendable {
  /// The side of a square.
  private static let step: Float = 20

  /// The squares' centres, a* and b*.
  package let centres: [SIMD2<Float>]
  /// For every whole a* and b* the nearest classes with their shares.
  private let nearest: [[(bin: Int, share: Float)]]

  /// Finds the squares that sRGB reaches.
  package init() {
    var reached: Set<SIMD2<Int>> = []
    for red in stride(from: 0, through: 255, by: 17) {
      for green in stride(from: 0, through: 255, by: 17) {
        for blue in stride(from: 0, through: 255, by: 17) {
          let lab = CIELab.lab(red: UInt8(red), green: UInt8(green), blue: UInt8(blue))
          reached.insert(
            SIMD2(Int((lab.y / Self.step).rounded()), Int((lab.z / Self.step).rounded()))
          )
        }
      }
    }
    let centres = reached.sorted { ($0.x, $0.y) < ($1.x, $1.y) }
      .map { SIMD2(Float($0.x), Float($0.y)) * Self.step }
    self.centres = centres
    nearest = (0..<256 * 256).map { place in
      let colour = SIMD2(Float(place / 256 - 128), Float(place % 256 - 128))
      let found = centres.indices.map { bin -> (bin: Int, distance: Float) in
        let d = centres[bin] - colour
        return (bin, (d * d).sum())
      }.sorted { ($0.distance, $0.bin) < ($1.distance, $1.bin) }.prefix(4)
      // A Gaussian as wide as half a square; relative to the nearest, so that no sum is 0.
      let least = found.first?.distance ?? 0
      let weights = found.map { ColourBins.gaussian($0.distance - least) }
      let sum = weights.reduce(0, +)
      return zip(found, weights).map { ($0.bin, $1 / sum) }
    }
  }

  private static func gaussian(_ squaredDistance: Float) -> Float {
    let x = squaredDistance / (step * step / 2)
    // Enough terms of (1 + x/n)^-n for weights; no library's exp, so that all machines agree.
    let y = 1 + x / 16
    let y2 = y * y
    let y4 = y2 * y2
    let y8 = y4 * y4
    return 1 / (y8 * y8)
  }

  /// The classes of a colour, nearest first, with shares that sum to 1.
  /// - Parameters:
  ///   - a: a*.
  ///   - b: b*.
  /// - Returns: Four classes at most.
  package func shares(a: Float, b: Float) -> [(bin: Int, share: Float)] {
    func place(_ value: Float) -> Int { Int(min(max(value.rounded(), -128), 127)) + 128 }
    return nearest[place(a) * 256 + place(b)]
  }

  /// Weights of classes, larger for rare ones (equation 4): 1 / ((1 - λ) p + λ / Q), scaled so
  /// that the
  /// mean over pixels is 1.
  /// - Parameters:
  ///   - shares: How often each class is.
  ///   - mixing: λ; 1 for equal weights.
  /// - Returns: One for each class.
  package static func weights(shares: [Double], mixing: Double) -> [Float] {
    let raw = shares.map { 1 / ((1 - mixing) * $0 + mixing / Double(shares.count)) }
    let mean = zip(shares, raw).reduce(0) { $0 + $1.0 * $1.1 }
    return raw.map { Float($0 / mean) }
  }
}
