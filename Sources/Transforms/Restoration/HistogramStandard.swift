import Foundation

/// A common scale of intensities for scans whose units have no meaning.
///
/// Nyúl, Udupa and Zhang, 2000, "New variants of a method of MRI scale standardization": landmarks of a
/// scan's histogram are brought to their mean places on the standard scale, with straight lines
/// between. Landmarks are the percentiles 1, 10, 20, …, 90 and 99 of the foreground, which is what lies
/// above the mean of all values. Values beyond the outer landmarks continue the outer lines.
package struct HistogramStandard: Codable, Sendable, Equatable {
  /// The percentiles of the landmarks.
  package static let percentiles: [Double] = [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99]
  /// The landmarks' places on the standard scale, which goes from 0 to 100.
  package let landmarks: [Double]

  /// Learns the standard scale of scans of one kind.
  ///
  /// Nil when no scan has contrast.
  /// - Parameter scans: Each scan's values; those without contrast are left out.
  package init?(of scans: [[Float]]) {
    var (sums, count) = ([Double](repeating: 0, count: Self.percentiles.count), 0)
    for scan in scans {
      guard let marks = Self.landmarks(of: scan), let low = marks.first, let high = marks.last,
        low < high
      else { continue }
      for (k, mark) in marks.enumerated() { sums[k] += (mark - low) / (high - low) * 100 }
      count += 1
    }
    guard count > 0 else { return nil }
    landmarks = sums.map { $0 / Double(count) }
  }

  /// Brings a scan to the standard scale.
  /// - Parameter values: The scan; what is not finite stays.
  /// - Returns: Values near 0…100; all 0 for a scan without contrast.
  package func apply(_ values: [Float]) -> [Float] {
    guard let marks = Self.landmarks(of: values), let low = marks.first, let high = marks.last,
      low < high
    else { return values.map { $0.isFinite ? 0 : $0 } }
    // Landmarks that fall together would make a line without a slope.
    var knots: [(from: Double, to: Double)] = []
    for (from, to) in zip(marks, landmarks) where knots.last.map({ from > $0.from }) ?? true {
      knots.append((from, to))
    }
    let lines = knots
    return .filled(count: values.count, pieces: (values.count + 4095) / 4096) { pieces, target in
      for i in pieces.lowerBound * 4096..<min(values.count, pieces.upperBound * 4096) {
        let value = Double(values[i])
        guard value.isFinite else {
          target[i] = values[i]
          continue
        }
        var upper = 1
        while upper < lines.count - 1, value > lines[upper].from { upper += 1 }
        let (a, b) = (lines[upper - 1], lines[upper])
        target[i] = Float(a.to + (value - a.from) / (b.from - a.from) * (b.to - a.to))
      }
    }
  }

  /// The landmarks of a scan, linear between ranks; nil without finite values or contrast.
  private static func landmarks(of values: [Float]) -> [Double]? {
    let finite = values.filter(\.isFinite)
    guard !finite.isEmpty else { return nil }
    let mean = finite.reduce(0.0) { $0 + Double($1) } / Double(finite.count)
    let bright = finite.filter { Double($0) > mean }.sorted()
    guard bright.count > 1 else { return nil }
    return percentiles.map { percentile in
      let rank = percentile / 100 * Double(bright.count - 1)
      let low = min(Int(rank), bright.count - 2)
      let share = rank - Double(low)
      return Double(bright[low]) * (1 - share) + Double(bright[low + 1]) * share
    }
  }
}
