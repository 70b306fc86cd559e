import Foundation

/// What values would be if their histogram were not blurred by a Gaussian.
///
/// The histogram is freed of the Gaussian by a Wiener filter; each value becomes the mean of the sharp
/// values that the blur may have taken to it. Sled, Zijdenbos and Evans, 1998, with the numbers of N4ITK:
/// 200 bins, noise 0.01.
struct HistogramSharpening {
  /// The Gaussian's full width at half maximum, in the values' unit.
  let fwhm: Double
  private static let bins = 200
  private static let noise = 0.01

  /// The sharpened values.
  func apply(_ values: [Float]) -> [Float] {
    guard let low = values.min().map(Double.init), let high = values.max().map(Double.init),
      high > low
    else { return values }
    let bins = Self.bins
    let slope = (high - low) / Double(bins - 1)
    // Each value is shared out to its two bins.
    let length = 1 << (Int(log2(Double(bins)).rounded(.up)) + 1)
    let offset = (length - bins) / 2
    var histogram = [Double](repeating: 0, count: length)
    for value in values {
      let place = (Double(value) - low) / slope
      let bin = min(Int(place), bins - 1)
      let share = place - Double(bin)
      histogram[offset + bin] += 1 - share
      if bin + 1 < bins { histogram[offset + bin + 1] += share }
    }
    let width = fwhm / slope
    let exponent = 4 * log(2.0) / (width * width)
    let scale = 2 * (log(2.0) / .pi).squareRoot() / width
    let kernel = (0..<length).map { k in
      let distance = Double(min(k, length - k))
      return scale * exp(-exponent * distance * distance)
    }
    let plan = FourierTransform(count: length)
    let blur = plan.transformed(kernel)
    let seen = plan.transformed(histogram)
    // Wiener's inverse of a real, symmetric kernel.
    let inverse = blur.real.map { $0 / ($0 * $0 + Self.noise) }
    let sharp = plan.transformed(
      zip(seen.real, inverse).map(*),
      zip(seen.imaginary, inverse).map(*),
      isInverse: true
    ).real.map { max($0, 0) }
    func blurred(_ signal: [Double]) -> [Double] {
      let spectrum = plan.transformed(signal)
      return plan.transformed(
        zip(spectrum.real, blur.real).map(*),
        zip(spectrum.imaginary, blur.real).map(*),
        isInverse: true
      ).real
    }
    let centers = (0..<length).map { low + Double($0 - offset) * slope }
    let numerators = blurred(zip(centers, sharp).map(*))
    let denominators = blurred(sharp)
    let table = (0..<bins).map { bin in
      let below = denominators[offset + bin]
      return below > 1e-12 ? numerators[offset + bin] / below : 0
    }
    return values.map { value in
      let place = (Double(value) - low) / slope
      let bin = min(Int(place), bins - 1)
      let share = place - Double(bin)
      return Float(table[bin] * (1 - share) + table[min(bin + 1, bins - 1)] * share)
    }
  }
}
