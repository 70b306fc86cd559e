import Pipelines
import Recognition

/// What `training.json` of a model that gives images back or fills holes says.
public struct AutoencoderTrainingRecord: Codable, Sendable, Equatable {
  /// Version of this record.
  public private(set) var schema = "lamina.autoencoder-training/1"
  /// The model's name.
  public let model: String
  /// The numbers of the run.
  public let learning: LearningConfiguration
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// Looks at held-out images along the run.
  public let looks: [LearningLook]
  /// Oddities of the data.
  public let notes: [String]

  init(
    model: String,
    learning: LearningConfiguration,
    epochs: [SegmentationTrainer.Epoch],
    looks: [LearningLook],
    notes: [String]
  ) {
    self.model = model
    self.learning = learning
    self.epochs = epochs
    self.looks = looks
    self.notes = notes
  }
}
