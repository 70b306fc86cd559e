import Support

/// How intensities are brought to a common scale before a network; a value for plans.
public enum IntensityNormalization: String, Codable, Sendable, CaseIterable {
  /// (v − mean) / standard deviation over the whole volume (population deviation).
  case zScore
  /// By `RobustScale`: dark background 0, tissue about 1, extremes cut off.
  case robust
  /// Unchanged.
  case none

  /// Normalises in place.
  ///
  /// Values that are not finite count for nothing and become 0. A constant image becomes 0.
  /// - Parameter values: The voxels of one channel of one volume.
  public func apply(to values: inout [Float]) {
    if self == .robust { return RobustScale.apply(to: &values) }
    for i in values.indices where !values[i].isFinite { values[i] = 0 }
    guard self == .zScore, !values.isEmpty else { return }
    let count = Double(values.count)
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    let deviation = (squares / count).squareRoot()
    // Rounding leaves a constant image with a deviation that is tiny, not 0.
    let isConstant = deviation <= 1e-7 * max(1, abs(mean))
    let scale = isConstant ? 0 : 1 / deviation
    for i in values.indices { values[i] = Float((Double(values[i]) - mean) * scale) }
  }
}
