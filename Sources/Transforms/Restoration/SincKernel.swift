import Foundation

/// Interpolation by a sinc function within a window.
package enum SincKernel: String, Codable, Sendable, CaseIterable {
  /// sinc(x) · sinc(x / 3) for |x| < 3 (Lanczos; Duchon, 1979, "Lanczos filtering in one and two
  /// dimensions"), as in Pillow.
  case lanczos
  /// sinc(x) · (1 + cos(π x / 4)) / 2 for |x| < 4, the window of von Hann.
  case hann
  /// sinc(x) · (0.54 + 0.46 cos(π x / 4)) for |x| < 4, the window of Hamming, as in ITK.
  case hamming

  /// Where the kernel ends, in samples.
  var radius: Double { self == .lanczos ? 3 : 4 }

  /// The weight of a sample at a distance.
  func weight(_ distance: Double) -> Double {
    guard abs(distance) < radius else { return 0 }
    func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
    let window =
      switch self {
      case .lanczos: sinc(distance / radius)
      case .hann: 0.5 + 0.5 * cos(.pi * distance / radius)
      case .hamming: 0.54 + 0.46 * cos(.pi * distance / radius)
      }
    return sinc(distance) * window
  }

  /// An image on a grid of another number of voxels over the same field of view.
  ///
  /// Faces stay in place. Where voxels become fewer the kernel is widened, so that nothing folds over.
  /// Samples beyond the borders are left out and the others' weights scaled to a sum of 1, as Pillow does.
  /// (Cubic B-splines are `Volume.resampled(to:interpolation:)` in Imaging.)
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Its size.
  ///   - newSize: The wanted size.
  /// - Returns: The values on the new grid.
  /// - Precondition: Sizes of at least 1.
  package func resampled(_ values: [Float], size: SIMD3<Int>, to newSize: SIMD3<Int>) -> [Float] {
    precondition(newSize.min() > 0, "a size of \(newSize)")
    var (result, current) = (values, size)
    for axis in 0..<3 where size[axis] != newSize[axis] {
      let ratio = Double(size[axis]) / Double(newSize[axis])
      let width = max(1, ratio)
      let places = (0..<newSize[axis]).map { (Double($0) + 0.5) * ratio - 0.5 }
      let pass = BandedPass(
        inputs: size[axis],
        places: places,
        taps: 2 * Int((radius * width).rounded(.up)) + 1
      ) { weight($0 / width) }
      result = pass.applied(to: result, size: current, axis: axis)
      current[axis] = newSize[axis]
    }
    return result
  }
}
