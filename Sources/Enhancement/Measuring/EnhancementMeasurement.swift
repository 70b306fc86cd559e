import Imaging
import ImagingIO
import Pipelines
import Support

/// Degrades clean images, improves them, and compares what came of it with what they were.
package struct EnhancementMeasurement: Sendable {
  /// What a measurement depends on besides its inputs.
  package struct Options: Sendable {
    /// What is done to the clean images.
    package var degradation: ImageDegradation
    /// The seed of the noise.
    package var seed: UInt64 = 1
    /// Which series and volume of each input.
    package var selection = VolumeSelection()
    /// The range of the values; nil for 255 in pictures, and in scans what `rangeOfScans` says.
    package var dataRange: Double?
    /// Pixels at each side that are left out; nil for the factor of pictures that are reduced, else none.
    package var border: Int?
    /// Whether colours are compared by their luma; nil for pictures that are reduced.
    package var usesLuma: Bool?
    /// Whether results of scans of whole numbers keep their fractions.
    package var keepsFractions = false
    /// What is made of the images' symmetries by the model; rivals see the images as they lie.
    package var ensemble = EnhancementChain.Ensemble()
    /// The command line, for the record.
    package var command = ""

    package init(_ degradation: ImageDegradation) { self.degradation = degradation }
  }

  /// One image that was measured.
  package struct Measured: Sendable {
    /// What of the clean image was used.
    package let clean: EnhancementContent
    /// The degraded image, interpolated onto the clean one's grid where its own is coarser.
    package let before: EnhancementContent
    /// What the steps made of it.
    package let after: EnhancementContent
    /// The comparison.
    package var entry: EnhancementEvaluation.Case
    /// What each rival made of it, compared with the clean image.
    package let rivals: [ImageQuality]
    /// The spread over the symmetries of planes, if it was wanted.
    package let spread: Volume<Float>?
    /// What was odd about the input.
    package let problems: [InputProblem]
    /// What is worth knowing, one sentence each.
    package let notes: [String]
  }

  /// The range of intensities of scans: from the least to the 99.5th percentile.
  package static let rangeOfScans = EnhancementPlanner.magnitudeRange

  /// The model and what follows it.
  package let chain: EnhancementChain
  /// What else is measured on the same degraded images.
  package let rivals: [EnhancementChain]
  /// What the measurement depends on besides its inputs.
  package let options: Options
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a measurement.
  /// - Parameters:
  ///   - chain: The model and what follows it.
  ///   - rivals: What else is measured.
  ///   - options: What it depends on besides its inputs.
  ///   - progress: Told about reading and each step.
  ///   - interruption: Looked at between pieces of work.
  /// - Throws: `EnhancementError.unfitScale` for steps that neither keep the grid nor undo its reduction.
  package init(
    _ chain: EnhancementChain,
    against rivals: [EnhancementChain] = [],
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let reduction = options.degradation.scale
    for chain in [chain] + rivals {
      let isTurned = chain.thinsThickest && chain.scale.sorted() == reduction.sorted()
      guard [[1, 1, 1], reduction].contains(chain.scale) || isTurned else {
        throw EnhancementError.unfitScale(
          model: chain.name,
          scale: chain.scale,
          reduction: reduction
        )
      }
    }
    self.chain = chain
    self.rivals = rivals
    self.options = options
    self.progress = progress
    self.interruption = interruption
  }

  /// Measures one image.
  /// - Parameters:
  ///   - path: The clean image: a file, or a folder or zip of DICOM.
  ///   - id: Its name, on which the noise depends.
  /// - Returns: The images and the comparison.
  /// - Throws: What reading and the steps throw; `EnhancementError.unfitDegradation`.
  package func measure(_ path: String, id: String) throws -> Measured {
    let input = try EnhancementInput(
      path: path,
      selection: options.selection,
      progress: progress
    )
    let isPicture = input.content.isPicture
    guard input.content.channels.allSatisfy({ $0.voxels.allSatisfy(\.isFinite) }),
      let range = (isPicture ? EnhancementPlanner.pictureRange : Self.rangeOfScans)
        .scale(for: input.content.grey.voxels)
    else {
      throw EnhancementError.unfitDegradation(
        name: id,
        reason: "it is constant, or holds values that are not finite"
      )
    }
    let (clean, degraded) = try options.degradation.applied(
      to: input.content,
      range: range,
      seed: options.seed,
      name: id
    )
    var notes: [String] = []
    func result(
      _ chain: EnhancementChain,
      _ ensemble: EnhancementChain.Ensemble = .init()
    ) throws -> (image: EnhancementContent, output: EnhancementChain.Output) {
      let output = try chain.apply(
        degraded,
        ensemble: ensemble,
        modality: input.modality,
        path: path,
        progress: progress,
        interruption: interruption,
        notes: &notes
      )
      let size = output.content.grey.geometry.size
      if size != clean.grey.geometry.size {
        notes.append(
          "\(chain.name) keeps the coarse grid: its result was interpolated as the image before was."
        )
      }
      return (try interpolated(output.content, onto: clean), output)
    }
    let scale = options.degradation.scale
    let reducesPicture = isPicture && options.degradation.isReduction
    var comparison = EnhancementComparison(
      dataRange: options.dataRange ?? (isPicture ? 255 : Double(range.width))
    )
    comparison.border = options.border ?? (reducesPicture ? max(scale[0], scale[1]) : 0)
    comparison.usesLuma = options.usesLuma ?? reducesPicture
    comparison.keepsFractions = options.keepsFractions
    let before = try interpolated(degraded, onto: clean)
    let clock = ContinuousClock()
    let start = clock.now
    let (after, output) = try result(chain, options.ensemble)
    let seconds = (clock.now - start).seconds
    var entry = EnhancementEvaluation.Case(
      id: id,
      // Noise is neither rounded nor cut off, as in published figures; an interpolated file is.
      before: try comparison.quality(
        of: before,
        reference: clean,
        isFile: isPicture && options.degradation.endsInFile
      ),
      after: try comparison.quality(of: after, reference: clean, isFile: true)
    )
    entry.dataRange = comparison.dataRange
    entry.border = comparison.border
    let hasOwnGrid = output.content.grey.geometry.size == clean.grey.geometry.size
    let spread = hasOwnGrid ? output.spread : nil
    entry.spread = output.summary
    if let spread {
      entry.spread?.errorCorrelation = EnhancementSpread.correlation(
        of: spread,
        errorOf: after.grey,
        against: clean.grey
      )
    }
    entry.seconds = (seconds * 1000).rounded() / 1000
    let others = try rivals.map {
      try comparison.quality(of: try result($0).image, reference: clean, isFile: true)
    }
    return Measured(
      clean: clean,
      before: before,
      after: after,
      entry: entry,
      rivals: others,
      spread: spread,
      problems: input.problems,
      notes: notes
    )
  }

  /// An image on the clean one's grid: pictures by Keys' cubic, scans by cubic B-splines.
  private func interpolated(
    _ image: EnhancementContent,
    onto clean: EnhancementContent
  ) throws -> EnhancementContent {
    let target = clean.grey.geometry
    return try image.mapChannels { channel, _ in
      let size = channel.geometry.size
      if size == target.size { return channel }
      guard image.isPicture else {
        return channel.resampled(to: target, interpolation: .cubicBSpline)
      }
      let factor = target.size / size
      return try CubicEnlargement.enlarged(channel, scale: SIMD2(factor.x, factor.y))
    }
  }

  /// Joins what was measured.
  /// - Parameters:
  ///   - cases: The images' comparisons.
  ///   - notes: What is worth knowing, one sentence each.
  /// - Returns: The record.
  package func evaluation(
    of cases: [(entry: EnhancementEvaluation.Case, rivals: [ImageQuality])],
    notes: [String]
  ) -> EnhancementEvaluation {
    var result = EnhancementEvaluation(cases.map(\.entry))
    result.definition =
      "psnr (dB), ssim, mae and gradientError in units of the image, against the clean image; before: "
      + "the degraded image, where it is coarser interpolated by Keys' cubic (pictures) or cubic "
      + "B-splines (scans); after: what the steps made of it, as its file holds it; gain: after less "
      + "before; lead: the model less the rival; colours of reduced pictures by their Y"
    result.degradation = options.degradation.texts
    result.seed = options.seed
    result.stages = chain.stages.map(\.record)
    result.notes = notes
    result.command = options.command
    for (index, rival) in rivals.enumerated() {
      result.add(rival.stages.map(\.record), cases.map { $0.rivals[index] })
    }
    return result
  }
}
