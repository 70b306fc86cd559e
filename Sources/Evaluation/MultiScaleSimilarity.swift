import Foundation
import Support

/// The multi-scale structural similarity of two images (MS-SSIM), slice by slice.
///
/// At five scales, each half as fine as the one before (means of 2 x 2 pixels), the means over the
/// slice of the contrast and structure term are raised to the weights 0.0448, 0.2856, 0.3001,
/// 0.2363 and 0.1333 and multiplied, the last with the luminance term too (Wang, Simoncelli and
/// Bovik 2003, "Multiscale structural similarity for image quality assessment"). Windows are
/// Gaussian, 11 pixels wide with a standard deviation of 1.5, and lie wholly within the slice;
/// variances are those of populations. Negative terms count as 0. MONAI's MultiScaleSSIMMetric for
/// two dimensions is the same in single precision.
public enum MultiScaleSimilarity {
  /// The exponents of the scales, the finest first.
  static let weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
  /// The width of a window.
  static let window = 11
  /// The least pixels of slices along both axes: a window must fit at the coarsest scale.
  public static let leastSize = window << (weights.count - 1)

  /// Compares two images.
  /// - Parameters:
  ///   - a: Finite values, x fastest.
  ///   - b: As many.
  ///   - size: Voxels along each axis.
  ///   - dataRange: The range of the true values, more than 0.
  /// - Returns: The mean over the slices along the third axis, between 0 and 1; nil when slices are
  ///   smaller than `leastSize`.
  /// - Precondition: As many values as voxels.
  public static func value(
    _ a: [Float],
    _ b: [Float],
    size: SIMD3<Int>,
    dataRange: Double
  ) -> Double? {
    precondition(
      a.count == size.x * size.y * size.z && b.count == a.count,
      "\(a.count) and \(b.count) values for a grid of \(size)"
    )
    guard size.x >= leastSize, size.y >= leastSize else { return nil }
    let results = AlignedBuffer<Double>(repeating: 0, count: size.z)
    let plane = size.x * size.y
    Parallelism.forEach(size.z) { z in
      let range = (z * plane)..<((z + 1) * plane)
      results.mutableElements[z] = slice(
        Plane(a[range].map(Double.init), size.x, size.y),
        Plane(b[range].map(Double.init), size.x, size.y),
        dataRange
      )
    }
    return results.elements.reduce(0, +) / Double(size.z)
  }

  private struct Plane {
    var values: [Double]
    var width: Int
    var height: Int

    init(_ values: [Double], _ width: Int, _ height: Int) {
      (self.values, self.width, self.height) = (values, width, height)
    }

    /// The means of 2 x 2 pixels; an odd last row or column is left out.
    var halved: Plane {
      let (w, h) = (width / 2, height / 2)
      var result: [Double] = []
      result.reserveCapacity(w * h)
      for y in 0..<h {
        for x in 0..<w {
          let at = 2 * y * width + 2 * x
          result.append(
            (values[at] + values[at + 1] + values[at + width] + values[at + width + 1]) / 4
          )
        }
      }
      return Plane(result, w, h)
    }

    func product(_ other: Plane) -> Plane {
      Plane(zip(values, other.values).map { $0 * $1 }, width, height)
    }

    /// The Gaussian mean around every pixel whose window lies within.
    func smoothed(_ kernel: [Double]) -> Plane {
      let (w, h) = (width - kernel.count + 1, height - kernel.count + 1)
      var rows = [Double](repeating: 0, count: w * height)
      for y in 0..<height {
        for (tap, weight) in kernel.enumerated() {
          for x in 0..<w { rows[y * w + x] += weight * values[y * width + x + tap] }
        }
      }
      var result = [Double](repeating: 0, count: w * h)
      for y in 0..<h {
        for (tap, weight) in kernel.enumerated() {
          for x in 0..<w { result[y * w + x] += weight * rows[(y + tap) * w + x] }
        }
      }
      return Plane(result, w, h)
    }
  }

  private static func slice(_ a: Plane, _ b: Plane, _ dataRange: Double) -> Double {
    let bell = (0..<window).map { exp(-pow(Double($0 - window / 2) / 1.5, 2) / 2) }
    let kernel = bell.map { $0 / bell.reduce(0, +) }
    var (a, b) = (a, b)
    var result = 1.0
    for (scale, weight) in weights.enumerated() {
      if scale > 0 { (a, b) = (a.halved, b.halved) }
      let terms = means(a, b, kernel, dataRange)
      let term = scale == weights.count - 1 ? terms.similarity : terms.contrast
      result *= pow(max(term, 0), weight)
    }
    return result
  }

  /// The means over the plane of the similarity and of its contrast and structure term.
  private static func means(
    _ a: Plane,
    _ b: Plane,
    _ kernel: [Double],
    _ dataRange: Double
  ) -> (similarity: Double, contrast: Double) {
    let (c1, c2) = (pow(0.01 * dataRange, 2), pow(0.03 * dataRange, 2))
    let (ma, mb) = (a.smoothed(kernel).values, b.smoothed(kernel).values)
    let aa = a.product(a).smoothed(kernel).values
    let bb = b.product(b).smoothed(kernel).values
    let ab = a.product(b).smoothed(kernel).values
    var (similarity, contrast) = (0.0, 0.0)
    for i in ma.indices {
      let (squareA, squareB, both) = (ma[i] * ma[i], mb[i] * mb[i], ma[i] * mb[i])
      let structure =
        (2 * (ab[i] - both) + c2) / ((aa[i] - squareA) + (bb[i] - squareB) + c2)
      contrast += structure
      similarity += (2 * both + c1) / (squareA + squareB + c1) * structure
    }
    return (similarity / Double(ma.count), contrast / Double(ma.count))
  }
}
