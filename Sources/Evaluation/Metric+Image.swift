import Foundation

extension Metric {
  /// Errors of an image against its reference, over all voxels of the volume or of a mask.
  static let imageError: [Metric] = [
    image(
      "mse",
      "Mean squared error",
      "The mean of the squared differences over all voxels (of the mask, if there is one), in squared units of the image."
    ) { .value($0.meanSquaredError) },
    image(
      "rmse",
      "Root mean squared error",
      "The root of the mean squared difference, over the same voxels, in units of the image."
    ) { .value($0.meanSquaredError.squareRoot()) },
    image(
      "mae",
      "Mean absolute error",
      "The mean of the absolute differences, over the same voxels, in units of the image."
    ) { .value($0.meanAbsoluteError) },
    image(
      "psnr",
      "Peak signal-to-noise ratio",
      unit: "dB",
      better: .higher,
      range: (-.infinity)...(.infinity),
      "20 log10(L) - 10 log10(MSE) of the volume or its mask; L is the stated data range. Infinite, hence "
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
    image(
      "nmse",
      "Normalised mean squared error",
      "The mean squared error over the mean of the squared true values, over all voxels, as in "
        + "fastMRI; undefined when all true values are 0."
    ) { pair in
      .ratio(
        pair.meanSquaredError,
        pair.meanSquaredReference,
        otherwise: "all values of the reference are 0"
      )
    },
  ]

  /// The likeness of an image's structure.
  static let similarity: [Metric] = [
    likeness(
      "ssim2d",
      "Structural similarity of slices",
      "The mean over the slices along the third axis of their structural similarity (Wang et al. 2004) "
        + "with uniform windows of 7 x 7 and sample covariances, scikit-image's defaults, with the "
        + "stated data range.",
      smallest: "7 x 7 pixels"
    ) { pair, range in
      StructuralSimilarity.value(
        pair.prediction,
        pair.reference,
        size: pair.size,
        dataRange: range,
        slicewise: true
      )
    },
    likeness(
      "ssim3d",
      "Structural similarity of the volume",
      "The structural similarity (Wang et al. 2004) with uniform windows of 7 x 7 x 7 and sample "
        + "covariances, scikit-image's defaults for three dimensions, with the stated data range.",
      smallest: "7 x 7 x 7 voxels"
    ) { pair, range in
      StructuralSimilarity.value(
        pair.prediction,
        pair.reference,
        size: pair.size,
        dataRange: range,
        slicewise: false
      )
    },
    likeness(
      "msssim",
      "Multi-scale structural similarity of slices",
      "The mean over the slices along the third axis of their similarity at five scales (Wang et al. "
        + "2003), with Gaussian windows of 11 x 11 (standard deviation 1.5) and population covariances, "
        + "as MONAI's MultiScaleSSIMMetric, with the stated data range.",
      smallest: "176 x 176 pixels"
    ) { pair, range in
      MultiScaleSimilarity.value(
        pair.prediction,
        pair.reference,
        size: pair.size,
        dataRange: range
      )
    },
  ]

  private static func likeness(
    _ key: String,
    _ name: String,
    _ definition: String,
    smallest: String,
    _ evaluate: @escaping @Sendable (ImagePair, Double) -> Double?
  ) -> Metric {
    image(key, name, better: .higher, range: -1...1, definition) { pair in
      guard !pair.isMasked else {
        return .undefined(reason: "its windows reach beyond a mask")
      }
      guard let range = pair.dataRange else {
        return .undefined(reason: "no data range was given")
      }
      guard let value = evaluate(pair, range) else {
        return .undefined(reason: "the image is smaller than \(smallest)")
      }
      // Rounding may carry the similarity of equal images a hair beyond 1.
      return .value(min(value, 1))
    }
  }

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
        guard pair.voxelCount > 0 else { return .undefined(reason: "the mask is empty") }
        guard pair.meanSquaredError.isFinite else {
          return .undefined(reason: "an image holds values that are not finite")
        }
        return evaluate(pair)
      }
    )
  }
}
