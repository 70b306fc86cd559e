/// What a training with a discriminator is asked for.
public struct AdversarialRequest: Sendable, Equatable {
  /// The game: of SRGAN, ESRGAN or CycleGAN, or by hinges; nil for what suits the task.
  public enum Kind: String, Sendable, CaseIterable {
    /// Ledig et al. 2017.
    case srgan
    /// Wang et al. 2018.
    case esrgan
    /// Squared distances (Mao et al. 2017), as CycleGAN has them.
    case leastSquares = "lsgan"
    /// Lim and Ye 2017.
    case hinge

    var game: AdversarialConfiguration.Game {
      switch self {
      case .srgan: .standard
      case .esrgan: .relativistic
      case .leastSquares: .leastSquares
      case .hinge: .hinge
      }
    }
  }

  /// The game; nil for what suits the task.
  public var kind: Kind?
  /// Weight of the game; nil for what suits the task.
  public var weight: Double?
  /// Weight of the discriminator's features; nil for what suits the task.
  public var perceptualWeight: Double?
  /// The learning rate of both sides; nil for what suits the task.
  public var learningRate: Double?
  /// Whether the network starts with trained weights, so that the game begins at once.
  public var isTrained = false
  /// Whether images that are translated have partners.
  public var isPaired = false

  /// Creates a request; properties have the defaults that their declarations show.
  public init() {}
}
