import Imaging
import Support

extension EnhancementChain {
  /// What is made of an image's symmetries.
  package struct Ensemble: Sendable, Equatable {
    /// Whether the result is the mean over them.
    ///
    /// The self-ensemble of Lim, Son, Kim, Nah and Lee 2017, "Enhanced Deep Residual Networks for Single
    /// Image Super-Resolution", section 3.3.
    package var averages = false
    /// Whether the standard deviation over them is wanted.
    package var wantsSpread = false

    package init() {}
  }

  /// What became of an image.
  package struct Output: Sendable {
    /// The improved image.
    package let content: EnhancementContent
    /// The standard deviation of grey values over the symmetries, in the image's unit; nil unless wanted.
    package let spread: Volume<Float>?
    /// The same in numbers; also without a map when the symmetries were averaged.
    package var summary: EnhancementSpread?
  }

  /// Applies the steps to the image, and where it is asked for to its mirror images.
  ///
  /// Planes are turned as the first model that states an orientation sees them; columns and rows trade
  /// places where their spacings and scales are equal. Results are added in a fixed order.
  /// - Parameters:
  ///   - content: The image.
  ///   - ensemble: What is made of its symmetries.
  ///   - modality: The modality that its file states, or nil.
  ///   - path: The image's name for messages.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between pieces.
  ///   - notes: Given what is worth knowing, one sentence each; none twice.
  /// - Returns: The improved image, and its spread.
  /// - Throws: As `apply`.
  package func apply(
    _ content: EnhancementContent,
    ensemble: Ensemble,
    modality: String?,
    path: String,
    progress: any ProgressReporter,
    interruption: Interruption,
    notes: inout [String]
  ) throws -> Output {
    func once(_ image: EnhancementContent) throws -> EnhancementContent {
      try apply(
        image,
        modality: modality,
        path: path,
        progress: progress,
        interruption: interruption,
        notes: &notes
      )
    }
    guard ensemble != Ensemble() else {
      return Output(content: try once(content), spread: nil, summary: nil)
    }
    let original = content.grey.geometry
    let orientation =
      content.isPicture
      ? nil : stages.lazy.compactMap { ($0 as? Enhancer)?.plan.orientation }.first
    let seen =
      orientation.map { wanted in
        content.mapChannels { channel, _ in channel.reoriented(to: wanted) }
      } ?? content
    let spacing = seen.grey.geometry.spacing
    let isSquare = abs(spacing.x - spacing.y) <= 1e-6 * spacing.x && scale[0] == scale[1]
    let symmetries = PlaneSymmetry.all(transposing: isSquare)
    let plain = try once(seen)
    let size = plain.grey.geometry.size
    var means = plain.channels.map(\.voxels)
    var (mean, squares) = (
      plain.grey.voxels, [Float](repeating: 0, count: size.x * size.y * size.z)
    )
    for (index, symmetry) in symmetries.enumerated().dropFirst() {
      let result = try once(seen.mapChannels { channel, _ in try symmetry.applied(to: channel) })
      let weight = 1 / Float(index + 1)
      if ensemble.averages {
        for (number, channel) in result.channels.enumerated() {
          let values = symmetry.undone(channel, size: size)
          for place in values.indices {
            means[number][place] += (values[place] - means[number][place]) * weight
          }
        }
      }
      // Welford 1962, so that equal results have a spread of 0.
      let values = symmetry.undone(result.grey, size: size)
      for place in values.indices {
        let difference = values[place] - mean[place]
        mean[place] += difference * weight
        squares[place] += difference * (values[place] - mean[place])
      }
    }
    func back(_ geometry: ImageGeometry, _ values: [Float]) -> Volume<Float> {
      let volume = Volume(geometry: geometry, voxels: values).reoriented(to: original.orientation)
      // The image's own geometry, not the twice reordered one, which differs by rounding.
      return volume.geometry.size == original.size
        ? Volume(geometry: original, voxels: volume.voxels) : volume
    }
    let count = Float(symmetries.count)
    let spread = back(plain.grey.geometry, squares.map { (max(0, $0) / count).squareRoot() })
    let result = plain.mapChannels { channel, number in
      back(channel.geometry, ensemble.averages ? means[number] : channel.voxels)
    }
    return Output(
      content: result,
      spread: ensemble.wantsSpread ? spread : nil,
      summary: EnhancementSpread(
        of: spread,
        symmetries: symmetries.count,
        isAveraged: ensemble.averages
      )
    )
  }
}
