import Layers
import Networks
import Pipelines
import Tensors

/// Every number that a training of a network for images depends on; saved with its checkpoints.
public struct EnhancementConfiguration: Codable, Sendable, Equatable {
  /// What is minimised between output and target.
  public enum Loss: String, Codable, Sendable, CaseIterable {
    /// Mean absolute difference.
    case l1
    /// Mean squared difference.
    case l2
    /// Mean of √(d² + 10⁻⁶) (Charbonnier et al. 1994).
    case charbonnier
  }

  /// What a network is trained on when there are no clean images.
  public enum SelfSupervision: String, Codable, Sendable, CaseIterable {
    /// Voxels hidden from the network are told from those around them (Krull, Buchholz and Jug 2019,
    /// "Noise2Void - Learning Denoising from Single Noisy Images").
    case noise2void
    /// One noisy image of a thing is told from another one of it (Lehtinen et al. 2018, "Noise2Noise:
    /// Learning Image Restoration without Clean Data"): repeats, or clean images to which noise is added
    /// twice. The noise must have a mean of 0, which that of magnitudes has only where the signal is strong.
    case noise2noise
  }

  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between an image and the network.
  public var plan: EnhancementPlan
  /// The noise that is added; nil for none.
  public var noise: ImageNoise?
  /// The damage that is done; nil for none.
  public var damage: ImageDamage?
  /// How a network is trained without clean images; nil with them.
  public var selfSupervision: SelfSupervision?
  /// What images of another kind are, and how they were given; nil for other tasks.
  public var translation: TranslationConfiguration?
  /// How a discriminator takes part; nil without.
  public var adversarial: AdversarialConfiguration?
  /// What is minimised.
  public var loss = Loss.l1
  /// Which optimiser changes the weights.
  public var optimizer = OptimizerConfiguration.adam(
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0
  )
  /// How the learning rate falls.
  public var schedule = LearningRateSchedule.cosine
  /// The learning rate at the start.
  public var learningRate = 1e-3
  /// The learning rate rises over so many first steps.
  public var warmupSteps = 20
  /// Rows and columns, or slices, rows and columns, of a sample that the network sees.
  public var patchSize: [Int]
  /// Samples of one step.
  public var batchSize = 16
  /// Steps in all.
  public var steps = 5000
  /// Gradients of a larger norm are shortened to it.
  public var clipNorm = 5.0
  /// Decay of the weights' running average, with which images are improved; 0 for none.
  public var averagingDecay = 0.998
  /// Seed of every random choice.
  public var seed: UInt64 = 1
  /// Share of the images that are held out.
  public var heldOutShare = 0.1

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - network: The architecture.
  ///   - plan: What stands between an image and the network.
  ///   - patchSize: Rows and columns, or slices, rows and columns, of a sample.
  public init(network: NetworkConfiguration, plan: EnhancementPlan, patchSize: [Int]) {
    self.network = network
    self.plan = plan
    self.patchSize = patchSize
  }

  /// Neighbouring places among which a hidden voxel's stand-in is drawn, on each side.
  static let blindRadius = 2
  /// One voxel of so many is hidden in a sample.
  static let blindInterval = 64

  /// Steps in which the difference from the target alone is minimised, before a discriminator joins in.
  var pixelSteps: Int {
    guard let adversarial else { return steps }
    return Int(adversarial.pixelShare * Double(steps))
  }

  /// The learning rate of a step; a game begins anew at its own.
  func rate(step: Int) -> Double {
    let first = pixelSteps
    if let adversarial, step >= first {
      return schedule.rate(
        initial: adversarial.learningRate,
        step: step - first,
        total: steps - first,
        warmupSteps: warmupSteps
      )
    }
    return schedule.rate(
      initial: learningRate,
      step: step,
      total: first,
      warmupSteps: warmupSteps
    )
  }

  /// The loss of an output.
  /// - Parameters:
  ///   - output: The network's output.
  ///   - target: What it should be.
  ///   - weights: 1 where the loss counts, else 0; nil for everywhere.
  /// - Returns: One number: the mean over the voxels that count.
  func loss(_ output: Tensor, target: Tensor, weights: Tensor?) -> Tensor {
    guard let weights else { return value(output, target) }
    let counted = weights.values.reduce(0, +)
    // The Charbonnier loss of equal values is not 0, but its derivative is.
    return value(output * weights, target * weights) * (Float(weights.count) / max(1, counted))
  }

  private func value(_ output: Tensor, _ target: Tensor) -> Tensor {
    switch loss {
    case .l1: absoluteLoss(output, target: target)
    case .l2: squaredLoss(output, target: target)
    case .charbonnier: charbonnierLoss(output, target: target)
    }
  }

  /// Checks that the values go together.
  /// - Throws: `EnhancementError.unfitTraining`; `PipelinesError.invalidPlan`.
  func check() throws {
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw EnhancementError.unfitTraining(reason: reason) }
    }
    try ModelPlan.enhancement(plan).check()
    try noise?.check()
    try damage?.check()
    try require(
      damage == nil || plan.task == .restoration && plan.enlargement == nil,
      "damage is undone by --enhance restoration, on the same grid"
    )
    if noise?.isProjected == true {
      try require(
        plan.modality?.uppercased() == "CT" && plan.intensity == EnhancementPlanner.hounsfieldRange,
        "noise of a low dose is of CT scans; say --scan-modality CT where the files do not"
      )
      try require(
        plan.orientation == nil && plan.enlargement == nil,
        "noise of a low dose is made in the scans' own slices, on their own grid"
      )
    }
    try require(patchSize.count == plan.dimensions, "samples of \(patchSize) for its network")
    try require(
      plan.task != .denoise || noise != nil || selfSupervision != nil,
      "nothing says what noise is; name it with --noise, or train with --self-supervised"
    )
    try require(
      selfSupervision == nil || plan.task == .denoise,
      "without clean images only noise can be removed"
    )
    try require(
      plan.enlargement != .spline || noise == nil,
      "noise is added before the image is interpolated, which is not possible yet"
    )
    try require(
      (plan.task == .translation) == (translation != nil) && (translation == nil || noise == nil),
      "images of another kind are a task of their own, without noise"
    )
    if let adversarial {
      try adversarial.check(side: (patchSize.min() ?? 0) * plan.networkScale)
      try require(
        selfSupervision == nil && plan.diffusion == nil && plan.noiseLevel == nil,
        "a discriminator needs clean images and a network that gives images at once"
      )
    }
    try require(
      (adversarial?.cycle != nil) == (translation.map { !$0.isPaired } ?? false),
      "images without pairs need a second network that leads back, and others do not"
    )
    try require(
      plan.guide == nil || noise != nil && selfSupervision == nil && adversarial == nil,
      "a filter guides networks that are taught by noise on clean images alone"
    )
    try require(
      selfSupervision == nil || plan.diffusion == nil,
      "a diffusion model needs clean images"
    )
    try require(
      (1...4096).contains(batchSize) && steps >= 1 && (0..<1).contains(heldOutShare),
      "its batch of \(batchSize), \(steps) steps or held-out share are out of range"
    )
  }
}
