import Evaluation
import Foundation
import Recognition

/// How near a filled image is to what it was.
public struct InpaintingQuality: Codable, Sendable, Equatable {
  /// 20 log₁₀(range) − 10 log₁₀(mean squared error) over the hidden pixels, dB; nil where they are equal.
  @NullEncoded public var psnrInHoles: Double?
  /// The same over all pixels, of which the known ones have no error.
  @NullEncoded public var psnr: Double?
  /// The mean structural similarity of the windows whose middle is hidden; nil where there is none.
  ///
  /// Windows of 7 x 7 pixels that lie within the image, as `StructuralSimilarity` defines it; of colours the
  /// mean.
  @NullEncoded public var ssimInHoles: Double?
  /// The mean over all windows within the image; nil for images smaller than a window.
  @NullEncoded public var ssim: Double?
  /// The mean squared error over the hidden pixels.
  public let squaredErrorInHoles: Double

  /// Compares.
  /// - Parameters:
  ///   - image: The filled image.
  ///   - truth: What it was, finite.
  ///   - hidden: Whether each pixel was hidden; at least one was.
  ///   - dataRange: The range of intensities, above 0.
  package init(of image: ImagePlanes, truth: ImagePlanes, hidden: [Bool], dataRange: Double) {
    let area = hidden.count
    let (count, channels) = (hidden.count { $0 }, truth.channels)
    var sum = 0.0
    for place in truth.values.indices where hidden[place % area] {
      let error = Double(image.values[place] - truth.values[place])
      sum += error * error
    }
    func decibels(_ error: Double) -> Double? {
      error > 0 ? 20 * log10(dataRange) - 10 * log10(error) : nil
    }
    squaredErrorInHoles = sum / Double(count * channels)
    psnrInHoles = decibels(squaredErrorInHoles)
    psnr = decibels(sum / Double(area * channels))
    var (all, own): ([Double], [Double]) = ([], [])
    for channel in 0..<channels {
      let part = channel * area..<(channel + 1) * area
      let map = Self.similarities(
        Array(image.values[part]),
        Array(truth.values[part]),
        width: truth.width,
        dataRange: dataRange
      )
      for (place, value) in map {
        all.append(value)
        if hidden[place] { own.append(value) }
      }
    }
    func mean(_ values: [Double]) -> Double? {
      values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    (ssimInHoles, ssim) = (mean(own), mean(all))
  }

  /// The similarity of each window, by the pixel in its middle.
  ///
  /// `StructuralSimilarity` gives the mean alone.
  private static func similarities(
    _ a: [Float],
    _ b: [Float],
    width: Int,
    dataRange: Double
  ) -> [(place: Int, value: Double)] {
    let window = StructuralSimilarity.window
    let height = a.count / width
    guard height >= window, width >= window else { return [] }
    let n = Double(window * window)
    let (c1, c2) = (0.0001 * dataRange * dataRange, 0.0009 * dataRange * dataRange)
    var result: [(place: Int, value: Double)] = []
    for top in 0...(height - window) {
      for left in 0...(width - window) {
        var (x, y, xx, yy, xy) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for row in top..<top + window {
          for place in row * width + left..<row * width + left + window {
            let (u, v) = (Double(a[place]), Double(b[place]))
            x += u
            y += v
            xx += u * u
            yy += v * v
            xy += u * v
          }
        }
        let (mx, my) = (x / n, y / n)
        let (vx, vy, cov) = (
          (xx - n * mx * mx) / (n - 1), (yy - n * my * my) / (n - 1),
          (xy - n * mx * my) / (n - 1)
        )
        let value =
          (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
        result.append(((top + window / 2) * width + left + window / 2, value))
      }
    }
    return result
  }
}
