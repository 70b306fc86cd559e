import Layers
import Networks
import Tensors

/// The numbers of a training in which a discriminator judges what a network makes.
///
/// After Ledig et al. 2017 (SRGAN), Wang et al. 2018 (ESRGAN), Isola et al. 2017 (Pix2Pix) and Zhu et al.
/// 2017 (CycleGAN). These compare features of a VGG that was trained on photographs; here features of the
/// discriminator are compared (Salimans et al. 2016, section 3.1; Wang et al. 2018, "High-Resolution Image
/// Synthesis", equation 4), which is trained on the images at hand and needs no weights from elsewhere.
public struct AdversarialConfiguration: Codable, Sendable, Equatable {
  /// What the two networks play for.
  public enum Game: String, Codable, Sendable, CaseIterable {
    /// Binary cross-entropy: SRGAN, Pix2Pix.
    case standard
    /// Squared distances: CycleGAN.
    case leastSquares = "least-squares"
    /// Hinge.
    case hinge
    /// More real than the others are on average: ESRGAN.
    case relativistic

    /// The discriminator's loss when it sees no difference.
    var lossOfChance: Double {
      switch self {
      case .standard, .relativistic: 1.386_294
      case .leastSquares: 0.25
      case .hinge: 2
      }
    }

    private var loss: AdversarialLoss {
      switch self {
      case .standard, .relativistic: .nonSaturating
      case .leastSquares: .leastSquares
      case .hinge: .hinge
      }
    }

    /// The discriminator's loss.
    func critic(real: Tensor, fake: Tensor) -> Tensor {
      self == .relativistic
        ? RelativisticLoss.critic(real: real, fake: fake) : loss.critic(real: real, fake: fake)
    }

    /// The network's loss.
    func generator(real: Tensor, fake: Tensor) -> Tensor {
      self == .relativistic
        ? RelativisticLoss.generator(real: real, fake: fake) : loss.generator(fake: fake)
    }
  }

  /// A second network that leads back, for images that have no pairs.
  ///
  /// Zhu et al. 2017, section 3.
  public struct Cycle: Codable, Sendable, Equatable {
    /// Weight of the mean absolute difference of an image from what both networks make of it.
    public var weight = 10.0
    /// Weight of what a network changes in an image that is of its own target kind already.
    public var identityWeight = 5.0
    /// Earlier outputs that discriminators are shown again.
    public var poolSize = 50

    /// Creates the paper's values.
    public init() {}
  }

  /// What the two networks play for.
  public var game: Game
  /// The discriminator's values; spectral norms bound its slope.
  ///
  /// Miyato et al. 2018.
  public var discriminator: PatchDiscriminatorConfiguration
  /// Whether the discriminator sees what the network was given beside what it made.
  public var isConditional = false
  /// Weight of the difference between output and target.
  public var pixelWeight = 1.0
  /// Weight of the mean absolute difference of the discriminator's features, summed over its layers.
  public var perceptualWeight = 0.05
  /// Weight of the game.
  public var adversarialWeight = 0.005
  /// The second network's numbers; nil for images with pairs.
  public var cycle: Cycle?
  /// Share of the steps in which the difference alone is minimised first, as SRGAN and ESRGAN do.
  public var pixelShare = 0.4
  /// The learning rate of both networks when the game begins.
  public var learningRate = 2e-4
  /// Which optimiser changes the discriminator.
  public var criticOptimizer = OptimizerConfiguration.adam(
    beta1: 0.5,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0
  )
  /// γ of the penalty on the discriminator's slope at real images, R₁; 0 for none.
  ///
  /// Mescheder et al. 2018.
  public var slopeWeight = 10.0
  /// The penalty is computed every so many steps and counts as often.
  ///
  /// Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", section 3.1.
  public var slopeInterval = 16

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - game: What the two networks play for.
  ///   - discriminator: The discriminator's values.
  public init(_ game: Game, discriminator: PatchDiscriminatorConfiguration) {
    self.game = game
    self.discriminator = discriminator
  }

  /// h of the slope's derivative (`realSlopePenalty`), as a length over all voxels of a sample.
  static let slopeStep: Float = 0.05

  /// Checks that the values are possible for samples.
  /// - Parameter side: The shortest side of what the network makes in a step.
  /// - Throws: `EnhancementError.unfitTraining`.
  func check(side: Int) throws(EnhancementError) {
    func require(_ condition: Bool, _ reason: String) throws(EnhancementError) {
      if !condition { throw .unfitTraining(reason: reason) }
    }
    let weights = [
      pixelWeight, perceptualWeight, adversarialWeight, slopeWeight, cycle?.weight ?? 0,
      cycle?.identityWeight ?? 0,
    ]
    try require(
      weights.allSatisfy { (0...1e6).contains($0) },
      "a weight of its losses is out of range"
    )
    try require((0...0.95).contains(pixelShare), "a share of \(pixelShare) before the game")
    try require(
      slopeInterval > 0 && (0...10_000).contains(cycle?.poolSize ?? 0) && learningRate > 0,
      "its interval, pool or learning rate is out of range"
    )
    try require(
      discriminator.layers <= 8 && side >= 1 << (discriminator.layers + 2),
      "samples of \(side) are too small for a discriminator of \(discriminator.layers) halvings; "
        + "take samples of \(1 << (discriminator.layers + 2)) or more"
    )
    try require(
      discriminator.normalization != .batch,
      "a discriminator that normalises over the batch has no slope of its own"
    )
  }
}
