import Layers
import Recognition
import Support
import Tensors

/// Changes a picture until it has another's style: Gatys, Ecker and Bethge 2016, with Adam from the
/// content on.
public struct StyleOptimization: Sendable {
  /// The numbers of a run.
  public struct Settings: Sendable {
    /// Weights of the loss.
    public var weights = StyleLoss.Weights()
    /// Steps.
    public var steps = 200
    /// Of Adam, for values 0 to 1.
    public var learningRate = 0.02
    /// The deviation of noise that is added to the content at the start, for values 0 to 1: where a
    /// picture is flat, texture needs something to grow from.
    public var noise = 0.05
    /// Seed of the noise.
    public var seed: UInt64 = 1
    /// Larger pictures are reduced to this side.
    public var largestSide = 512
    /// Whether the colours stay those of the content.
    public var keepsColours = false

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// What came of a run.
  public struct Outcome: Sendable {
    /// The content as it was seen.
    package let content: ImagePlanes
    /// The picture.
    package let picture: ImagePlanes
    /// The loss at the start.
    public let firstLoss: Double
    /// The loss at the end.
    public let lastLoss: Double
  }

  private let settings: Settings
  private let loss: StyleLoss

  /// Reads the style.
  /// - Parameters:
  ///   - style: Its file.
  ///   - features: Gives the maps.
  ///   - settings: The numbers of the runs.
  /// - Throws: What reading the picture throws.
  public init(style: String, features: StyleFeatures, settings: Settings) throws {
    self.settings = settings
    let picture = try ImagePlanes.photograph(style, largestSide: settings.largestSide)
    loss = StyleLoss(style: picture.tensor, features: features, weights: settings.weights)
  }

  /// Gives a picture the style.
  /// - Parameters:
  ///   - path: Its file.
  ///   - progress: Told about steps.
  ///   - interruption: Looked at before every step.
  /// - Returns: The picture, and how far it came.
  /// - Throws: What reading throws; `SupportError.interrupted`; `StylizationError.diverged`.
  public func run(
    _ path: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> Outcome {
    let content = try ImagePlanes.photograph(path, largestSide: settings.largestSide)
    let start = content.tensor
    let kept = loss.content(of: start)
    var random = RandomStream(seed: settings.seed).split(0x6E6F_6973)
    let noisy = start.values.map { $0 + Float(settings.noise * random.normal()) }
    let picture = Parameter(Tensor(noisy, shape: start.shape).clamped(low: 0, high: 1))
    var optimizer = Optimizer(
      .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0),
      parameters: [("picture", picture)]
    )
    var losses: [Double] = []
    progress.begin("painting", total: settings.steps)
    for step in 0..<settings.steps {
      try interruption.check()
      let value = loss(picture.value(in: Context(.training)), content: kept)
      losses.append(Double(value.scalar))
      let found = gradients(of: value)
      guard losses[step].isFinite, optimizer.norm(of: found).isFinite else {
        throw StylizationError.diverged(step: step)
      }
      optimizer.step(found, learningRate: settings.learningRate)
      picture.value = picture.value.clamped(low: 0, high: 1)
      progress.update(step + 1, detail: "loss \((losses[step] * 1e4).rounded() / 1e4)")
    }
    progress.end()
    let painted = ImagePlanes(picture.value)
    return Outcome(
      content: content,
      picture: settings.keepsColours ? painted.withColours(of: content) : painted,
      firstLoss: losses.first ?? 0,
      lastLoss: losses.last ?? 0
    )
  }
}
