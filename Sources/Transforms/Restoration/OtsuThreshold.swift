/// The threshold that splits values into two classes of the least variance within.
///
/// Otsu, 1979, "A threshold selection method from gray-level histograms"; 256 bins.
package enum OtsuThreshold {
  /// How often values of equal parts of their range occur.
  package struct Histogram: Sendable {
    /// The number of values in each bin.
    package let counts: [Int]
    private let low: Double
    private let scale: Double
    /// The largest value in each bin and those below it.
    private let tops: [Float]

    /// Counts values in 256 bins from the smallest to the largest; nil when all are the same.
    /// - Parameter values: Finite values.
    package init?(_ values: [Float]) {
      guard let low = values.min(), let high = values.max(), low < high else { return nil }
      let bins = 256
      var counts = [Int](repeating: 0, count: bins)
      // In double precision, where the scale of the narrowest range is finite.
      let scale = Double(bins) / (Double(high) - Double(low))
      var tops = [Float](repeating: low, count: bins)
      for value in values {
        let bin = min(bins - 1, Int((Double(value) - Double(low)) * scale))
        counts[bin] += 1
        tops[bin] = max(tops[bin], value)
      }
      for bin in 1..<bins { tops[bin] = max(tops[bin], tops[bin - 1]) }
      (self.counts, self.low, self.scale, self.tops) = (counts, Double(low), scale, tops)
    }

    /// The upper edge of a bin, above every value in it also where single precision rounds it down.
    package func edge(above bin: Int) -> Float {
      max(Float(low + Double(bin + 1) / scale), tops[bin].nextUp)
    }
  }

  /// The threshold of values.
  /// - Parameter values: Finite values.
  /// - Returns: The upper edge of the lower class's last bin; nil when all values are the same.
  package static func of(_ values: [Float]) -> Float? {
    guard let histogram = Histogram(values) else { return nil }
    return histogram.edge(above: lastBin(of: histogram.counts))
  }

  /// The lower class's last bin.
  package static func lastBin(of counts: [Int]) -> Int {
    let total = Double(counts.reduce(0, +))
    let sum = counts.enumerated().reduce(0.0) { $0 + Double($1.offset) * Double($1.element) }
    var (count, part, best, place) = (0.0, 0.0, -1.0, 0)
    for bin in 0..<counts.count - 1 {
      count += Double(counts[bin])
      part += Double(bin) * Double(counts[bin])
      guard count > 0, count < total else { continue }
      let distance = part / count - (sum - part) / (total - count)
      let between = count * (total - count) * distance * distance
      if between > best { (best, place) = (between, bin) }
    }
    return place
  }
}
