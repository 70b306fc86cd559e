/// The weights of interpolation along one axis, from the kernels' own formulas.
enum UpsamplingReference {
  /// For every output cell all input cells k with weight h(position − k), the border repeated.
  static func taps(
    _ input: Int,
    _ output: Int,
    _ interpolation: FeatureInterpolation,
    alignCorners: Bool
  ) -> [[AxisMap.Tap]] {
    (0..<output).map { cell in
      if interpolation == .nearest {
        return [(nearestCell(cell, input: input, output: output), 1)]
      }
      var position = 0.0
      if !alignCorners {
        position = (Double(cell) + 0.5) * Double(input) / Double(output) - 0.5
      } else if output > 1 {
        position = Double(cell) * Double(input - 1) / Double(output - 1)
      }
      if interpolation == .linear { position = max(position, 0) }
      let kernel = interpolation == .linear ? hat : cubic
      return (-3...input + 2).compactMap { k in
        let weight = kernel(abs(position - Double(k)))
        return weight == 0 ? nil : (min(max(k, 0), input - 1), weight)
      }
    }
  }

  /// 1 − d for d < 1, else 0.
  private static func hat(_ d: Double) -> Double { max(0, 1 - d) }

  /// Keys 1981, equation 4 with a = −0.75:
  /// (a + 2) d³ − (a + 3) d² + 1 for d ≤ 1, a d³ − 5a d² + 8a d − 4a for d < 2, else 0.
  private static func cubic(_ d: Double) -> Double {
    let a = -0.75
    if d <= 1 { return (a + 2) * d * d * d - (a + 3) * d * d + 1 }
    if d < 2 { return a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a }
    return 0
  }
}
