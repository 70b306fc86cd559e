import Foundation

/// K-space that ends early, which blurs and rings at edges (Gibbs).
///
/// Of the frequencies along an axis those with |k| ≤ share · n / 2 are kept and the others set to 0: the grid
/// stays, as in a scan that is interpolated by zero filling. Magnitudes of the result are not taken; small
/// negative values occur.
package struct SpectralTruncation: Degradation {
  /// Share of the frequencies that is kept along x, y and z.
  package var share: SIMD3<Double>

  /// Fixes the numbers.
  package init(share: SIMD3<Double>) { self.share = share }

  package func validate() throws(TransformsError) {
    for axis in 0..<3 { try check("share", share[axis], 0...1) }
  }

  package func degraded(_ image: FilterImage) -> [Float] {
    let size = image.size
    var spectrum = ComplexImage(image.values, size: size)
    for axis in 0..<3 where share[axis] < 1 && size[axis] > 1 {
      spectrum.transform(axis: axis, isInverse: false)
      let limit = share[axis] * Double(size[axis]) / 2
      let isKept = (0..<size[axis]).map {
        let k = ComplexImage.frequency($0, size[axis])
        // An even spectrum's middle has no partner and is kept only with all.
        return Double(abs(k)) <= limit && 2 * abs(k) != size[axis]
      }
      let inner = axis == 0 ? 1 : axis == 1 ? size.x : size.x * size.y
      for i in spectrum.real.indices where !isKept[i / inner % size[axis]] {
        spectrum.real[i] = 0
        spectrum.imaginary[i] = 0
      }
      spectrum.transform(axis: axis, isInverse: true)
    }
    return spectrum.real
  }
}
