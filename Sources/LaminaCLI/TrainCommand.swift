import ArgumentParser
import Foundation
import Layers
import Networks
import Pipelines
import Support

extension TrainingPrecision: ExpressibleByArgument {}

/// `lamina train`: a model package from a labelled data set.
struct TrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a segmentation model on a labelled data set.",
    discussion: """
      DATASET is a folder in nnU-Net's raw layout or the Medical Segmentation Decathlon's. It is \
      checked first: every scan and label map is opened, and every fault is listed. Several \
      channels (CASE_0000, CASE_0001, ...) and regions ("labels": {"whole": [1, 2], ...} with \
      "regions_class_order") are trained in 3-D. Pictures \
      ("file_ending": ".png") are seen as grey values; with "instances": true their labels count \
      objects, which the model then finds one by one. A checkpoint \
      is kept beside MODEL, in MODEL.training, until the model is written; after Ctrl-C or a \
      crash the same command with --resume goes on from there.

      With --synthesize only label maps are read: images of random contrast, resolution and shape \
      are made from them (Billot et al. 2023, SynthSeg), and the model then reads scans of any \
      contrast. The description (dataset.json, or --description) says under "synthesis" which \
      numbers share an intensity, which structure each becomes and which trades sides with which. \
      With --network atlas the maps become an atlas too, which is fitted to a scan and draws the \
      structures (Puonti et al. 2016); the network is a small one, which helps to find its place.

      With --enhance a network learns to improve images: DATASET is a folder of pictures or volumes \
      (or imagesTr in it), which count as clean, and are degraded on the way. A tenth of them is held \
      out, unless --fold all is given. The model is for lamina enhance and segment --stage. With \
      --adversarial a discriminator takes part (SRGAN, ESRGAN); --enhance translate makes images of \
      another kind (Pix2Pix with --paired, else CycleGAN); --network diffusion makes its images of noise \
      (DDPM). Such models can invent anatomy.
      """
  )

  @Argument(help: "Folder with dataset.json.")
  var dataset: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Folder of the new model.", valueName: "model"))
  var output = ""

  @OptionGroup var planning: PlanningOptions

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
    help: ArgumentHelp(
      "Fold to hold out, 0 to 4; all to train on every case; each for a cross-validation.",
      discussion:
        "The five networks of a cross-validation are joined to one model that averages them."
    )
  )
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

  @Option(
    help: ArgumentHelp("Learning rate at the start (default: 0.002, 3d 0.001).", valueName: "rate")
  )
  var learningRate: Double?

  @Option(
    help: ArgumentHelp(
      "Share of the channels that the U-Net drops while training, below 1 (default: 0).",
      discussion: "Such a network can be drawn from by segment --uncertainty-samples.",
      valueName: "share"
    )
  )
  var dropout: Double?

  @Option(
    help: ArgumentHelp(
      "Numbers of the maps between layers: bf16 takes half the memory, and less time where the "
        + "processor has instructions for it; weights stay in f32.",
      valueName: "f32|bf16"
    )
  )
  var precision: TrainingPrecision = .f32

  @Flag(help: "Go on from the checkpoint in MODEL.training, if it is there.")
  var resume = false

  @Flag(inversion: .prefixedNo, help: "Keep slices of held-out scans for the report.")
  var pictures = true

  @OptionGroup var unlabelled: UnlabelledOptions
  @OptionGroup(title: "Training to enhance") var enhancing: EnhanceTrainingOptions
  @OptionGroup(title: "Training against a discriminator") var opposing: AdversarialTrainingOptions

  @Flag(help: "Train with other processes, where mpirun is not recognised by its environment.")
  var mpi = false

  @OptionGroup var slurmOptions: SlurmOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if slurmOptions.slurm, outputOptions.force {
      throw ValidationError("--slurm goes on from what is there; remove it instead of --force.")
    }
    if let part = slurmOptions.part,
      fold != Self.eachFold || part.count != SegmentationDataset.foldCount
    {
      throw ValidationError("--part of a training is 1/5 to 5/5, with --fold each.")
    }
    if !["all", Self.eachFold].contains(fold),
      !(Int(fold).map { (0..<SegmentationDataset.foldCount).contains($0) } ?? false)
    {
      throw ValidationError("--fold is \(fold) but must be 0 to 4, all or each.")
    }
    try unlabelled.check(from: from, synthesize: synthesize, output: output)
    try enhancing.check(planning, synthesizes: synthesize)
    try opposing.check(enhancing.enhance, network: planning.namedNetwork)
    if enhancing.enhance != nil {
      if unlabelled.pretrain || unlabelled.suggest != nil
        || unlabelled.pseudoLabels != nil || slurmOptions.slurm || slurmOptions.part != nil
        || mpi || fold == Self.eachFold
      {
        throw ValidationError(
          "--enhance trains one network on images alone; leave out --pretrain, --suggest, "
            + "--pseudo-labels, --slurm, --part, --mpi and --fold each."
        )
      }
    }
    if unlabelled.pretrain, fold != "0" {
      throw ValidationError("--pretrain holds nothing out; leave out --fold.")
    }
    if unlabelled.pretrain, planning.loss != nil {
      throw ValidationError("--pretrain has a loss of its own; leave out --loss.")
    }
    if unlabelled.suggest != nil, slurmOptions.slurm || slurmOptions.part != nil {
      throw ValidationError("--suggest trains nothing; leave out --slurm and --part.")
    }
    let isAtlas = planning.network == SynthesisPlanner.atlasNetwork
    if synthesize, planning.network != "unet", !isAtlas, enhancing.enhance == nil {
      throw ValidationError("--synthesize trains a unet; leave out --network.")
    }
    if isAtlas, !synthesize {
      throw ValidationError("--network atlas makes an atlas of label maps; add --synthesize.")
    }
    if isAtlas, fold == Self.eachFold || slurmOptions.slurm || slurmOptions.part != nil {
      throw ValidationError("--network atlas makes one atlas; leave out --fold each and --slurm.")
    }
    try planning.check(
      minutes: minutes,
      synthesizes: synthesize,
      enhances: enhancing.enhance != nil
    )
    if let epochs, !(1...1_000_000).contains(epochs) {
      throw ValidationError("--epochs must be 1 to 1000000.")
    }
    if minutes != nil, epochs != nil {
      throw ValidationError("--minutes and --epochs exclude each other.")
    }
    if let dropout, !(dropout >= 0 && dropout < 1) {
      throw ValidationError("--dropout must be at least 0 and below 1.")
    }
    if dropout != nil,
      planning.network != "unet" || synthesize || enhancing.enhance != nil || unlabelled.pretrain
    {
      throw ValidationError("--dropout is for a unet that is trained on labelled scans.")
    }
    if precision != .f32, enhancing.enhance != nil || unlabelled.suggest != nil {
      throw ValidationError("--precision is for trainings to segment; leave it out.")
    }
    if let learningRate, !(learningRate > 0) || !learningRate.isFinite {
      throw ValidationError("--learning-rate must be more than 0.")
    }
  }

  struct Answer: Encodable {
    let model: String
    let steps: Int
    let seconds: Double
    let parameters: Int
    let results: [ModelDescription.Result]
    let notes: [String]
  }

  /// Trains one network.
  /// - Parameters:
  ///   - context: Where to report, write and look for Ctrl-C.
  ///   - exchange: The processes that train together.
  ///   - folds: The cross-validation that the network belongs to, or nil.
  /// - Returns: That all was done.
  /// - Throws: What planning, training and writing throw.
  func trainOne(
    in context: CommandContext,
    with exchange: any GradientExchange,
    of folds: CrossValidation? = nil
  ) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    let checkpoints = output + ".training"
    try context.outputs.check(output)
    if !resume, !outputOptions.force, FileManager.default.fileExists(atPath: checkpoints) {
      throw UnfinishedTraining(path: checkpoints)
    }
    var dataset = try openDataset()
    var values = try configuration(for: dataset, context)
    values.seed = seed
    values.fold = unlabelled.pretrain ? nil : Int(fold)
    if unlabelled.pretrain { values = try values.withoutLabels() }
    if let learningRate { values.learningRate = learningRate }
    if precision != .f32 { values.precision = precision }
    values.batchSize *= exchange.count
    if resume, planning.leavesSizeOpen || minutes != nil,
      let stored = try SegmentationTrainer.storedConfiguration(checkpoints)
    {
      // The machine's speed and memory might give another plan than the one to go on with.
      values.network = stored.network
      values.plan = stored.plan
      values.samples = stored.samples
      values.batchSize = stored.batchSize
    } else if exchange.isRoot, let folds {
      values = try folds.agreed(values)
    }
    if let dropout, let network = values.network.dropping(dropout) { values.network = network }
    values = try exchange.shared(values)
    context.progress.note("Plan: \(values.plan.summary).")
    let initial = try from.map { name in
      try InitialWeights(ModelStore().model(name))
    }

    // The first process labels, for all processes and folds; the others find the maps.
    let pseudoFolder = Self.pseudoFolder(folds?.folder ?? checkpoints)
    if exchange.isRoot {
      dataset = try addingPseudoLabels(to: dataset, keptIn: pseudoFolder, in: context)
    }
    try exchange.wait()
    if !exchange.isRoot {
      dataset = try addingPseudoLabels(to: dataset, keptIn: pseudoFolder, in: context)
    }

    let name = URL(fileURLWithPath: output).lastPathComponent
    var trainer = SegmentationTrainer(
      dataset: dataset,
      initial: initial,
      checkpointFolder: checkpoints,
      outputs: context.outputs,
      progress: context.progress,
      interruption: context.interruption,
      exchange: exchange
    )
    let budget = minutes.map { SegmentationTrainer.Budget.minutes($0) } ?? .steps
    guard exchange.isRoot else {
      try trainer.assist(values, budget: budget)
      return .complete
    }
    trainer.keepsPictures = pictures
    let outcome = try trainer.run(values, budget: budget, resumes: resume)
    var model = TrainedModel(
      outcome: outcome,
      dataset: dataset,
      name: name,
      command: commandLine(exchange)
    )
    if planning.network == SynthesisPlanner.atlasNetwork {
      model.atlas = try BuiltAtlas(
        outcome,
        dataset: dataset,
        progress: context.progress,
        interruption: context.interruption
      )
    }
    try context.outputs.writeFolder(output) { try model.write(to: $0) }
    if folds == nil { PseudoLabels.discard(pseudoFolder) }
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

  private func configuration(
    for dataset: SegmentationDataset,
    _ context: CommandContext
  ) throws -> TrainingConfiguration {
    let request = planning.request(
      minutes: minutes,
      steps: epochs.map { $0 * TrainingConfiguration.stepsPerEpoch }
    )
    if synthesize {
      guard let planner = SynthesisPlanner(dataset, request: request) else {
        throw MissingSynthesis()
      }
      return planner.configuration()
    }
    let (check, plan) = try DatasetPlanner.plan(
      dataset,
      request: request,
      progress: context.progress,
      interruption: context.interruption
    )
    guard check.faults.isEmpty, let plan else {
      throw PipelinesError.faultyDataset(path: dataset.path, faults: check.faults)
    }
    for line in PlanText.table(plan) { context.progress.note(line) }
    return plan.configuration
  }

  /// The data set that is trained on.
  /// - Returns: Its description and its cases.
  /// - Throws: `PipelinesError.notADataset`; `SupportError.notFound`.
  func openDataset() throws -> SegmentationDataset {
    try SegmentationDataset(
      path: dataset,
      description: planning.description,
      withoutLabels: unlabelled.pretrain
    )
  }

  /// The command again, the data set by its name: a model card must not hold local paths.
  func commandLine(_ exchange: any GradientExchange) -> String {
    let folder = URL(fileURLWithPath: self.dataset).lastPathComponent
    let name = URL(fileURLWithPath: OutputPath.normalised(output)).lastPathComponent
    var words = ["lamina train", folder, "--output", name]
    if !unlabelled.pretrain { words += ["--fold", fold] }
    words += ["--seed", "\(seed)"]
    if let minutes { words += ["--minutes", "\(minutes)"] }
    if let epochs { words += ["--epochs", "\(epochs)"] }
    if synthesize { words.append("--synthesize") }
    if let from { words += ["--from", URL(fileURLWithPath: from).lastPathComponent] }
    words += unlabelled.words + planning.words
    if let learningRate { words += ["--learning-rate", "\(learningRate)"] }
    if let dropout { words += ["--dropout", "\(dropout)"] }
    if precision != .f32 { words += ["--precision", precision.rawValue] }
    if exchange.count > 1 { words.insert("mpirun -n \(exchange.count)", at: 0) }
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
