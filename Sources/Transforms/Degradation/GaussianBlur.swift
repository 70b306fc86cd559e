/// A blur by a Gaussian point-spread function.
package struct GaussianBlur: Degradation {
  /// Full width at half maximum along x, y and z, mm; 0 for none.
  package var widthMM: SIMD3<Double>

  /// Fixes the numbers.
  package init(widthMM: SIMD3<Double>) { self.widthMM = widthMM }

  /// Widths at half maximum in a standard deviation, 2 √(2 ln 2).
  static let widthsPerDeviation = 2.354_820_045

  package func validate() throws(TransformsError) {
    for axis in 0..<3 { try check("width", widthMM[axis], 0...1000) }
  }

  package func degraded(_ image: FilterImage) -> [Float] {
    GaussianFilter.blurred(
      image.values,
      size: image.size,
      deviations: widthMM / Self.widthsPerDeviation / image.spacing
    )
  }
}
