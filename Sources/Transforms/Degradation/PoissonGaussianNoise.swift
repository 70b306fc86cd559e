import Foundation
import Support

/// Noise of counted quanta with that of the electronics: of low-dose CT in the image's domain, of cameras.
///
/// v becomes gain · P((v − offset) / gain) + offset + sigma · n, P a Poisson number of that mean (Foi et al.,
/// 2008, "Practical Poissonian-Gaussian noise modeling and fitting"); below the offset there are no
/// quanta. The variance is gain · (v − offset) + sigma². For HU the offset is −1024 or so. Noise of a real
/// reconstruction is correlated between voxels and streaky, which this is not.
package struct PoissonGaussianNoise: Degradation {
  /// The image's unit for one quantum.
  package var gain: Double
  /// The value of no quanta, in the image's unit.
  package var offset: Double
  /// Standard deviation of the electronics' noise, in the image's unit.
  package var sigma: Double
  /// Seed of the noise.
  package var seed: UInt64

  /// Fixes the numbers.
  package init(gain: Double, offset: Double = 0, sigma: Double = 0, seed: UInt64) {
    (self.gain, self.offset, self.sigma, self.seed) = (gain, offset, sigma, seed)
  }

  package func validate() throws(TransformsError) {
    try check("gain", gain, 1e-12...1e12)
    try check("offset", offset, -1e12...1e12)
    try check("sigma", sigma, 0...1e12)
  }

  package func degraded(_ image: FilterImage) -> [Float] {
    let (gain, offset, sigma) = (gain, offset, sigma)
    return image.values.disturbed(seed: seed) { value, _, random in
      let mean = (Double(value) - offset) / gain
      let counted = mean > 0 ? Self.poisson(mean, &random) : mean
      let noise = sigma > 0 ? sigma * random.normal() : 0
      return Float(gain * counted + offset + noise)
    }
  }

  /// Means beyond this are drawn from the normal distribution, whose skewness, 1/√mean, is then small.
  private static let largestMean = 1e6

  /// A Poisson number: by counting arrivals for small means, else by Hörmann's transformed rejection
  /// (1993, "The transformed rejection method for generating Poisson random variables", PTRS).
  static func poisson(_ mean: Double, _ random: inout RandomStream) -> Double {
    if mean < 10 {
      let limit = exp(-mean)
      var (count, product) = (0.0, random.uniform())
      while product > limit {
        count += 1
        product *= random.uniform()
      }
      return count
    }
    if mean > largestMean {
      return max(0, (mean + mean.squareRoot() * random.normal()).rounded())
    }
    let b = 0.931 + 2.53 * mean.squareRoot()
    let a = -0.059 + 0.02483 * b
    let inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
    let limit = 0.9277 - 3.6224 / (b - 2)
    let logMean = log(mean)
    while true {
      let u = random.uniform() - 0.5
      let v = random.uniform()
      let distance = 0.5 - abs(u)
      let k = ((2 * a / distance + b) * u + mean + 0.43).rounded(.down)
      if distance >= 0.07, v <= limit { return k }
      if k < 0 || (distance < 0.013 && v > distance) { continue }
      let left = log(v * inverseAlpha / (a / (distance * distance) + b))
      if left <= k * logMean - mean - lgamma(k + 1) { return k }
    }
  }
}
