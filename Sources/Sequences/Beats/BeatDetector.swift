import Foundation

/// Finds the R peaks of an electrocardiogram.
///
/// Elgendi 2013, "Fast QRS detection with an optimized knowledge-based method": 8 to 20 Hz, squared; where
/// the mean over a QRS complex (97 ms) exceeds the mean over a beat (611 ms) by 8 % of the whole mean for
/// at least 97 ms, there is a beat, at the largest value. The band is passed forwards and backwards by
/// filters of second order, so that nothing is shifted, and of two beats within 200 ms the larger one
/// stays (Pan and Tompkins 1985).
public struct BeatDetector: Sendable {
  /// The band, Hz.
  static let band = (low: 8.0, high: 20.0)
  /// Lengths of a QRS complex and of a beat, s.
  static let windows = (complex: 0.097, beat: 0.611)
  /// Share of the whole mean by which the complex must exceed the beat.
  static let offset = 0.08
  /// Two beats are at least so far apart, s.
  static let refractorySeconds = 0.2
  /// The least sampling frequency, Hz: five times the band's upper end.
  public static let leastSamplingHz = 100.0

  /// Creates a detector.
  public init() {}

  /// Finds beats.
  /// - Parameters:
  ///   - signal: The values of one lead; missing ones are not numbers and taken as the one before.
  ///   - samplingHz: Samples a second, at least `leastSamplingHz`.
  /// - Returns: The samples of the R peaks, rising; none for a constant signal.
  /// - Precondition: The sampling frequency is not too low.
  public func beats(_ signal: [Float], samplingHz: Double) -> [Int] {
    precondition(samplingHz >= Self.leastSamplingHz, "\(samplingHz) Hz are too few")
    var last = signal.first { $0.isFinite }.map(Double.init) ?? 0
    let first = last
    var values = signal.map { value -> Double in
      if value.isFinite { last = Double(value) }
      return last - first
    }
    for filter in [
      SecondOrderFilter(.highPass, hz: Self.band.low, samplingHz: samplingHz),
      SecondOrderFilter(.lowPass, hz: Self.band.high, samplingHz: samplingHz),
    ] { values = filter.withoutShift(values) }
    let power = values.map { $0 * $0 }
    let complexCount = Int((Self.windows.complex * samplingHz).rounded())
    let complex = Self.movingMean(power, complexCount)
    let beat = Self.movingMean(power, Int((Self.windows.beat * samplingHz).rounded()))
    let whole = power.reduce(0, +) / Double(max(1, power.count))
    guard whole > 0 else { return [] }
    var found: [Int] = []
    var start: Int?
    for index in 0...power.count {
      let isInside =
        index < power.count && complex[index] > beat[index] + Self.offset * whole
      if isInside {
        start = start ?? index
        continue
      }
      guard let from = start else { continue }
      start = nil
      guard index - from >= complexCount,
        let peak = (from..<index).max(by: { power[$0] < power[$1] })
      else { continue }
      if let before = found.last, Double(peak - before) < Self.refractorySeconds * samplingHz {
        if power[peak] > power[before] { found[found.count - 1] = peak }
      } else {
        found.append(peak)
      }
    }
    return found
  }

  /// The mean over an odd number of values about each; fewer at the ends.
  private static func movingMean(_ values: [Double], _ count: Int) -> [Double] {
    let reach = max(0, count) / 2
    var sums = [0.0]
    sums.reserveCapacity(values.count + 1)
    for value in values { sums.append(sums[sums.count - 1] + value) }
    return values.indices.map { index in
      let (low, high) = (max(0, index - reach), min(values.count, index + reach + 1))
      return (sums[high] - sums[low]) / Double(high - low)
    }
  }
}

/// A Butterworth filter of second order, by the bilinear transform.
package struct SecondOrderFilter: Sendable {
  /// What passes.
  package enum Kind: Sendable {
    /// What is slower than the corner.
    case lowPass
    /// What is faster.
    case highPass
  }

  private let b: [Double]
  private let a: [Double]

  /// Creates a filter.
  /// - Parameters:
  ///   - kind: What passes.
  ///   - hz: The corner, where half the power passes.
  ///   - samplingHz: Samples a second, more than twice the corner.
  package init(_ kind: Kind, hz: Double, samplingHz: Double) {
    let angle = 2 * Double.pi * hz / samplingHz
    let cosine = cos(angle)
    // Butterworth's quality is 1 / √2.
    let alpha = sin(angle) / 2.0.squareRoot()
    let scale = 1 + alpha
    switch kind {
    case .lowPass: b = [(1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2].map { $0 / scale }
    case .highPass: b = [(1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2].map { $0 / scale }
    }
    a = [-2 * cosine / scale, (1 - alpha) / scale]
  }

  /// From rest.
  func callAsFunction(_ x: [Double]) -> [Double] {
    var (first, second) = (0.0, 0.0)
    return x.map { value in
      let y = b[0] * value + first
      first = b[1] * value - a[0] * y + second
      second = b[2] * value - a[1] * y
      return y
    }
  }

  /// Forwards and backwards.
  /// - Parameter x: Values.
  /// - Returns: As many, not shifted.
  package func withoutShift(_ x: [Double]) -> [Double] { self(self(x).reversed()).reversed() }
}
