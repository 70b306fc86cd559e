/// Brings intensities of any unit to a scale on which dark background is 0 and tissue is about 1.
///
/// The lowest value that counts is the 0.5th percentile. What lies more than a twentieth of the range
/// above it is tissue; the highest value that counts is the 99.5th percentile of tissue. Values are
/// cut off at both, the lowest is subtracted, and the mean of tissue becomes 1. More or less
/// background around a head changes next to nothing, and background added as 0 afterwards is what
/// background was before.
public enum RobustScale {
  /// Values that are looked at, evenly over all, to find percentiles.
  private static let sampleCount = 50_000
  private static let tissueShare: Float = 0.05
  private static let percentile = 0.005

  /// Scales in place.
  ///
  /// Values that are not finite count for nothing and become 0, as do all values of a constant image.
  /// - Parameter values: The voxels of one channel of one volume.
  public static func apply(to values: inout [Float]) {
    guard let (low, high, mean) = range(of: values) else {
      for i in values.indices { values[i] = 0 }
      return
    }
    let scale = 1 / (mean - low)
    values.withUnsafeMutableBufferPointer { values in
      for i in values.indices {
        let value = values[i]
        values[i] = value.isFinite ? (min(max(value, low), high) - low) * scale : 0
      }
    }
  }

  /// The lowest and highest values that count, and the mean of tissue between them.
  private static func range(of values: [Float]) -> (low: Float, high: Float, mean: Float)? {
    // An odd step, so that sizes that are powers of two have all their columns looked at.
    let step = max(1, values.count / sampleCount) | 1
    var sample: [Float] = []
    sample.reserveCapacity(values.count / step + 1)
    for index in stride(from: 0, to: values.count, by: step) where values[index].isFinite {
      sample.append(values[index])
    }
    guard !sample.isEmpty else { return nil }
    sample.sort()
    let low = sample[rank(percentile, sample.count)]
    let top = sample[rank(1 - percentile, sample.count)]
    guard top > low else { return constantButForOutliers(sample) }
    let limit = low + tissueShare * (top - low)
    let first = sample.firstIndex { $0 > limit } ?? 0
    let tissue = sample[first...]
    let high = tissue[first + rank(1 - percentile, tissue.count)]
    let mean = tissue.reduce(0.0) { $0 + Double(min($1, high)) } / Double(tissue.count)
    return (low, high, Float(mean))
  }

  /// Images that are background almost everywhere.
  private static func constantButForOutliers(
    _ sorted: [Float]
  ) -> (low: Float, high: Float, mean: Float)? {
    guard let low = sorted.first, let high = sorted.last, high > low else { return nil }
    return (low, high, high)
  }

  private static func rank(_ share: Double, _ count: Int) -> Int {
    min(count - 1, Int((share * Double(count - 1)).rounded()))
  }
}
