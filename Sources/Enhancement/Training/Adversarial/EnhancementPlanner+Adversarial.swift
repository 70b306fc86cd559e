import Layers
import Networks
import Pipelines

extension EnhancementPlanner {
  /// Channels of a discriminator's first stage.
  private static let criticFeatures = 32
  /// Samples of a training that translates images, which should show more than texture.
  static let translationSide = 64

  /// The numbers of a training with a discriminator.
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - configuration: All other values.
  /// - Returns: The numbers; nil when no discriminator is asked for.
  static func adversarial(
    _ request: EnhancementRequest,
    _ configuration: EnhancementConfiguration
  ) -> AdversarialConfiguration? {
    let isTranslation = request.task == .translation
    guard let wanted = request.adversarial ?? (isTranslation ? AdversarialRequest() : nil) else {
      return nil
    }
    let isPaired = isTranslation && wanted.isPaired
    let side = (configuration.patchSize.min() ?? 0) * configuration.plan.networkScale
    let critic = PatchDiscriminatorConfiguration(
      inputChannels: isPaired ? configuration.plan.slicesSeen + 1 : 1,
      features: criticFeatures,
      layers: side >= 64 ? 3 : 2,
      normalization: .none,
      isSpectral: true,
      dimensions: configuration.plan.dimensions
    )
    let usual: AdversarialConfiguration.Game =
      !isTranslation ? .relativistic : isPaired ? .standard : .leastSquares
    var values = AdversarialConfiguration(wanted.kind?.game ?? usual, discriminator: critic)
    if isTranslation {
      // Pix2Pix's 1 and 100, of which only the ratio matters to Adam; CycleGAN's 1.
      values.adversarialWeight = isPaired ? 0.01 : 1
      values.perceptualWeight = isPaired ? values.perceptualWeight : 0
      values.pixelShare = 0
      values.isConditional = isPaired
      values.cycle = isPaired ? nil : AdversarialConfiguration.Cycle()
    }
    if wanted.isTrained { values.pixelShare = 0 }
    values.adversarialWeight = wanted.weight ?? values.adversarialWeight
    values.perceptualWeight = wanted.perceptualWeight ?? values.perceptualWeight
    values.learningRate = wanted.learningRate ?? values.learningRate
    return values
  }

  /// The intensities that become 0 and 1 for a network, by the kind of images.
  static func intensity(of images: CleanImages, modality: String?) -> IntensityRange {
    images.arePictures ? pictureRange : modality == "CT" ? hounsfieldRange : magnitudeRange
  }

  /// How images of another kind are scaled, and the intensities that results have.
  ///
  /// Percentiles of a result are not known before it is made: it gets the middle one of those that the
  /// images trained on have.
  /// - Parameters:
  ///   - targets: Images of the other kind.
  ///   - isPaired: Whether each image has a partner.
  /// - Returns: The configuration, and the range of results.
  /// - Throws: `EnhancementError.noImages` when all are constant.
  static func translation(
    to targets: CleanImages,
    isPaired: Bool
  ) throws -> (values: TranslationConfiguration, range: IntensityRange) {
    let intensity = intensity(of: targets, modality: commonModality(targets))
    let values = TranslationConfiguration(
      isPaired: isPaired,
      targetIntensity: intensity,
      targetName: targets.name
    )
    if case .fixed = intensity { return (values, intensity) }
    let scales = targets.images.compactMap { intensity.scale(for: $0.volume.voxels) }
    func middle(_ numbers: [Float]) -> Double { Double(numbers.sorted()[numbers.count / 2]) }
    guard !scales.isEmpty else {
      throw EnhancementError.noImages(path: targets.name, reason: "all are constant")
    }
    let low = middle(scales.map(\.low))
    return (values, .fixed(low: low, high: low + middle(scales.map(\.width))))
  }
}

extension EnhancementRequest {
  /// Architectures for one purpose alone, which may only be named where they serve it.
  static let specialNetworks = ["diffusion", "pix2pix", "cyclegan"]

  /// A network that makes its image of noise, or one of another kind.
  /// - Parameters:
  ///   - name: The architecture's name; nil for what the planner takes.
  ///   - plan: The plan, which is told how the network is applied.
  /// - Returns: The network's values; nil when another architecture is asked for.
  /// - Throws: `EnhancementError.unfitTraining`.
  func special(
    _ name: String?,
    _ plan: inout EnhancementPlan
  ) throws -> NetworkConfiguration? {
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw EnhancementError.unfitTraining(reason: reason) }
    }
    let usual = adversarial?.isPaired == true ? "pix2pix" : "cyclegan"
    let name = name ?? (task == .translation ? usual : nil)
    switch name {
    case "diffusion":
      try require(
        task != .translation && contextSlices == 0,
        "a diffusion model sees one image on the grid that it makes; leave out --context, and translate "
          + "with pix2pix or cyclegan"
      )
      if task == .superResolution { plan.enlargement = .spline }
      let diffusion = DiffusionPlan()
      let first = features ?? 32
      plan.diffusion = diffusion
      return .diffusionUNet(
        DiffusionUNetConfiguration(
          conditionChannels: 1,
          features: (0..<(depth ?? 3)).map { first << min($0, 2) },
          groups: [8, 4, 2].first { first % $0 == 0 } ?? 1,
          steps: diffusion.process.schedule.steps,
          dimensions: dimensions
        )
      )
    case "pix2pix":
      try require(task == .translation, "pix2pix translates images; take --enhance translate")
      var values = Pix2PixConfiguration(
        inputChannels: plan.slicesSeen,
        outputChannels: 1,
        features: features ?? 32,
        depth: depth ?? 5
      )
      values.dimensions = dimensions
      // Intensities beyond the range that becomes 0 to 1 are not cut off.
      values.endsWithTanh = false
      return .pix2Pix(values)
    case "cyclegan":
      try require(task == .translation, "cyclegan translates images; take --enhance translate")
      var values = CycleGANConfiguration(
        inputChannels: plan.slicesSeen,
        outputChannels: 1,
        features: features ?? 32,
        blocks: depth ?? 6,
        dimensions: dimensions
      )
      values.endsWithTanh = false
      return .cycleGAN(values)
    default: return nil
    }
  }
}
