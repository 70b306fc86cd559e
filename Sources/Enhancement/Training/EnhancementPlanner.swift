import Imaging
import Networks
import Pipelines
import Support

/// Chooses the values of a training of a network for images.
public enum EnhancementPlanner {
  /// Hounsfield units of CT scans that become 0 and 1: what 12 bits hold.
  static let hounsfieldRange = IntensityRange.fixed(low: -1024, high: 3071)
  /// Values of pictures on the scale of 8 bits.
  package static let pictureRange = IntensityRange.fixed(low: 0, high: 255)
  /// Magnitude images of MR have no unit: their bright end is a percentile.
  static let magnitudeRange = IntensityRange.percentiles(low: 0, high: 99.5)

  /// Marks of damage are larger than noise, and are told by what lies around them.
  static let damagedSide = 64

  /// The values for images.
  /// - Parameters:
  ///   - images: The images.
  ///   - targets: Images of another kind that these are to become; nil for other tasks.
  ///   - request: What is asked for.
  /// - Returns: The configuration, with the default number of steps.
  /// - Throws: `EnhancementError.unfitTraining`; `NetworksError` for impossible values.
  public static func configuration(
    for images: CleanImages,
    targets: CleanImages? = nil,
    _ request: EnhancementRequest
  ) throws -> EnhancementConfiguration {
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw EnhancementError.unfitTraining(reason: reason) }
    }
    try require(
      !images.arePictures || (request.dimensions == 2 && request.contextSlices == 0),
      "pictures have no neighbouring slices"
    )
    try require(
      !images.arePictures || request.scale[2] == 1,
      "pictures have no slices between which others could be made"
    )
    try require(
      request.task != .superResolution || request.scale != [1, 1, 1],
      "super-resolution needs a scale; name it with --scale"
    )
    let modality = request.modality ?? commonModality(images)
    var plan = EnhancementPlan(
      task: request.task,
      dimensions: request.dimensions,
      intensity: intensity(of: images, modality: modality),
      patchSize: [Int](repeating: 16, count: request.dimensions),
      halo: 0
    )
    plan.contextSlices = request.contextSlices
    plan.orientation = request.orientation
    plan.scale = request.scale
    if !images.arePictures, request.dimensions == 2, request.scale[2] == 1,
      request.scale.filter({ $0 > 1 }).count == 1
    {
      plan.throughPlane = true
    }
    plan.modality = images.arePictures ? nil : modality
    try require(
      (request.task == .translation) == (targets != nil),
      "images of another kind are for --enhance translate, which needs them; name them with --to"
    )
    let isPaired = request.adversarial?.isPaired ?? false
    let translation = try targets.map { try Self.translation(to: $0, isPaired: isPaired) }
    try require(
      translation == nil || isPaired || request.contextSlices == 0,
      "images without pairs are translated one slice at a time; leave out --context"
    )
    plan.outputRange = translation?.range
    let network = try request.network(&plan)
    let made = try TrainedWeights.network(network, seed: 1)
    try plan.setPatch(for: made)
    let multiple = made.axisMultiples.max() ?? 1
    let usual =
      request.dimensions == 3 || plan.networkScale > 1
      ? 32 : request.damage != nil ? damagedSide : translation != nil ? translationSide : 48
    let side = request.patch ?? usual
    var result = EnhancementConfiguration(
      network: network,
      plan: plan,
      patchSize: [Int](
        repeating: max(multiple, side / multiple * multiple),
        count: request.dimensions
      )
    )
    result.noise = request.noise
    result.damage = request.damage
    result.selfSupervision = request.selfSupervision
    // The blind spot's noise has a mean of 0, which the squared difference finds.
    result.loss = request.loss ?? (request.selfSupervision == nil ? .l1 : .l2)
    if plan.diffusion != nil, request.loss == nil { result.loss = .l2 }
    result.translation = translation?.values
    if result.translation != nil {
      result.optimizer = .adam(beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)
    }
    result.adversarial = adversarial(request, result)
    result.batchSize = request.batchSize ?? (request.dimensions == 3 ? 4 : 16)
    try result.check()
    return result
  }

  /// The modality that files state or values tell; nil where they differ.
  static func commonModality(_ images: CleanImages) -> String? {
    let found = Set(
      images.images.map { image in
        image.modality ?? (ModalityGuess.looksLikeCT(image.volume.voxels) ? "CT" : "")
      }
    )
    guard found.count == 1, let only = found.first, !only.isEmpty else { return nil }
    return only
  }
}
