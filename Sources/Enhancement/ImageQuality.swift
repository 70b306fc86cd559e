import Evaluation
import Foundation
import Imaging
import Support

/// How near an image is to its reference.
public struct ImageQuality: Codable, Sendable, Equatable {
  /// 20 log₁₀(range) − 10 log₁₀(mean squared error), dB; nil for equal images.
  @NullEncoded public var psnr: Double?
  /// The structural similarity, as `StructuralSimilarity` defines it, of slices.
  ///
  /// Nil for images of fewer than 7 x 7 pixels.
  @NullEncoded public var ssim: Double?
  /// Mean absolute difference, in units of the image.
  public var mae: Double
  /// Root mean square of the difference of gradients, taken as differences of neighbours along every
  /// axis, in units of the image: blur and invented edges raise it.
  public var gradientError: Double

  /// Compares two images.
  /// - Parameters:
  ///   - image: The image.
  ///   - reference: What it should be, on a grid of the same size.
  ///   - dataRange: The range of the true values.
  ///   - border: Pixels at each side of a slice that are left out; benchmarks of super-resolution leave
  ///     out as many as the grid became finer.
  /// - Throws: `ImagingError.gridMismatch` for other sizes, or when the border leaves nothing.
  package init(
    of image: Volume<Float>,
    reference: Volume<Float>,
    dataRange: Double,
    border: Int = 0
  ) throws {
    try self.init(of: [image], reference: [reference], dataRange: dataRange, border: border)
  }

  /// Compares two images of several channels: errors are means over all, SSIM is the channels' mean.
  /// - Parameters:
  ///   - channels: The image's channels; at least one.
  ///   - reference: As many channels that they should be, on a grid of the same size.
  ///   - dataRange: The range of the true values.
  ///   - border: Pixels at each side of a slice that are left out.
  /// - Throws: `ImagingError.gridMismatch` for other sizes, or when the border leaves nothing.
  /// - Precondition: As many channels as the reference has.
  package init(
    of channels: [Volume<Float>],
    reference: [Volume<Float>],
    dataRange: Double,
    border: Int = 0
  ) throws {
    precondition(
      !channels.isEmpty && channels.count == reference.count,
      "\(channels.count) channels against \(reference.count)"
    )
    let size = channels[0].geometry.size
    let inner = SIMD3(size.x - 2 * border, size.y - 2 * border, size.z)
    let low = SIMD3(border, border, 0)
    var (squared, absolute, gradient) = (0.0, 0.0, 0.0)
    var similarity: Double? = 0
    for (image, truth) in zip(channels, reference) {
      guard size == image.geometry.size, size == truth.geometry.size else {
        throw ImagingError.gridMismatch(
          reason: "\(size.x) x \(size.y) x \(size.z) voxels against "
            + "\(truth.geometry.size.x) x \(truth.geometry.size.y) x \(truth.geometry.size.z)"
        )
      }
      guard inner.min() > 0 else {
        throw ImagingError.gridMismatch(reason: "a border of \(border) leaves nothing of them")
      }
      let (a, b) = (image.values(at: low, inner), truth.values(at: low, inner))
      let pair = ImagePair(a, b, size: inner, dataRange: dataRange)
      squared += pair.meanSquaredError
      absolute += pair.meanAbsoluteError
      let error = Self.gradientError(a, b, size: inner)
      // One channel's root is not squared again, which would round.
      gradient = channels.count == 1 ? error : gradient + error * error
      let own = StructuralSimilarity.value(
        a,
        b,
        size: inner,
        dataRange: dataRange,
        slicewise: true
      )
      similarity = similarity.flatMap { sum in own.map { sum + $0 } }
    }
    let count = Double(channels.count)
    mae = absolute / count
    psnr = squared > 0 ? 20 * log10(dataRange) - 10 * log10(squared / count) : nil
    ssim = similarity.map { $0 / count }
    gradientError = channels.count == 1 ? gradient : (gradient / count).squareRoot()
  }

  /// Sums rows side by side, and then the rows in order.
  private static func gradientError(_ a: [Float], _ b: [Float], size: SIMD3<Int>) -> Double {
    let steps = [1, size.x, size.x * size.y]
    let sums = AlignedBuffer<SIMD2<Double>>(repeating: .zero, count: size.y * size.z)
    Parallelism.forEach(size.y * size.z) { line in
      let (z, y) = (line / size.y, line % size.y)
      var sum = SIMD2<Double>.zero
      for x in 0..<size.x {
        let place = x + size.x * line
        for (axis, hasNext) in [x + 1 < size.x, y + 1 < size.y, z + 1 < size.z].enumerated()
        where hasNext {
          let next = place + steps[axis]
          let difference = Double(a[next] - a[place]) - Double(b[next] - b[place])
          sum += [difference * difference, 1]
        }
      }
      sums.mutableElements[line] = sum
    }
    let total = sums.elements.reduce(.zero, +)
    return total.y > 0 ? (total.x / total.y).squareRoot() : 0
  }
}
