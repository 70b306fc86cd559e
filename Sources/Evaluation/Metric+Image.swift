import Foundation
import Imaging
import Support

extension Metric {
  /// Errors of an image against its reference, over all voxels of the volume.
  static let imageError: [Metric] = [
    image(
      "mse",
      "Mean squared error",
      "The mean of the squared differences over all voxels, in squared units of the image."
    ) { .value($0.meanSquaredError) },
    image(
      "rmse",
      "Root mean squared error",
      "The root of the mean squared difference over all voxels, in units of the image."
    ) { .value($0.meanSquaredError.squareRoot()) },
    image(
      "mae",
      "Mean absolute error",
      "The mean of the absolute differences over all voxels, in units of the image."
    ) { .value($0.meanAbsoluteError) },
    image(
      "psnr",
      "Peak signal-to-noise ratio",
      unit: "dB",
      better: .higher,
      range: (-.infinity)...(.infinity),
      "20 log10(L) - 10 log10(MSE) of the whole volume; L is the stated data range. Infinite, hence "
        + "undefined, for equal images."
    ) { pair in
      guard let range = pair.dataRange else {
        return .undefined(reason: "no data range was given")
      }
      guard pair.meanSquaredError > 0 else {
        return .undefined(reason: "the images are equal, so the ratio is infinite")
      }
      return .value(20 * log10(range) - 10 * log10(pair.meanSquaredError))
    },
  ]

  private static func image(
    _ key: String,
    _ name: String,
    unit: String = "",
    better: Better = .lower,
    range: ClosedRange<Double> = 0...(.infinity),
    _ definition: String,
    _ evaluate: @escaping @Sendable (ImagePair) -> MetricValue
  ) -> Metric {
    Metric(
      key: key,
      name: name,
      unit: unit,
      better: better,
      range: range,
      definition: definition,
      computation: .images { pair in
        guard pair.meanSquaredError.isFinite else {
          return .undefined(reason: "an image holds values that are not finite")
        }
        return evaluate(pair)
      }
    )
  }
}

/// What is known about two images of the same grid.
package struct ImagePair: Sendable {
  package let meanSquaredError: Double
  package let meanAbsoluteError: Double
  /// The range of the true values, in units of the image.
  package let dataRange: Double?

  /// Sums the differences in double precision, in pieces that do not depend on the threads.
  package init(_ prediction: [Float], _ reference: [Float], dataRange: Double?) {
    precondition(
      prediction.count == reference.count && !prediction.isEmpty,
      "images of different size"
    )
    let piece = 1 << 16
    let pieces = (prediction.count + piece - 1) / piece
    let sums = AlignedBuffer<SIMD2<Double>>(repeating: .zero, count: pieces)
    prediction.withUnsafeBufferPointer { prediction in
      reference.withUnsafeBufferPointer { reference in
        nonisolated(unsafe) let prediction = prediction
        nonisolated(unsafe) let reference = reference
        Parallelism.forEach(pieces) { index in
          var sum = SIMD2<Double>.zero
          for at in (index * piece)..<min(prediction.count, (index + 1) * piece) {
            let difference = Double(prediction[at]) - Double(reference[at])
            sum += [difference * difference, abs(difference)]
          }
          sums.mutableElements[index] = sum
        }
      }
    }
    let total = sums.elements.reduce(.zero, +) / Double(prediction.count)
    meanSquaredError = total.x
    meanAbsoluteError = total.y
    self.dataRange = dataRange
  }
}
