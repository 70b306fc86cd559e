import Foundation
import Support

/// Where a trained model comes from, as its package and card say.
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
  public init(
    name: String,
    dataset: String,
    licence: String = "not stated",
    source: String = "not stated",
    command: String
  ) {
    self.name = name
    self.dataset = dataset
    self.licence = licence
    self.source = source
    self.command = command
  }

  /// What a description says of a run that ends today.
  /// - Parameters:
  ///   - trainingCases: What was trained on, counted.
  ///   - heldOut: Names of what was kept back.
  ///   - seed: Seed of every random choice.
  ///   - steps: Steps of the optimiser.
  ///   - seconds: Wall time of the training.
  /// - Returns: The provenance.
  package func provenance(
    trainingCases: Int,
    heldOut: [String],
    seed: UInt64,
    steps: Int,
    seconds: Double
  ) -> ModelDescription.Provenance {
    ModelDescription.Provenance(
      dataset: dataset,
      source: source,
      trainingCases: trainingCases,
      heldOut: heldOut,
      command: command,
      seed: seed,
      steps: steps,
      minutes: (seconds / 6).rounded() / 10,
      program: "Lamina \(Version.current)",
      date: String(ISO8601DateFormatter().string(from: Date()).prefix(10))
    )
  }
}
