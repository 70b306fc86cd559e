import Support

/// How intensities are brought to a common scale before a network; a value for plans.
public enum IntensityNormalization: String, Codable, Sendable, CaseIterable {
  /// (v − mean) / standard deviation over the whole volume (population deviation).
  case zScore
  /// Clipped to two percentiles, then (v − mean) / standard deviation of what is not dark.
  ///
  /// The lower bound is the percentile 0.5 of all voxels, the upper one the percentile 99.5 of those
  /// above the lower; mean and deviation are of the clipped values that lie more than a tenth of the
  /// way from bound to bound. So padding an image with its background changes next to nothing.
  case robustZScore
  /// Unchanged.
  case none

  /// The percentile to which ``robustZScore`` clips from below, as a share; the other is as far from 1.
  private static let clippedShare = 0.005
  /// The share of the range below which ``robustZScore`` takes a voxel for background.
  private static let darkShare: Float = 0.1

  /// Normalises in place.
  ///
  /// Values that are not finite count for nothing and become 0 (before the normalisation; with
  /// ``robustZScore`` the least of the others). A constant image becomes 0, and with ``robustZScore``
  /// so does one whose bright part is constant.
  /// - Parameter values: The voxels of one channel of one volume.
  public func apply(to values: inout [Float]) {
    switch self {
    case .none: Self.replaceNonFinite(&values, by: 0)
    case .zScore:
      Self.replaceNonFinite(&values, by: 0)
      Self.standardize(&values, above: -.infinity)
    case .robustZScore:
      var least = Float.infinity
      for value in values where value.isFinite && value < least { least = value }
      if !least.isFinite { least = 0 }
      Self.replaceNonFinite(&values, by: least)
      let (lower, upper) = Self.clipBounds(values, least: least)
      for i in values.indices { values[i] = min(max(values[i], lower), upper) }
      Self.standardize(&values, above: lower + Self.darkShare * (upper - lower))
    }
  }

  private static func replaceNonFinite(_ values: inout [Float], by replacement: Float) {
    for i in values.indices where !values[i].isFinite { values[i] = replacement }
  }

  /// Subtracts the mean and divides by the deviation of the values above a bound.
  private static func standardize(_ values: inout [Float], above bound: Float) {
    var (count, sum) = (0.0, 0.0)
    for value in values where value > bound {
      count += 1
      sum += Double(value)
    }
    let mean = count > 0 ? sum / count : 0
    var squares = 0.0
    for value in values where value > bound {
      squares += (Double(value) - mean) * (Double(value) - mean)
    }
    let deviation = count > 0 ? (squares / count).squareRoot() : 0
    // Rounding leaves a constant image with a deviation that is tiny, not 0.
    let isConstant = deviation <= 1e-7 * max(1, abs(mean))
    let scale = isConstant ? 0 : 1 / deviation
    for i in values.indices { values[i] = Float((Double(values[i]) - mean) * scale) }
  }

  /// The bounds of ``robustZScore``, to 1/65536 of the range.
  private static func clipBounds(
    _ values: [Float],
    least: Float
  ) -> (lower: Float, upper: Float) {
    guard let largest = values.max(), largest > least else { return (least, least) }
    let bins = 65536
    let width = (Double(largest) - Double(least)) / Double(bins)
    let scale = 1 / width
    var histogram = [Int](repeating: 0, count: bins)
    for value in values {
      histogram[min(Int((Double(value) - Double(least)) * scale), bins - 1)] += 1
    }
    var (first, below) = (0, histogram[0])
    while Double(below) < clippedShare * Double(values.count) {
      first += 1
      below += histogram[first]
    }
    let most = (1 - clippedShare) * Double(values.count - below)
    var (last, between) = (first, 0)
    while last + 1 < bins, Double(between) < most {
      last += 1
      between += histogram[last]
    }
    return (
      Float(Double(least) + Double(first) * width), Float(Double(least) + Double(last + 1) * width)
    )
  }
}
