import Pipelines

/// What `training.json` of a model that improves images says.
public struct EnhancementTrainingRecord: Codable, Sendable, Equatable {
  /// A look at pieces of held-out images, by the averaged weights.
  public struct Look: Codable, Sendable, Equatable {
    /// Steps taken by then.
    public let step: Int
    /// The mean peak signal-to-noise ratio, dB.
    public let psnr: Double
    /// The mean structural similarity, or nil.
    public let ssim: Double?
  }

  /// Version of this record.
  public private(set) var schema = "lamina.enhancement-training/1"
  /// The model's name.
  public let model: String
  /// The values of the run.
  public let configuration: EnhancementConfiguration
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// What the epochs in which a discriminator took part came to; nil without.
  public let games: [AdversarialEpoch]?
  /// Looks at held-out images along the run.
  public let looks: [Look]
  /// Oddities of the images.
  public let notes: [String]

  init(_ outcome: EnhancementTrainer.Outcome, model: String) {
    self.model = model
    configuration = outcome.configuration
    epochs = outcome.epochs
    games = outcome.configuration.adversarial.map { _ in outcome.games }
    looks = outcome.looks
    notes = outcome.notes
  }
}
