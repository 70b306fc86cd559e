import ArgumentParser
import Pipelines
import Recognition
import Sequences
import Support

/// `lamina vision ecg`.
struct VisionECGCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ecg",
    abstract: "Finds the beats of electrocardiograms and tells their kind.",
    subcommands: [
      VisionECGTrainCommand.self, VisionECGRunCommand.self, VisionECGEvaluateCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision ecg train`.
struct VisionECGTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a recurrent network on annotated beats and measures it on later ones.",
    discussion: """
      RECORD is a record of PhysioNet's WFDB (header, signals and annotations beside each other), or a folder \
      of them. The end of each record is the test: beats that follow each other lie on one side of the split. \
      What the network does for other people is not measured by that.
      """
  )

  @Argument(help: "Records, with or without an ending, or folders of them.")
  var records: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Kinds of beats by PhysioNet's symbols, such as N A V (default: those with five to train on).",
      valueName: "symbol"
    )
  )
  var classes: [String] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Leads by name; beats are looked for in the first (default: those that all records have).",
      valueName: "lead"
    )
  )
  var leads: [String] = []

  @Option(help: ArgumentHelp("Ending of the annotation files.", valueName: "ending"))
  var annotator = "atr"

  @Option(help: ArgumentHelp("Share of each record, its end, for the test.", valueName: "share"))
  var testShare = 0.5

  @Option(
    help: ArgumentHelp("Share of the rest, its end, for looks on the way.", valueName: "share")
  )
  var validationShare = 0.2

  @Option(help: ArgumentHelp("Length of a direction's state.", valueName: "n"))
  var width = 32

  @Flag(help: "Read windows forwards only.")
  var oneWay = false

  @OptionGroup var recurrence: RecurrenceOptions
  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    for (name, share) in [("test", testShare), ("validation", validationShare)]
    where !(0..<1).contains(share) {
      throw ValidationError("--\(name)-share must be 0 to below 1.")
    }
    if !(1...4096).contains(width) { throw ValidationError("--width must be 1 to 4096.") }
    if annotator.contains("/") || annotator.isEmpty {
      throw ValidationError("--annotator is an ending, such as atr.")
    }
    if Set(classes).count != classes.count || Set(leads).count != leads.count {
      throw ValidationError("--classes and --leads must not repeat a name.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    let data = try BeatDataset(
      records,
      annotator: annotator,
      symbols: classes.isEmpty ? nil : classes,
      leads: leads.isEmpty ? nil : leads,
      testShare: testShare,
      validationShare: validationShare,
      interruption: context.interruption
    )
    for problem in data.problems { context.progress.warn(problem) }
    var request = BeatTrainer.Request()
    (request.cell, request.layers, request.width) = (recurrence.cell, recurrence.layers, width)
    request.isBidirectional = !oneWay
    let trainer = BeatTrainer(
      data: data,
      request: request,
      checkpointFolder: learning.checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    var configuration = LearningConfiguration()
    learning.apply(to: &configuration)
    let outcome = try trainer.train(
      configuration,
      budget: learning.budget,
      resumes: learning.resume
    )
    try learning.write(
      outcome,
      dataset: data.name,
      on: outcome.counts[.test] == 0 ? "validation beats" : "test beats",
      in: context,
      discardingCheckpoints: trainer.discardCheckpoints
    )
    return .complete
  }
}

extension LearningOptions {
  /// Writes the model of a training on sequences and says what came of it.
  /// - Parameters:
  ///   - outcome: The finished run.
  ///   - dataset: The data set's name.
  ///   - things: What it was measured on.
  ///   - context: Where to write.
  ///   - discard: Removes the checkpoints, once the model is written.
  /// - Throws: What writing throws.
  func write(
    _ outcome: SequenceOutcome,
    dataset: String,
    on things: String,
    in context: CommandContext,
    discardingCheckpoints discard: () -> Void
  ) throws {
    let model = TrainedSequenceModel(outcome: outcome, origin: origin(dataset: dataset))
    try context.outputs.writeFolder(self.model) { try model.write(to: $0) }
    discard()
    try confirm(
      steps: outcome.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: model.parameterCount,
      results: model.results,
      on: things,
      notes: outcome.notes,
      in: context
    )
  }
}
