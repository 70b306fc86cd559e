import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Support

/// The options of every training by `lamina vision`.
struct LearningOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where the model goes: a new folder.", valueName: "model")
  )
  var output: String

  @Option(
    help: ArgumentHelp(
      "Images, beats or clips of one step (default: 64, of clips and holes 32, of YOLOs 16, of "
        + "R-CNNs 2).",
      valueName: "n"
    )
  )
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Learning rate at the start (AdamW, cosine; default: 0.001, of R-CNNs 0.0003).",
      valueName: "rate"
    )
  )
  var learningRate: Double?

  @Option(help: ArgumentHelp("Train for so many minutes.", valueName: "minutes"))
  var minutes: Double?

  @Option(
    help: ArgumentHelp("Train for so many steps (default: 1000, detectors 2000).", valueName: "n")
  )
  var steps: Int?

  @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
  var seed: UInt64 = 1

  @Flag(help: "Go on from the last checkpoint.")
  var resume = false

  @Option(help: ArgumentHelp("Terms of use of the images, for the card.", valueName: "text"))
  var licence = "not stated"

  @Option(help: ArgumentHelp("Where the images come from, for the card.", valueName: "text"))
  var source = "not stated"

  func validate() throws {
    if let batch, !(1...4096).contains(batch) {
      throw ValidationError("--batch must be 1 to 4096.")
    }
    if let learningRate, !(learningRate > 0 && learningRate < 10) {
      throw ValidationError("--learning-rate must be above 0 and below 10.")
    }
    if minutes != nil, steps != nil {
      throw ValidationError("--minutes and --steps exclude each other.")
    }
    if let minutes, !(minutes > 0 && minutes < 1e6) {
      throw ValidationError("--minutes must be more than 0.")
    }
    if let steps, !(1...100_000_000).contains(steps) {
      throw ValidationError("--steps must be at least 1.")
    }
  }

  /// The model's folder.
  var model: String { OutputPath.normalised(output) }
  /// The model's name.
  var name: String { URL(fileURLWithPath: model).lastPathComponent }
  /// Where checkpoints are kept until the run is done.
  var checkpoints: String { model + ".training" }
  /// How long to train.
  var budget: SegmentationTrainer.Budget { minutes.map { .minutes($0) } ?? .steps }

  /// What a model package says of where it comes from.
  /// - Parameter dataset: The data set's name.
  /// - Returns: Name, terms and source as the options state them, and this command.
  func origin(dataset: String) -> ModelOrigin {
    ModelOrigin(
      name: name,
      dataset: dataset,
      licence: licence,
      source: source,
      command: OutputPath.command
    )
  }

  /// Puts what was asked for in place of defaults.
  /// - Parameter configuration: The numbers of the run.
  func apply(to configuration: inout LearningConfiguration) {
    if let learningRate { configuration.learningRate = learningRate }
    configuration.seed = seed
    if let batch { configuration.batchSize = batch }
    if let steps { configuration.steps = steps }
  }

  /// Checks that neither a model nor an unfinished run would be lost.
  /// - Parameters:
  ///   - mayReplace: Whether `--force` was given.
  ///   - context: Where to write.
  /// - Throws: `SupportError.outputExists`; `UnfinishedTraining`.
  func check(mayReplace: Bool, in context: CommandContext) throws {
    try context.outputs.check(model)
    if !resume, !mayReplace, FileManager.default.fileExists(atPath: checkpoints) {
      throw UnfinishedTraining(path: checkpoints)
    }
  }

  private struct Answer: Encodable {
    let model: String
    let steps: Int
    let seconds: Double
    let parameters: Int
    let results: [ModelDescription.Result]
    let notes: [String]
  }

  /// Says what came of a training.
  /// - Parameters:
  ///   - steps: Steps that were taken.
  ///   - seconds: How long they took.
  ///   - parameters: The network's trainable values.
  ///   - results: What was measured.
  ///   - images: What it was measured on, such as "test images".
  ///   - notes: Oddities of the images.
  ///   - context: Where to say it.
  /// - Throws: `SupportError.unwritable`.
  func confirm(
    steps: Int,
    seconds: Double,
    parameters: Int,
    results: [ModelDescription.Result],
    on images: String,
    notes: [String],
    in context: CommandContext
  ) throws {
    let answer = Answer(
      model: model,
      steps: steps,
      seconds: seconds,
      parameters: parameters,
      results: results,
      notes: notes
    )
    try context.confirm(answer) {
      let minutes = (seconds / 6).rounded() / 10
      return
        (["\(model): \(steps) steps in \(minutes) minutes"]
        + results.map { "\($0.structure)  \($0.metric)  \($0.mean) (\($0.cases) \(images))" })
        .joined(separator: "\n")
    }
  }
}
