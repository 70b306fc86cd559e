import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Support

extension RegressionConfiguration.Loss: ExpressibleByArgument {}

/// `lamina vision regress`.
struct VisionRegressCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "regress",
    abstract: "Tells numbers of images, such as a volume, a count or an age, with intervals.",
    subcommands: [
      VisionRegressTrainCommand.self, VisionRegressRunCommand.self,
      VisionRegressEvaluateCommand.self, VisionRegressTableCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision regress train`.
struct VisionRegressTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network on images with numbers, calibrates its intervals and measures it.",
    discussion: """
      DATA is a table: a column image (paths of pictures or of volumes) and a column of numbers; split \
      and patient are used. Of a volume --slices slices are the channels of one image: with --fit pad at \
      fixed distances in mm about its middle, so that sizes are kept, else spread over all of it. \
      Intervals are split-conformal, found on validation images that nothing was chosen by.
      """
  )

  @Argument(help: "A .csv or .tsv.")
  var data: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Columns of numbers, one or several (default: the only one there is).",
      valueName: "column"
    )
  )
  var target: [String] = []

  @Option(
    help: ArgumentHelp(
      "What is minimised; with gaussian the network also tells how sure it is, and intervals have "
        + "different widths.",
      valueName: "huber|gaussian"
    )
  )
  var loss = RegressionConfiguration.Loss.huber

  @Option(
    help: ArgumentHelp(
      "Share of images whose number should lie in the interval.",
      valueName: "share"
    )
  )
  var coverage = 0.9

  @OptionGroup var training: VisionTrainingOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    guard coverage > 0, coverage < 1 else {
      throw ValidationError("--coverage must be between 0 and 1.")
    }
    if training.balance { throw ValidationError("--balance is for classes; leave it out.") }
    if training.slices > 512 { throw ValidationError("--slices must be 1 to 512.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let learning = training.learning
    try learning.check(mayReplace: outputOptions.force, in: context)
    let images = try MeasuredImages(table: data, targets: target)
    for problem in images.problems { context.progress.warn(problem) }
    var request = RegressionRequest()
    request.images = training.request
    (request.loss, request.coverage, request.slices) = (loss, coverage, training.slices)
    let trainer = RegressionTrainer(
      data: images,
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
      initial: training.from.map { try InitialWeights(ModelStore().model($0)) },
      resumes: learning.resume
    )
    let model = TrainedRegressor(outcome: outcome, origin: learning.origin(dataset: images.name))
    try context.outputs.writeFolder(learning.model) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    try learning.confirm(
      steps: outcome.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: model.parameterCount,
      results: model.results,
      on: outcome.measuredOnValidation ? "validation images" : "test images",
      notes: outcome.notes,
      in: context
    )
    return .complete
  }
}

/// `lamina vision regress table`.
struct VisionRegressTableCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "table",
    abstract: "Makes a table of numbers from the labels of a data set, to train on.",
    discussion: """
      DATASET is a folder with dataset.json (volumes of its structures in mm3, or areas in pixels), in \
      Pascal VOC's layout or a COCO file (objects of each class), or of images and labels whose values \
      count objects. Scans that `lamina train` holds out in its first fold are for the test.
      """
  )

  @Argument(help: "A data set with labels.")
  var dataset: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A .csv file.", valueName: "file"))
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  private struct Answer: Encodable {
    let output: String
    let images: Int
    let columns: [String]
    let problems: [String]
  }

  func validate() throws {
    if !output.lowercased().hasSuffix(".csv") {
      throw ValidationError("--output must end in .csv.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let (contents, problems) = try ImageContents.read(
      dataset,
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in problems { context.progress.warn(problem) }
    let table = ImageContents.csv(contents)
    try context.outputs.write(Data(table.utf8), to: output)
    let columns = ImageContents.columns(contents)
    let answer = Answer(
      output: output,
      images: contents.count,
      columns: columns,
      problems: problems
    )
    try context.confirm(answer) {
      "\(output): \(contents.count) images, columns \(columns.joined(separator: ", "))"
    }
    return problems.isEmpty ? .complete : .partial
  }
}
