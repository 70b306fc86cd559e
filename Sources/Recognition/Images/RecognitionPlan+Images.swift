import Pipelines
import Support

/// Where an image's pixels came to lie in what the network sees.
package struct FittedImage: Sendable {
  /// What the network sees, one plane after another.
  package let values: [Float]
  /// Network pixels for each of the image's, along rows and columns.
  package let scale: (rows: Double, columns: Double)
  /// Where the image's first pixel lies, in network pixels.
  package let origin: (row: Double, column: Double)
}

extension RecognitionPlan {
  /// Rows that the network sees.
  package var height: Int { imageSize[0] }
  /// Columns that the network sees.
  package var width: Int { imageSize[1] }

  /// An image as the network sees it.
  ///
  /// Values that are not finite count as the low end of the range; a constant image becomes 0 before
  /// means and deviations. A label map goes where its image goes.
  /// - Parameter image: The image, with a label map where the plan sees one.
  /// - Returns: The values, and where the image lies.
  package func fitted(_ image: ImagePlanes) -> FittedImage {
    let placed = placed(image.with(channels: imageChannels))
    return FittedImage(
      values: normalized(placed.image.values, range: image) + labels(image),
      scale: placed.scale,
      origin: placed.origin
    )
  }

  /// A label map as the network sees it; empty where the plan sees none.
  private func labels(_ image: ImagePlanes) -> [Float] {
    guard labelMap != nil else { return [] }
    let count = channels - imageChannels
    precondition(
      image.labels.count == count * image.height * image.width,
      "an image without the label map that the network sees"
    )
    let planes = ImagePlanes(height: image.height, width: image.width, values: image.labels)
    // Beyond the label map there is nothing.
    return placed(planes).image.values.map { $0.isFinite ? $0 : 0 }
  }

  /// The image on the network's grid, its values as they were; not a number where there is no image.
  package func placed(
    _ image: ImagePlanes
  ) -> (
    image: ImagePlanes, scale: (rows: Double, columns: Double),
    origin: (row: Double, column: Double)
  ) {
    let ratios = (
      Double(height) / Double(image.height), Double(width) / Double(image.width)
    )
    if fitting == .stretch {
      return (image.resized(toHeight: height, width: width), ratios, (0, 0))
    }
    let ratio =
      switch fitting {
      case .letterbox: min(ratios.0, ratios.1)
      case .pad: 1.0
      case .crop, .stretch: max(ratios.0, ratios.1)
      }
    let inner = image.resized(
      toHeight: max(1, Int((Double(image.height) * ratio).rounded())),
      width: max(1, Int((Double(image.width) * ratio).rounded()))
    )
    let scale = (
      Double(inner.height) / Double(image.height), Double(inner.width) / Double(image.width)
    )
    // A letterbox leaves the border at the far edges; the others take the middle.
    let top = fitting == .letterbox ? 0 : (inner.height - height) / 2
    let left = fitting == .letterbox ? 0 : (inner.width - width) / 2
    // What is not finite becomes the low end of the range.
    var result = [Float](repeating: .nan, count: image.channels * height * width)
    for channel in 0..<image.channels {
      for y in 0..<height where (0..<inner.height).contains(y + top) {
        for x in 0..<width where (0..<inner.width).contains(x + left) {
          result[(channel * height + y) * width + x] =
            inner.values[(channel * inner.height + y + top) * inner.width + x + left]
        }
      }
    }
    return (
      ImagePlanes(height: height, width: width, values: result), scale,
      (Double(-top), Double(-left))
    )
  }

  /// Values on the network's scale.
  /// - Parameters:
  ///   - values: One plane after another.
  ///   - image: The image whose percentiles count, if the plan takes them.
  /// - Returns: The values.
  package func normalized(_ values: [Float], range image: ImagePlanes) -> [Float] {
    let scale = intensity.scale(for: image.values)
    let area = values.count / imageChannels
    return values.indices.map { index in
      let channel = index / area
      let value = scale?.scaled(values[index]) ?? 0
      return (value - Float(means[channel])) / Float(deviations[channel])
    }
  }
}
