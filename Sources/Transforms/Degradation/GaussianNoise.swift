/// White Gaussian noise added to an image.
package struct GaussianNoise: Degradation {
  /// Standard deviation, in the image's unit.
  package var sigma: Double
  /// Seed of the noise.
  package var seed: UInt64

  /// Fixes the numbers.
  package init(sigma: Double, seed: UInt64) { (self.sigma, self.seed) = (sigma, seed) }

  package func validate() throws(TransformsError) { try check("sigma", sigma, 0...1e12) }

  package func degraded(_ image: FilterImage) -> [Float] {
    guard sigma > 0 else { return image.values }
    let sigma = sigma
    return image.values.disturbed(seed: seed) { value, _, random in
      value + Float(sigma * random.normal())
    }
  }
}
