import Foundation

/// Estimates of noise from a single image.
///
/// All look at slices in the plane of x and y, evenly taken from the volume, so that they are cheap and
/// do not depend on the slices' thickness. Noise that was interpolated or smoothed is underestimated.
package enum NoiseEstimation {
  /// Details that are looked at, about.
  private static let sampleCount = 400_000
  /// Fewer details than this say nothing.
  private static let fewestDetails = 64
  /// The normal distribution's upper quartile: the median of |x| for deviation 1.
  private static let quartile = 0.674_489_75
  /// Rayleigh's mean² / mean of squares is π/4; a background may differ by this.
  private static let rayleighTolerance = 0.03

  /// The standard deviation of white Gaussian noise.
  ///
  /// The median of the finest diagonal details of Daubechies' wavelet of four taps, divided by that of
  /// the standard normal distribution (Donoho and Johnstone, 1994, "Ideal spatial adaptation by wavelet
  /// shrinkage"). Details of 0 are left out, as in scikit-image's `estimate_sigma`, so that a masked
  /// background does not count. Images that are thinner than 4 voxels along x or y use the other axis
  /// alone. Strong edges raise the estimate, by a tenth where they touch a tenth of the details.
  /// - Parameters:
  ///   - values: The image, x fastest; what is not finite counts for nothing.
  ///   - size: Its size.
  /// - Returns: The deviation; nil when too few details are not 0.
  package static func gaussian(_ values: [Float], size: SIMD3<Int>) -> Double? {
    deviation(of: WaveletDetails(values, size: size, count: sampleCount).magnitudes { _ in true })
  }

  private static func deviation(of magnitudes: [Float]) -> Double? {
    guard magnitudes.count >= fewestDetails else { return nil }
    let sorted = magnitudes.sorted()
    return Double(sorted[sorted.count / 2]) / quartile
  }

  /// The deviation of the two channels' noise behind a magnitude image.
  ///
  /// Where the dark background has Rayleigh's distribution, σ² is half its mean square. The background
  /// is what lies below 3.5 σ, found by iterating from Otsu's threshold. Otherwise, such as when the
  /// background was masked, wavelet details of what lies above Otsu's threshold give the deviation of
  /// magnitudes, which Koay and Basser's correction turns into σ (2006, "Analytically exact correction
  /// scheme for signal extraction from noisy magnitude MR signals"; used so by Coupé et al., 2010,
  /// "Robust Rician noise estimation for MR images").
  /// - Parameters:
  ///   - values: Magnitudes, x fastest; what is not finite counts for nothing.
  ///   - size: The size.
  /// - Returns: The estimate; nil when there are negative values or too few details.
  package static func rician(_ values: [Float], size: SIMD3<Int>) -> NoiseEstimate? {
    let step = max(1, values.count / sampleCount) | 1
    let sample = stride(from: 0, to: values.count, by: step).map { values[$0] }
      .filter { $0.isFinite }
    guard let low = sample.min(), low >= 0, let threshold = OtsuThreshold.of(sample) else {
      return nil
    }
    if let sigma = rayleigh(sample, threshold: Double(threshold)) {
      return NoiseEstimate(sigma: sigma, method: .background)
    }
    let details = WaveletDetails(values, size: size, count: sampleCount)
    guard let observed = deviation(of: details.magnitudes { $0 > threshold }) else { return nil }
    let bright = sample.filter { $0 > threshold }
    let mean = bright.reduce(0.0) { $0 + Double($1) } / Double(bright.count)
    return NoiseEstimate(sigma: koay(mean: mean, deviation: observed), method: .object)
  }

  /// The deviation behind a dark background; nil when it is not Rayleigh's.
  private static func rayleigh(_ sample: [Float], threshold: Double) -> Double? {
    var (limit, sigma) = (threshold, 0.0)
    for _ in 0..<50 {
      let dark = sample.filter { Double($0) <= limit }
      guard dark.count * 20 >= sample.count else { return nil }
      let squares = dark.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(dark.count)
      let mean = dark.reduce(0.0) { $0 + Double($1) } / Double(dark.count)
      sigma = (squares / 2).squareRoot()
      let next = 3.5 * sigma
      if abs(next - limit) <= 1e-6 * limit {
        guard sigma > 0, abs(mean * mean / squares - .pi / 4) < rayleighTolerance else {
          return nil
        }
        return sigma
      }
      limit = min(next, threshold)
      if limit == threshold, next > threshold { return nil }
    }
    return nil
  }

  /// The channels' deviation from the mean and deviation of magnitudes.
  private static func koay(mean: Double, deviation: Double) -> Double {
    var sigma = deviation
    for _ in 0..<100 {
      // A magnitude's mean square is that of the signal and 2 σ².
      let square = mean * mean + deviation * deviation - 2 * sigma * sigma
      let signal = max(square, 0).squareRoot()
      let next = deviation / ricianFactor(signal / sigma).squareRoot()
      if abs(next - sigma) < 1e-9 * sigma { return next }
      sigma = next
    }
    return sigma
  }

  /// The variance of a Rician magnitude of channel deviation 1 by the signal, Koay's ξ.
  static func ricianFactor(_ signal: Double) -> Double {
    let s = signal * signal
    // I0 and I1 of s/4, both times e^(−s/4), by the integral of their definition.
    var (i0, i1) = (0.0, 0.0)
    let steps = 200
    for k in 0..<steps {
      let angle = (Double(k) + 0.5) * .pi / Double(steps)
      let term = exp(s / 4 * (cos(angle) - 1)) / Double(steps)
      i0 += term
      i1 += term * cos(angle)
    }
    // For strong signals the peak is narrower than the steps; ξ is 1 − 1/(2 s) there.
    if s > 400 { return 1 - 1 / (2 * s) }
    let mean = (2 + s) * i0 + s * i1
    return 2 + s - .pi / 8 * mean * mean
  }

  /// Noise whose variance grows with the signal: variance = slope · (mean − offset).
  package struct SignalDependence: Codable, Sendable, Equatable {
    /// Growth of the variance with the mean, the gain of a counting detector.
    package let slope: Double
    /// The variance at the mean 0.
    package let variance: Double
  }

  /// How the noise's variance depends on the signal, a straight line.
  ///
  /// Wavelet details are sorted by the mean of their 16 voxels into 32 groups of equal size; each gives a
  /// variance by its median, and a line is fitted through them (after Foi et al., 2008, "Practical
  /// Poissonian-Gaussian noise modeling and fitting for single-image raw-data").
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Its size, at least 4 along x and y.
  /// - Returns: The line; nil when there are too few details or one mean alone.
  package static func signalDependence(_ values: [Float], size: SIMD3<Int>) -> SignalDependence? {
    let details = WaveletDetails(values, size: size, count: sampleCount).all
      .filter { $0.magnitude != 0 }.sorted { $0.mean < $1.mean }
    let groups = 32
    guard details.count >= groups * fewestDetails else { return nil }
    var (sx, sy, sxx, sxy) = (0.0, 0.0, 0.0, 0.0)
    for group in 0..<groups {
      let part = details[details.count * group / groups..<details.count * (group + 1) / groups]
      guard let deviation = deviation(of: part.map(\.magnitude)) else { return nil }
      let x = part.reduce(0.0) { $0 + Double($1.mean) } / Double(part.count)
      let y = deviation * deviation
      (sx, sy, sxx, sxy) = (sx + x, sy + y, sxx + x * x, sxy + x * y)
    }
    let n = Double(groups)
    let spread = sxx - sx * sx / n
    guard spread > 1e-12 * sxx else { return nil }
    let slope = (sxy - sx * sy / n) / spread
    return SignalDependence(slope: slope, variance: (sy - slope * sx) / n)
  }

  /// The noise of an image of unknown kind, for people to read.
  ///
  /// Magnitudes (no negative values) with a dark Rayleigh background are Rician; all else is taken to
  /// be Gaussian.
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Its size.
  /// - Returns: The estimate; nil when there is none to be told: a constant, a label map, an image of
  ///   few values, or too small a one.
  package static func estimate(_ values: [Float], size: SIMD3<Int>) -> NoiseEstimate? {
    let details = WaveletDetails(values, size: size, count: sampleCount)
    guard !details.areLabels else { return nil }
    if let rician = rician(values, size: size), rician.method == .background { return rician }
    guard let sigma = deviation(of: details.magnitudes { _ in true }), sigma > 0 else { return nil }
    return NoiseEstimate(sigma: sigma, method: .details)
  }
}
