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
  }

  /// The images trained on.
  package let training: [Image]
  /// The images held out, with the noise that they are measured with.
  package let heldOut: [Image]
  /// What is worth knowing, one sentence each.
  package let notes: [String]

  /// Prepares images.
  /// - Parameters:
  ///   - images: Images of one kind.
  ///   - configuration: The values of the run.
  /// - Throws: `EnhancementError.noImages` when none is as large as a sample; `ImagingError`.
  package init(_ images: CleanImages, configuration: EnhancementConfiguration) throws {
    var (training, heldOut, notes) = ([Image](), [Image](), images.notes)
    let flags = images.heldOut(share: configuration.heldOutShare, seed: configuration.seed)
    for (index, image) in images.images.enumerated() {
      let prepared = try Self.prepared(image, configuration, index: index)
      guard let prepared else {
        notes.append("\(image.id) was left out: it is smaller than a sample, or constant.")
        continue
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
      throw EnhancementError.noImages(
        path: images.name,
        reason: "none is as large as a sample of "
          + configuration.patchSize.map(String.init).joined(separator: " x ")
      )
    }
    self.training = training
    self.heldOut = heldOut
    self.notes = notes
  }

  private static func seed(_ configuration: EnhancementConfiguration, _ index: Int) -> UInt64 {
    var random = RandomStream(seed: configuration.seed).split(0x6E6F_6973, index)
    return random.next()
  }

  /// The held-out image with noise of middle strength.
  private static func degraded(
    _ image: Image,
    _ configuration: EnhancementConfiguration,
    seed: UInt64
  ) -> Image {
    // Without clean images the input has its noise already.
    guard let noise = configuration.noise, configuration.selfSupervision == nil else {
      return image
    }
    var values = image.input.voxels
    noise.apply(noise.middle(seed: seed), to: &values)
    return Image(
      id: image.id,
      input: Volume(geometry: image.input.geometry, voxels: values),
      clean: image.clean
    )
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
    if configuration.selfSupervision != nil, let noise = configuration.noise {
      // The one noisy image that there is.
      var values = input.voxels
      noise.apply(noise.middle(seed: seed(configuration, index)), to: &values)
      input = Volume(geometry: input.geometry, voxels: values)
    }
    return Image(id: image.id, input: input, clean: clean)
  }
}
