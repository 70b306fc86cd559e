/// All that a model of images and its training depend on; kept with models and checkpoints.
public struct GenerationConfiguration: Codable, Sendable, Equatable {
  /// Which kind of model.
  public enum Model: String, Codable, Sendable, CaseIterable {
    /// Transposed convolutions against a critic of spectral norms (Radford et al. 2016).
    case dcgan
    /// The same against a Wasserstein critic with a gradient penalty (Gulrajani et al. 2017).
    case wganGP = "wgan-gp"
    /// Modulated convolutions (Karras et al. 2020).
    case styleGAN2 = "stylegan2"
    /// Noise is taken away step by step (Ho et al. 2020; Song et al. 2021).
    case diffusion
  }

  /// Which kind of model.
  public var model: Model
  /// The classes that it is told of; empty without.
  public var classNames: [String] = []
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int
  /// 1 for grey, 3 for colours.
  public var channels: Int
  /// The length of the random vector.
  public var latent = 64
  /// Channels at full resolution; doubled at each halving.
  public var features = 32
  /// Images of one step.
  public var batchSize = 32
  /// Steps in all.
  public var steps = 2000
  /// The generator's learning rate.
  public var generatorRate = 2e-4
  /// The critic's learning rate; two time scales (Heusel and others 2017).
  public var criticRate = 4e-4
  /// R1's weight, or that of the gradient penalty.
  public var penaltyWeight = 1.0
  /// The penalty is taken every so many steps, and counts so much more then.
  public var penaltyInterval = 4
  /// Decay of the generator's running average.
  public var averagingDecay = 0.995
  /// Whether real and made images are shifted and brightened alike (Zhao and others 2020).
  public var isAugmented = false
  /// Seed of every random choice.
  public var seed: UInt64 = 1
  /// Tells the training images apart from others.
  public var imagesHash = ""

  /// Creates values; the others are the defaults that the properties show.
  public init(model: Model, height: Int, width: Int, channels: Int) {
    (self.model, self.height, self.width, self.channels) = (model, height, width, channels)
    switch model {
    case .wganGP: (penaltyWeight, penaltyInterval) = (10, 2)
    case .diffusion: (generatorRate, features) = (1e-3, 32)
    case .dcgan, .styleGAN2: break
    }
  }

  /// Halvings from an image to the smallest grid: to about 7 or 8 pixels.
  var levels: Int { min(height, width) > 32 ? 3 : 2 }

  /// Checks the values.
  /// - Throws: `GenerationError.unfit`.
  public func check() throws(GenerationError) {
    func require(_ holds: Bool, _ reason: String) throws(GenerationError) {
      if !holds { throw .unfit(reason: reason) }
    }
    let multiple = 1 << levels
    try require(
      [height, width].allSatisfy { (16...128).contains($0) && $0 % multiple == 0 },
      "\(model.rawValue) takes images of 16 to 128 pixels a side that \(multiple) divides, not "
        + "\(height) x \(width); give --size"
    )
    try require([1, 3].contains(channels), "\(channels) channels")
    try require((1...1024).contains(latent), "a random vector of \(latent) values")
    try require(
      (8...256).contains(features) && features % 8 == 0,
      "--features must be a multiple of 8, 8 to 256"
    )
    try require((2...1024).contains(batchSize), "batches of \(batchSize), not 2 to 1024")
    try require((1...10_000_000).contains(steps), "\(steps) steps")
    try require(
      generatorRate > 0 && generatorRate < 1 && criticRate > 0 && criticRate < 1,
      "learning rates must be above 0 and below 1"
    )
    try require(penaltyWeight >= 0 && penaltyInterval > 0, "the penalty's values")
    try require((0..<1).contains(averagingDecay), "the average's decay")
    try require(classNames.count <= 1000, "\(classNames.count) classes")
    // Images are written into folders of these names.
    try require(
      classNames.allSatisfy { !$0.isEmpty && !$0.contains("/") && !$0.hasPrefix(".") },
      "classes whose names are no names of folders"
    )
  }
}
