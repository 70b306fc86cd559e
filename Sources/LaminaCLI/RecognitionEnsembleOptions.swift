import ArgumentParser
import Pipelines
import Recognition

/// The models that say together what images show.
struct RecognitionEnsembleOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    parsing: .singleValue,
    help: ArgumentHelp(
      "A model's name or folder; of several the probabilities are averaged.",
      valueName: "model"
    )
  )
  var model: [String]

  @Option(
    help: ArgumentHelp(
      "How often the dropout of each network is drawn, 2 to 50 (default: not at all).",
      valueName: "n"
    )
  )
  var uncertaintySamples: Int?

  @Option(help: ArgumentHelp("Seed of --uncertainty-samples (default: 1).", valueName: "seed"))
  var seed: UInt64?

  func validate() throws {
    if let uncertaintySamples, !(2...50).contains(uncertaintySamples) {
      throw ValidationError("--uncertainty-samples must be 2 to 50.")
    }
    if seed != nil, uncertaintySamples == nil {
      throw ValidationError("--seed is for --uncertainty-samples; nothing else is drawn.")
    }
  }

  /// Loads the models.
  /// - Parameter slicesPerVolume: Slices of a volume whose probabilities are averaged.
  /// - Returns: What says what images show.
  /// - Throws: `PipelinesError.modelNotFound`; what loading throws.
  func recognizer(slicesPerVolume: Int) throws -> ImageRecognizer {
    let store = ModelStore()
    return try ImageRecognizer(
      model.map { try store.model($0) },
      samples: uncertaintySamples,
      seed: seed ?? 1,
      slicesPerVolume: slicesPerVolume
    )
  }
}
