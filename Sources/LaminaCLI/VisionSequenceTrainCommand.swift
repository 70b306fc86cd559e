import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Sequences
import Support

/// `lamina vision sequence`.
struct VisionSequenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sequence",
    abstract: "Tells which class an image sequence shows, such as an action or a phase.",
    subcommands: [
      VisionSequenceTrainCommand.self, VisionSequenceRunCommand.self,
      VisionSequenceEvaluateCommand.self, VisionSequenceDigitsCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision sequence train`.
struct VisionSequenceTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains an encoder of frames and a recurrence over them on labelled clips.",
    discussion: """
      DATA is a folder with a folder for each class (also within train, val and test). A clip is a folder of \
      pictures, a 4-D volume (the middle slice of each time point), or a volume (its slices). Clips may \
      differ in length.
      """
  )

  @Argument(help: "Folder of classes.")
  var data: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Rows and columns that the network sees (default: those of the frames, at most 112).",
      valueName: "pixels"
    )
  )
  var size: [Int] = []

  @Option(help: ArgumentHelp("Longer clips are thinned out to so many frames.", valueName: "n"))
  var frames = 32

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Channels of the encoder's stages, each of half the size.", valueName: "n")
  )
  var features = [16, 32, 64]

  @Option(help: ArgumentHelp("Length of a direction's state.", valueName: "n"))
  var width = 128

  @Flag(help: "Read clips backwards too.")
  var bothWays = false

  @Flag(help: "Average each frame's own scores instead, blind to their order; to compare with.")
  var frameWise = false

  @Flag(help: "See colour frames as grey ones.")
  var grey = false

  @Flag(name: .customLong("no-augmentation"), help: "Change clips in no way.")
  var plain = false

  @OptionGroup var recurrence: RecurrenceOptions
  @OptionGroup var keptBack: KeptBackOptions
  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if ![0, 1, 2].contains(size.count) || !size.allSatisfy({ (8...1024).contains($0) }) {
      throw ValidationError("--size must be one or two numbers, 8 to 1024 pixels.")
    }
    if !(1...1000).contains(frames) { throw ValidationError("--frames must be 1 to 1000.") }
    if !(1...8).contains(features.count) || !features.allSatisfy({ (1...1024).contains($0) }) {
      throw ValidationError("--features must be 1 to 8 numbers, 1 to 1024 each.")
    }
    if !(1...4096).contains(width) { throw ValidationError("--width must be 1 to 4096.") }
  }

  private var request: ClipTrainer.Request {
    var request = ClipTrainer.Request()
    request.imageSize = size.count == 1 ? [size[0], size[0]] : size.isEmpty ? nil : size
    request.channels = grey ? 1 : nil
    request.maximumFrames = frames
    request.features = features
    request.joining = frameWise ? .mean : .recurrent
    (request.cell, request.layers, request.width) = (recurrence.cell, recurrence.layers, width)
    request.isBidirectional = bothWays
    if plain { request.augmentation = .none }
    (request.testShare, request.validationShare) = (keptBack.testShare, keptBack.validationShare)
    return request
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    let clips = try ClipDataset(path: data)
    for problem in clips.problems { context.progress.warn(problem) }
    let trainer = ClipTrainer(
      data: clips,
      request: request,
      checkpointFolder: learning.checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    var configuration = LearningConfiguration()
    configuration.batchSize = 32
    learning.apply(to: &configuration)
    let outcome = try trainer.train(
      configuration,
      budget: learning.budget,
      resumes: learning.resume
    )
    try learning.write(
      outcome,
      dataset: clips.name,
      on: outcome.counts[.test] == 0 ? "validation clips" : "test clips",
      in: context,
      discardingCheckpoints: trainer.discardCheckpoints
    )
    return .complete
  }
}

/// `lamina vision sequence moving-digits`.
struct VisionSequenceDigitsCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "moving-digits",
    abstract: "Makes clips of digits that move, to try sequence networks on.",
    discussion: """
      A digit at a random place and angle goes one of eight ways on a torus of 32 x 32 pixels: no single frame \
      tells which. Clips have 8 to 14 frames. One digit in five is for the test alone. They stand in for clips \
      where there are none; they are no medical data.
      """
  )

  @Argument(help: "Pictures of digits: a table of pixels, or another set of labelled pictures.")
  var digits: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A new folder.", valueName: "folder"))
  var output: String

  @Option(help: ArgumentHelp("Clips of each motion to train on.", valueName: "n"))
  var training = 200

  @Option(help: ArgumentHelp("Clips of each motion for the test.", valueName: "n"))
  var test = 50

  @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
  var seed: UInt64 = 1

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  private struct Answer: Encodable {
    let output: String
    let classes: [String]
    let training: Int
    let test: Int
  }

  func validate() throws {
    for (name, count) in [("training", training), ("test", test)]
    where !(1...100_000).contains(count) {
      throw ValidationError("--\(name) must be 1 to 100000.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let maker = try MovingDigits(path: digits)
    try context.outputs.writeFolder(output) {
      try maker.write(
        to: $0,
        training: training,
        test: test,
        seed: seed,
        progress: context.progress,
        interruption: context.interruption
      )
    }
    let classes = MovingDigits.Motion.allCases.map(\.rawValue)
    let answer = Answer(
      output: output,
      classes: classes,
      training: training * classes.count,
      test: test * classes.count
    )
    try context.confirm(answer) {
      "\(output): \(answer.training) clips to train on, \(answer.test) for the test"
    }
    return .complete
  }
}
