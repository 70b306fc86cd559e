import Imaging
import Pipelines
import Support

/// The images of a training, degraded as far as it does not change from step to step.
package struct EnhancementMaterial: Sendable {
  /// One image on the network's scale, its axes in the plan's order.
  package struct Image: Sendable {
    /// The image's name.
    package let id: String
    /// What the network is given, but for noise that is drawn for each sample.
    package let input: Volume<Float>
    /// What it should give, on its own grid; the input itself when no clean image is known.
    package let clean: Volume<Float>
    /// Further noisy images of the same thing, prepared as the input.
    package var repeats: [Volume<Float>] = []
    /// Noisy versions of the image with what the plan's filter makes of them; empty without a filter.
    package var guided: [GuidedVersion] = []
    /// Noise with a deviation of 1 where it is made for whole slices; else empty.
    package var fields: [Volume<Float>] = []
  }

  /// A noisy version of an image and the image of the filter that guides the network.
  package struct GuidedVersion: Sendable {
    /// The noisy image.
    package let noisy: Volume<Float>
    /// The filter's.
    package let filtered: Volume<Float>
    /// The noise's strength.
    package let level: Float
  }

  /// Noisy versions of each image where a filter guides the network: to filter takes far longer than a
  /// step, so that it is done before.
  private static let guidedVersions = 4
  /// Noise of whole slices for each image; samples take it with either sign.
  private static let fieldVersions = 3

  /// The images trained on.
  package let training: [Image]
  /// Images of the kind that others are to become, where neither has a partner; else empty.
  package let others: [Image]
  /// The images held out, with the noise that they are measured with.
  package let heldOut: [Image]
  /// What is worth knowing, one sentence each.
  package let notes: [String]

  /// Prepares images.
  /// - Parameters:
  ///   - images: Images of one kind.
  ///   - targets: Images of the kind that these are to become, by equal names where they have partners; nil
  ///     for other tasks.
  ///   - configuration: The values of the run.
  ///   - progress: Told about images that a filter is applied to.
  ///   - interruption: Looked at between them.
  /// - Throws: `EnhancementError.noImages` when none is as large as a sample; `ImagingError`;
  ///   `SupportError.interrupted`.
  package init(
    _ images: CleanImages,
    targets: CleanImages? = nil,
    configuration: EnhancementConfiguration,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws {
    var (training, heldOut, notes) = ([Image](), [Image](), images.notes)
    let partners = try Self.partners(targets, configuration, &notes)
    let flags = images.heldOut(share: configuration.heldOutShare, seed: configuration.seed)
    for (index, image) in images.images.enumerated() {
      if let reason = Self.refusal(of: image, configuration) {
        notes.append("\(image.id) was left out: \(reason).")
        continue
      }
      guard var prepared = try Self.prepared(image, configuration, index: index) else {
        notes.append(Self.smallness(image.id))
        continue
      }
      if configuration.translation?.isPaired == true {
        guard let partner = partners.first(where: { $0.id == image.id }) else {
          notes.append("\(image.id) was left out: it has no partner of its name that can be used.")
          continue
        }
        if let reason = prepared.input.geometry.difference(from: partner.input.geometry) {
          notes.append(
            "\(image.id) was left out: its partner lies on another grid (\(reason)); resample it first."
          )
          continue
        }
        prepared = Image(id: image.id, input: prepared.input, clean: partner.input)
      }
      if flags[index] {
        heldOut.append(
          Self.degraded(prepared, configuration, seed: Self.seed(configuration, index))
        )
      } else {
        training.append(prepared)
      }
    }
    guard !training.isEmpty else {
      let size = configuration.patchSize.map(String.init).joined(separator: " x ")
      let isRepeated = images.images.contains { Self.refusal(of: $0, configuration) == nil }
      throw EnhancementError.noImages(
        path: images.name,
        reason: isRepeated
          ? "none is as large as a sample of \(size)" : notes.last ?? "all were left out"
      )
    }
    /// Does to each image what takes far longer than a step, so many times.
    func each(
      _ words: String,
      _ versions: Int,
      _ key: Int,
      _ body: (inout Image, Int, inout RandomStream) throws -> Void
    ) throws {
      let random = RandomStream(seed: configuration.seed).split(key)
      progress.begin(words, total: training.count * versions)
      for index in training.indices {
        for version in 0..<versions {
          try interruption.check()
          var stream = random.split(index, version)
          try body(&training[index], version, &stream)
          progress.update(index * versions + version + 1, detail: nil)
        }
      }
      progress.end()
    }
    let scale = Self.fixedScale(configuration)
    if let guide = try GuidingFilter(configuration.plan), let noise = configuration.noise {
      try each("filtering noisy images", Self.guidedVersions, 0x6775_6964) {
        image,
        version,
        random in
        let part = Self.part(version, of: noise)
        image.guided.append(try Self.guided(image.input, guide, part, scale, &random))
      }
    } else if let noise = configuration.noise, noise.isProjected {
      try each("making noise of low doses", Self.fieldVersions, 0x6C6F_7764) { image, _, random in
        let field = ImageNoise.field(for: image.input, scale: scale, seed: random.next())
        image.fields.append(Volume(geometry: image.input.geometry, voxels: field))
      }
    }
    self.training = training
    others = configuration.translation?.isPaired == false ? partners : []
    self.heldOut = heldOut
    self.notes = notes
  }

  private static func smallness(_ id: String) -> String {
    "\(id) was left out: it is smaller than a sample, or constant."
  }

  /// The images of the other kind on the network's scale.
  private static func partners(
    _ targets: CleanImages?,
    _ configuration: EnhancementConfiguration,
    _ notes: inout [String]
  ) throws -> [Image] {
    guard let translation = configuration.translation else { return [] }
    guard let targets else {
      throw EnhancementError.unfitTraining(reason: "there are no images of the other kind")
    }
    var values = configuration
    values.plan.intensity = translation.targetIntensity
    var found: [Image] = []
    for (index, image) in targets.images.enumerated() {
      if let reason = refusal(of: image, configuration) {
        notes.append("\(image.id) was left out: \(reason).")
      } else if let prepared = try prepared(image, values, index: index) {
        found.append(prepared)
      } else {
        notes.append(smallness(image.id))
      }
    }
    notes += targets.notes
    guard !found.isEmpty else {
      throw EnhancementError.noImages(
        path: targets.name,
        reason: "none is as large as a sample, and not constant"
      )
    }
    return found
  }

  /// What draws the batches of a training.
  /// - Parameter configuration: The values of the run.
  /// - Returns: A sampler of pairs, or of two kinds of images that have nothing to do with each other.
  package func sampler(_ configuration: EnhancementConfiguration) -> EnhancementSampler {
    EnhancementSampler(training, others: others, configuration: configuration)
  }

  /// The scale of intensities that hangs on no image; nil for others.
  private static func fixedScale(
    _ configuration: EnhancementConfiguration
  ) -> IntensityRange.Scale? {
    configuration.plan.intensity.scale(for: [])
  }

  /// Why an image cannot be trained on, however large it is; nil when it can.
  private static func refusal(
    of image: CleanImages.Image,
    _ configuration: EnhancementConfiguration
  ) -> String? {
    if configuration.noise?.isProjected == true,
      let reason = ImageNoise.projectionRefusal(of: image.volume)
    {
      return reason
    }
    if configuration.selfSupervision == .noise2noise, configuration.noise == nil {
      return image.repeats.isEmpty
        ? "there is one image of it, and noise2noise needs two or more, as CASE_0000 and CASE_0001 or "
          + "as time points" : nil
    }
    return image.repeats.isEmpty
      ? nil
      : "it has \(image.repeats.count + 1) time points, which noise2noise without --noise alone takes "
        + "as repeats; convert one of them"
  }

  private static func seed(_ configuration: EnhancementConfiguration, _ index: Int) -> UInt64 {
    var random = RandomStream(seed: configuration.seed).split(0x6E6F_6973, index)
    return random.next()
  }

  /// A version's own part of the range of strengths.
  private static func part(_ version: Int, of noise: ImageNoise) -> ImageNoise {
    let width = (noise.highest - noise.lowest) / Double(guidedVersions)
    var part = noise
    part.lowest = noise.lowest + width * Double(version)
    part.highest = part.lowest + width
    return part
  }

  /// A noisy version of an image, and what the filter makes of it.
  private static func guided(
    _ image: Volume<Float>,
    _ guide: GuidingFilter,
    _ noise: ImageNoise,
    _ scale: IntensityRange.Scale?,
    _ random: inout RandomStream
  ) throws -> GuidedVersion {
    let parameters = noise.draw(&random)
    let noisy = noise.noisy(parameters, image, scale: scale)
    return GuidedVersion(
      noisy: noisy,
      filtered: try guide.image(of: noisy),
      level: parameters.level
    )
  }

  /// The held-out image with noise or damage of middle strength.
  private static func degraded(
    _ image: Image,
    _ configuration: EnhancementConfiguration,
    seed: UInt64
  ) -> Image {
    // With hidden voxels the input has its noise already.
    let noise = configuration.selfSupervision == .noise2void ? nil : configuration.noise
    guard noise != nil || configuration.damage != nil else { return image }
    var values = image.input.voxels
    if let damage = configuration.damage {
      let size = image.input.geometry.size
      damage.apply(damage.middle(seed: seed), to: &values, width: size.x, height: size.y)
    }
    var input = Volume(geometry: image.input.geometry, voxels: values)
    if let noise {
      input = noise.noisy(noise.middle(seed: seed), input, scale: fixedScale(configuration))
    }
    return Image(id: image.id, input: input, clean: image.clean)
  }

  /// Scaled, turned, made coarse; nil when the image is too small or constant.
  private static func prepared(
    _ image: CleanImages.Image,
    _ configuration: EnhancementConfiguration,
    index: Int
  ) throws -> Image? {
    let plan = configuration.plan
    guard let scale = plan.intensity.scale(for: image.volume.voxels),
      let first = image.volume.voxels.first,
      image.volume.voxels.contains(where: { $0 != first })
    else { return nil }
    var clean = image.volume.map { scale.scaled($0) }
    if let orientation = plan.orientation { clean = clean.reoriented(to: orientation) }
    var input = clean
    if let enlargement = plan.enlargement {
      guard (0..<3).allSatisfy({ clean.geometry.size[$0] >= plan.scale[$0] }) else { return nil }
      (clean, input) = try GridReduction.pair(clean, scale: plan.scale)
      if enlargement == .spline {
        input = input.resampled(to: clean.geometry, interpolation: .cubicBSpline)
      }
    }
    let size = input.geometry.size
    let available = plan.dimensions == 3 ? [size.z, size.y, size.x] : [size.y, size.x]
    guard zip(available, configuration.patchSize).allSatisfy({ $0 >= $1 }) else { return nil }
    if configuration.selfSupervision == .noise2void, let noise = configuration.noise {
      // The one noisy image that there is.
      input = noise.noisy(
        noise.middle(seed: seed(configuration, index)),
        input,
        scale: fixedScale(configuration)
      )
    }
    let repeats = image.repeats.map { volume in
      let scaled = volume.map { scale.scaled($0) }
      return plan.orientation.map { scaled.reoriented(to: $0) } ?? scaled
    }
    return Image(id: image.id, input: input, clean: clean, repeats: repeats)
  }
}
