import ImagingIO
import Pipelines

extension LabelledImages {
  /// Which slices of volumes become the channels of an image.
  ///
  /// They are spread over the whole volume; with `pad`, which keeps sizes, they lie at distances that reach
  /// over the deepest volume, at least the median of the volumes' own, and pixels have the median of theirs.
  /// - Parameters:
  ///   - slices: How many slices.
  ///   - fitting: How images of another size are brought to the network's.
  /// - Returns: The slices.
  /// - Throws: `RecognitionError.noImages` with `pad` when no volume's header can be read.
  package func stack(slices: Int, fitting: RecognitionPlan.Fitting) throws -> StackedSlices {
    guard fitting == .pad else { return StackedSlices(slices: slices) }
    var (spacings, depths): ([[Double]], [Double]) = ([], [])
    for item in items {
      guard case .stack(let path, _) = item.source,
        let volume = try? ImageFormats.inspect(path).first?.volumes.first,
        volume.size.count >= 3, volume.spacingMM.count >= 3,
        volume.spacingMM.allSatisfy({ (1e-3...1e3).contains($0) })
      else { continue }
      spacings.append(Array(volume.spacingMM.prefix(3)))
      depths.append(Double(volume.size[2]) * volume.spacingMM[2])
    }
    guard let depth = depths.max() else {
      throw RecognitionError.noImages(path: name, reason: "no volume's header can be read")
    }
    func median(_ axis: Int) -> Double {
      let sorted = spacings.map { $0[axis] }.sorted()
      return sorted[sorted.count / 2]
    }
    return StackedSlices(
      slices: slices,
      spacingMM: [median(0), median(1), max(median(2), depth / Double(slices))]
        .map { ($0 * 1e4).rounded() / 1e4 }
    )
  }
}

extension ImagePlanes {
  /// The size on which the largest image fits without being cut.
  /// - Parameter sample: Some of the images.
  /// - Returns: Rows and columns, in steps of 8 pixels, at most 224 each.
  package static func paddedSize(of sample: [ImagePlanes]) -> [Int] {
    let sides = [sample.map(\.height).max() ?? 8, sample.map(\.width).max() ?? 8]
    return sides.map { min(224, ($0 + 7) / 8 * 8) }
  }
}
