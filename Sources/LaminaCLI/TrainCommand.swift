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
    abstract: "Trains a segmentation model on a labelled data set.",
    discussion: """
      DATASET is a folder in nnU-Net's raw layout or the Medical Segmentation Decathlon's. It is \
      checked first: every scan and label map is opened, and every fault is listed. A checkpoint \
      is kept beside MODEL, in MODEL.training, until the model is written; after Ctrl-C or a \
      crash the same command with --resume goes on from there.

      With --synthesize only label maps are read: images of random contrast, resolution and shape \
      are made from them (Billot et al. 2023, SynthSeg), and the model then reads scans of any \
      contrast. The description (dataset.json, or --description) says under "synthesis" which \
      numbers share an intensity, which structure each becomes and which trades sides with which.
      """
  )

  /// What the network sees at once.
  enum Configuration: String, ExpressibleByArgument, CaseIterable {
    case automatic = "auto"
    case twoDimensional = "2d"
    case threeDimensional = "3d"
  }

  @Argument(help: "Folder with dataset.json.")
  var dataset: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Folder of the new model.", valueName: "model"))
  var output: String

  @Option(name: .customLong("configuration"), help: "What the network sees at once.")
  var shape = Configuration.automatic

  @Option(
    help: ArgumentHelp("The data set's description, if not its dataset.json.", valueName: "file")
  )
  var description: String?

  @Flag(help: "Make the images from the label maps.")
  var synthesize = false

  @Option(
    help: ArgumentHelp(
      "Model to start from; weights of the same name and shape.",
      valueName: "model"
    )
  )
  var from: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Spacing that the network sees along x, y, z (default: 3d the median, --synthesize 1).",
      valueName: "mm"
    )
  )
  var spacing: [Double] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Voxels that the network sees at once along x, y, z.", valueName: "n")
  )
  var patch: [Int] = []

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

  @Option(
    help: ArgumentHelp("Channels of the network's first stage (default: 24).", valueName: "n")
  )
  var features: Int?

  @Option(
    help: ArgumentHelp(
      "Slices or patches of one step (default: 32 slices, 2 patches).",
      valueName: "n"
    )
  )
  var batch: Int?

  @Option(
    help: ArgumentHelp("Learning rate at the start (default: 0.002, 3d 0.001).", valueName: "rate")
  )
  var learningRate: Double?

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
    if let features, !(1...512).contains(features) {
      throw ValidationError("--features must be 1 to 512.")
    }
    if let batch, !(1...4096).contains(batch) {
      throw ValidationError("--batch must be 1 to 4096.")
    }
    if let learningRate, !(learningRate > 0) || !learningRate.isFinite {
      throw ValidationError("--learning-rate must be more than 0.")
    }
    if !spacing.isEmpty,
      spacing.count != 3 || !spacing.allSatisfy({ (0.01...100).contains($0) })
    {
      throw ValidationError("--spacing must be three numbers from 0.01 to 100 mm.")
    }
    if !patch.isEmpty, patch.count != 3 || !patch.allSatisfy({ (8...512).contains($0) }) {
      throw ValidationError("--patch must be three numbers from 8 to 512 voxels.")
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
    let dataset = try SegmentationDataset(path: dataset, description: description)
    var values = try configuration(for: dataset)
    values.seed = seed
    values.fold = Int(fold)
    if let batch { values.batchSize = batch }
    if let learningRate { values.learningRate = learningRate }
    values.steps = (epochs ?? 25) * TrainingConfiguration.stepsPerEpoch
    context.progress.note("Plan: \(values.plan.summary).")
    let initial = try from.map { name in
      try InitialWeights(ModelStore().model(name))
    }

    let name = URL(fileURLWithPath: output).lastPathComponent
    let trainer = SegmentationTrainer(
      dataset: dataset,
      initial: initial,
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

  private func configuration(for dataset: SegmentationDataset) throws -> TrainingConfiguration {
    if synthesize {
      guard let table = dataset.synthesis else { throw MissingSynthesis() }
      var planner = VolumePlanner(
        spacing: spacing.isEmpty ? SIMD3(1, 1, 1) : SIMD3(spacing[0], spacing[1], spacing[2]),
        patchSize: patch.isEmpty ? SIMD3(96, 112, 96) : SIMD3(patch[0], patch[1], patch[2])
      )
      planner.baseFeatures = features ?? 24
      return planner.configuration(
        labels: dataset.labels,
        normalization: .robust,
        samples: .synthesis(SynthesisRecipe(table: table))
      )
    }
    if shape == .threeDimensional {
      return try TrainingPlanner().volumeConfiguration(
        for: dataset,
        baseFeatures: features ?? 32,
        patchSize: patch.isEmpty ? nil : SIMD3(patch[0], patch[1], patch[2]),
        spacing: spacing.isEmpty ? nil : SIMD3(spacing[0], spacing[1], spacing[2])
      )
    }
    return try TrainingPlanner().configuration(
      for: dataset,
      networkName: network,
      baseFeatures: features ?? 24
    )
  }

  /// The command again, the data set by its name: a model card must not hold local paths.
  private var commandLine: String {
    let folder = URL(fileURLWithPath: self.dataset).lastPathComponent
    let name = URL(fileURLWithPath: OutputPath.normalised(output)).lastPathComponent
    var words = ["lamina train", folder, "--output", name, "--fold", fold, "--seed", "\(seed)"]
    if let minutes { words += ["--minutes", "\(minutes)"] }
    if let epochs { words += ["--epochs", "\(epochs)"] }
    if shape != .automatic { words += ["--configuration", shape.rawValue] }
    if synthesize { words.append("--synthesize") }
    if let description {
      words += ["--description", URL(fileURLWithPath: description).lastPathComponent]
    }
    if let from { words += ["--from", URL(fileURLWithPath: from).lastPathComponent] }
    if !spacing.isEmpty { words += ["--spacing"] + spacing.map { "\($0)" } }
    if !patch.isEmpty { words += ["--patch"] + patch.map { "\($0)" } }
    if network != "unet" { words += ["--network", network] }
    if let features { words += ["--features", "\(features)"] }
    if let batch { words += ["--batch", "\(batch)"] }
    if let learningRate { words += ["--learning-rate", "\(learningRate)"] }
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

/// Images were to be made from label maps whose description does not say how.
struct MissingSynthesis: ClassifiedError {
  var failure: Failure { .damagedInput }

  var description: String {
    "The data set's description has no table \"synthesis\", which --synthesize needs."
  }
}
