import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Sequences
import Support

/// `lamina vision caption`.
struct VisionCaptionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "caption",
    abstract: "Writes a sentence about an image.",
    subcommands: [
      VisionCaptionTrainCommand.self, VisionCaptionRunCommand.self,
      VisionCaptionEvaluateCommand.self, VisionCaptionDescribeCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision caption train`.
struct VisionCaptionTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains an encoder of images and an LSTM with attention that writes sentences.",
    discussion: """
      DATA is a table (image, caption; split and patient are used, and labels: the file of a label map that \
      the network sees beside the image, each structure as a channel of its own) or a JSON file of captions as COCO's. \
      Of a volume --slices slices are the channels of one image: with --fit pad at fixed distances in mm \
      about its middle, so that sizes are kept, else spread over all of it. Results on the test stand \
      beside the most frequent sentence and that of the most alike training image.
      """
  )

  @Argument(help: "A .csv, .tsv or .json.")
  var data: String

  @Option(help: ArgumentHelp("The folder of a JSON file's images.", valueName: "folder"))
  var images: String?

  @Option(help: ArgumentHelp("Slices of each volume.", valueName: "n"))
  var slices = 8

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Channels of the encoder's stages, each of half the size.", valueName: "n")
  )
  var features = [32, 64, 96, 128]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Rows and columns of places that attention chooses from.", valueName: "n")
  )
  var grid = [8, 8]

  @Option(help: ArgumentHelp("Length of the LSTM's state.", valueName: "n"))
  var width = 192

  @Option(
    name: .customLong("min-count"),
    help: ArgumentHelp("A word that occurs less often is unknown.", valueName: "n")
  )
  var leastCount = 2

  @Option(
    help: ArgumentHelp("Sentences kept side by side while one is written.", valueName: "n")
  )
  var beams = 4

  @OptionGroup var fitting: ImageFittingOptions
  @OptionGroup var keptBack: KeptBackOptions
  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !fitting.size.allSatisfy({ (16...2048).contains($0) }) {
      throw ValidationError("--size must be one or two numbers, 16 to 2048 pixels.")
    }
    if !(1...8).contains(features.count) || !features.allSatisfy({ (1...1024).contains($0) }) {
      throw ValidationError("--features must be 1 to 8 numbers, 1 to 1024 each.")
    }
    if ![1, 2].contains(grid.count) || !grid.allSatisfy({ (1...64).contains($0) }) {
      throw ValidationError("--grid must be one or two numbers, 1 to 64.")
    }
    if !(1...4096).contains(width) { throw ValidationError("--width must be 1 to 4096.") }
    if !(1...512).contains(slices) { throw ValidationError("--slices must be 1 to 512.") }
    if !(1...1000).contains(leastCount) {
      throw ValidationError("--min-count must be 1 to 1000.")
    }
    if !(1...64).contains(beams) { throw ValidationError("--beams must be 1 to 64.") }
  }

  private var request: CaptionTrainer.Request {
    var request = CaptionTrainer.Request()
    request.imageSize = fitting.imageSize
    request.channels = fitting.channels
    request.fitting = fitting.fit
    (request.slices, request.features, request.width) = (slices, features, width)
    request.gridSize = grid.count == 1 ? [grid[0], grid[0]] : grid
    (request.leastCount, request.beams) = (leastCount, beams)
    fitting.apply(to: &request.augmentation)
    (request.testShare, request.validationShare) = (keptBack.testShare, keptBack.validationShare)
    return request
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    let images = try CaptionDataset(path: data, images: images)
    for problem in images.problems { context.progress.warn(problem) }
    let trainer = CaptionTrainer(
      data: images,
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
    let model = TrainedCaptioner(outcome: outcome, origin: learning.origin(dataset: images.name))
    try context.outputs.writeFolder(learning.model) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    try learning.confirm(
      steps: outcome.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: model.parameterCount,
      results: model.results,
      on: outcome.counts[.test] == 0 ? "validation images" : "test images",
      notes: outcome.notes,
      in: context
    )
    return .complete
  }
}

/// `lamina vision caption describe`.
struct VisionCaptionDescribeCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "describe",
    abstract: "Writes sentences by rules from the labels of a data set, to train on.",
    discussion: """
      DATASET is as for `vision regress table`. Objects of several classes: "seven red cells, one white \
      cell and no platelets". Label values that count objects: "about forty small nuclei, two clusters". \
      Structures of scans: "the anterior part is larger than the posterior part, the total volume is \
      small, about 2900 mm3"; small, medium and large are the thirds of the data set. Numbers above \
      twelve are rounded to fives.
      """
  )

  @Argument(help: "A data set with labels.")
  var dataset: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A .csv file.", valueName: "file"))
  var output: String

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "What a class or structure is called, one of it and several: RBC='red cell/red cells'.",
      valueName: "class=words"
    )
  )
  var name: [String] = []

  @Flag(
    name: .customLong("with-labels"),
    help: "Add the label maps as a column, so that a network sees them beside the images."
  )
  var withLabels = false

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  private struct Answer: Encodable {
    let output: String
    let images: Int
    let sentences: Int
    let rules: CaptionRules
    let problems: [String]
  }

  private var names: [String: [String]] {
    Dictionary(
      name.compactMap { entry -> (String, [String])? in
        let parts = entry.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        return (parts[0], parts[1].split(separator: "/").map(String.init))
      },
      uniquingKeysWith: { $1 }
    )
  }

  func validate() throws {
    if !output.lowercased().hasSuffix(".csv") {
      throw ValidationError("--output must end in .csv.")
    }
    if names.count != name.count || !names.values.allSatisfy({ (1...2).contains($0.count) }) {
      throw ValidationError("--name must be as RBC='red cell/red cells', once for each class.")
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
    if withLabels, contents.contains(where: { $0.labelPath == nil }) {
      throw SequencesError.noCaptions(
        path: dataset,
        reason: "its labels are boxes, and --with-labels is for label maps"
      )
    }
    let rules = try CaptionRules(contents, names: names, path: dataset)
    try context.outputs.write(
      Data(rules.csv(contents, withLabels: withLabels).utf8),
      to: output
    )
    let answer = Answer(
      output: output,
      images: contents.count,
      sentences: Set(contents.map(rules.sentence)).count,
      rules: rules,
      problems: problems
    )
    try context.confirm(answer) {
      (["\(output): \(answer.images) images, \(answer.sentences) different sentences, such as:"]
        + contents.prefix(3).map { "  \(rules.sentence($0))" }).joined(separator: "\n")
    }
    return problems.isEmpty ? .complete : .partial
  }
}
