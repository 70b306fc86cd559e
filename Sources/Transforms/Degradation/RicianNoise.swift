import Foundation

/// The noise of MR magnitudes: Gaussian in two channels, of which only the absolute value is kept.
///
/// Gudbjartsson and Patz, 1995, "The Rician distribution of noisy MRI data": |v + n₁ + i n₂|. With
/// `variation` above 0 the noise grows from the middle of the volume to its corners, as in parallel
/// imaging (after Coupé et al., 2010): σ(x) = sigma · (1 + variation · r²), r the distance from the
/// middle in units of the half diagonal.
package struct RicianNoise: Degradation {
  /// Standard deviation of each channel in the middle, in the image's unit.
  package var sigma: Double
  /// How much larger it is, relatively, in the corners.
  package var variation: Double
  /// Seed of the noise.
  package var seed: UInt64

  /// Fixes the numbers.
  package init(sigma: Double, variation: Double = 0, seed: UInt64) {
    (self.sigma, self.variation, self.seed) = (sigma, variation, seed)
  }

  package func validate() throws(TransformsError) {
    try check("sigma", sigma, 0...1e12)
    try check("variation", variation, 0...100)
  }

  package func degraded(_ image: FilterImage) -> [Float] {
    let (size, sigma, variation) = (image.size, sigma, variation)
    let middle = SIMD3<Double>(size &- 1) / 2
    let half = max((middle * middle).sum(), 1e-9)
    return image.values.disturbed(seed: seed) { value, i, random in
      var deviation = sigma
      if variation > 0 {
        let place = SIMD3<Double>(
          Double(i % size.x),
          Double(i / size.x % size.y),
          Double(i / (size.x * size.y))
        )
        let d = place - middle
        deviation *= 1 + variation * (d * d).sum() / half
      }
      let real = Double(value) + deviation * random.normal()
      let imaginary = deviation * random.normal()
      return Float((real * real + imaginary * imaginary).squareRoot())
    }
  }
}
