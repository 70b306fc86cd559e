import ArgumentParser
import Foundation
import Layers
import Networks
import Pipelines
import Support

/// `lamina train`: a model package from a labelled data set.
struct TrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a slice-wise segmentation model on a labelled data set.",
    discussion: """
      DATASET is a folder in nnU-Net's raw layout or the Medical Segmentation Decathlon's. It is \
      checked first: every scan and label map is opened, and every fault is listed. A checkpoint \
      is kept beside MODEL, in MODEL.training, until the model is written; after Ctrl-C or a \
      crash the same command with --resume goes on from there.
      """
  )

  /// What the network sees at once.
  enum Configuration: String, ExpressibleByArgument, CaseIterable {
    case automatic = "auto"
    case twoDimensional = "2d"
  }

  @Argument(help: "Folder with dataset.json.")
  var dataset: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Folder of the new model.", valueName: "model"))
  var output: String

  @Option(name: .customLong("configuration"), help: "What the network sees at once.")
  var shape = Configuration.automatic

  @Option(help: "Fold to hold out, 0 to 4, or all to train on every case.")
  var fold = "0"

  @Option(help: ArgumentHelp("Wall time of the training (default: none).", valueName: "min"))
  var minutes: Double?

  @Option(
    help: ArgumentHelp(
      "Epochs of \(TrainingConfiguration.stepsPerEpoch) steps (default: 25 without --minutes).",
      valueName: "n"
    )
  )
  var epochs: Int?

  @Option(help: "Seed of every random choice, the held-out fold's among them.")
  var seed: UInt64 = 1

  @Option(help: "Network: \(TrainingPlanner.networkNames.joined(separator: ", ")).")
  var network = "unet"

  @Option(help: ArgumentHelp("Channels of the network's first stage.", valueName: "n"))
  var features = 24

  @Option(help: ArgumentHelp("Slices of one step.", valueName: "n"))
  var batch = 32

  @Option(help: ArgumentHelp("Learning rate at the start.", valueName: "rate"))
  var learningRate = 2e-3

  @Flag(help: "Go on from the checkpoint in MODEL.training, if it is there.")
  var resume = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if fold != "all", !(Int(fold).map { (0..<SegmentationDataset.foldCount).contains($0) } ?? false)
    {
      throw ValidationError("--fold is \(fold) but must be 0 to 4 or all.")
    }
    if let minutes, !(minutes > 0) || !minutes.isFinite {
      throw ValidationError("--minutes must be more than 0.")
    }
    if let minutes, minutes > 100_000 { throw ValidationError("--minutes must be 100000 or less.") }
    if let epochs, !(1...1_000_000).contains(epochs) {
      throw ValidationError("--epochs must be 1 to 1000000.")
    }
    if minutes != nil, epochs != nil {
      throw ValidationError("--minutes and --epochs exclude each other.")
    }
    if !(1...512).contains(features) { throw ValidationError("--features must be 1 to 512.") }
    if !(1...4096).contains(batch) { throw ValidationError("--batch must be 1 to 4096.") }
    if !(learningRate > 0) || !learningRate.isFinite {
      throw ValidationError("--learning-rate must be more than 0.")
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

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    let checkpoints = output + ".training"
    try context.outputs.check(output)
    if !resume, !outputOptions.force, FileManager.default.fileExists(atPath: checkpoints) {
      throw UnfinishedTraining(path: checkpoints)
    }
    let dataset = try SegmentationDataset(path: dataset)
    var values = try TrainingPlanner().configuration(
      for: dataset,
      networkName: network,
      baseFeatures: features
    )
    values.seed = seed
    values.fold = Int(fold)
    values.batchSize = batch
    values.learningRate = learningRate
    values.steps = (epochs ?? 25) * TrainingConfiguration.stepsPerEpoch
    context.progress.note(
      "Plan: slices along \(values.plan.orientation), \(values.plan.inputChannels) as channels, "
        + "patches of \(values.plan.patchSize.map(String.init).joined(separator: " x "))."
    )

    let name = URL(fileURLWithPath: output).lastPathComponent
    let trainer = SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: checkpoints,
      outputs: context.outputs,
      progress: context.progress,
      interruption: context.interruption
    )
    let outcome = try trainer.run(
      values,
      budget: minutes.map { .minutes($0) } ?? .steps,
      resumes: resume
    )
    let model = TrainedModel(
      outcome: outcome,
      dataset: dataset,
      name: name,
      command: commandLine
    )
    try context.outputs.writeFolder(output) { try model.write(to: $0) }
    trainer.discardCheckpoints()

    let answer = Answer(
      model: output,
      steps: outcome.configuration.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: outcome.network.trainableCount,
      results: model.description.results,
      notes: outcome.notes
    )
    try context.confirm(answer) {
      let lines = answer.results.map {
        "\($0.structure)  \($0.metric)  \($0.mean) (SD \($0.sd), n \($0.cases))"
      }
      let minutes = (answer.seconds / 6).rounded() / 10
      return (["\(output): \(answer.steps) steps in \(minutes) minutes"] + lines)
        .joined(separator: "\n")
    }
    return .complete
  }

  /// The command again, the data set by its name: a model card must not hold local paths.
  private var commandLine: String {
    let folder = URL(fileURLWithPath: self.dataset).lastPathComponent
    let name = URL(fileURLWithPath: OutputPath.normalised(output)).lastPathComponent
    var words = ["lamina train", folder, "--output", name, "--fold", fold, "--seed", "\(seed)"]
    if let minutes { words += ["--minutes", "\(minutes)"] }
    if let epochs { words += ["--epochs", "\(epochs)"] }
    words += ["--network", network, "--features", "\(features)", "--batch", "\(batch)"]
    words += ["--learning-rate", "\(learningRate)"]
    return words.joined(separator: " ")
  }
}

/// An earlier run left its checkpoints, and neither to go on nor to start anew was asked for.
struct UnfinishedTraining: ClassifiedError {
  /// The folder of the checkpoints.
  let path: String

  var failure: Failure { .unwritableOutput }

  var description: String {
    "\(path) holds an unfinished run; go on with --resume or start anew with --force."
  }
}
