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

/// What a model package says of where it comes from.
public struct ModelOrigin: Sendable {
  /// The package's name.
  public let name: String
  /// The data set's name.
  public let dataset: String
  /// Terms of use of the data.
  public let licence: String
  /// Where the data come from.
  public let source: String
  /// The command line that started the run.
  public let command: String

  /// Creates it.
  /// - Parameters:
  ///   - name: The package's name.
  ///   - dataset: The data set's name.
  ///   - licence: Terms of use of the data.
  ///   - source: Where the data come from.
  ///   - command: The command line that started the run.
  public init(name: String, dataset: String, licence: String, source: String, command: String) {
    self.name = name
    self.dataset = dataset
    self.licence = licence
    self.source = source
    self.command = command
  }
}
