import ArgumentParser
import Foundation
import Recognition
import Reporting
import Stylization
import Support

/// `lamina vision colourise`.
struct VisionColouriseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "colourise",
    abstract: "Gives grey photographs likely colours.",
    subcommands: [
      VisionColouriseTrainCommand.self, VisionColouriseRunCommand.self,
      VisionColouriseEvaluateCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision colourise train`.
struct VisionColouriseTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network on colour photographs.",
    discussion: """
      Grey photographs are left out. Unless asked for otherwise: 8 photographs a step, 1000 steps, and a \
      rate of 0.001.
      """
  )

  @Argument(help: "Photographs in colour, or folders of them.")
  var photographs: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Photographs to measure on (default: a fifth of the others, by the seed).",
      valueName: "picture"
    )
  )
  var test: [String] = []

  @Option(help: ArgumentHelp("Smaller side that the network sees.", valueName: "pixels"))
  var size = 96

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Channels of the U-Net's stages.", valueName: "n")
  )
  var features = [16, 32, 64, 96]

  @Option(
    help: ArgumentHelp(
      "How equal the weights of colours are: 0 weights rare ones fully, 1 all alike.",
      valueName: "share"
    )
  )
  var mixing = 0.5

  @Option(help: ArgumentHelp("Of the annealed mean: 1 is the mean.", valueName: "value"))
  var temperature = 0.38

  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(32...1024).contains(size) { throw ValidationError("--size must be 32 to 1024.") }
    if !(2...5).contains(features.count) || !features.allSatisfy({ (1...1024).contains($0) }) {
      throw ValidationError("--features must be 2 to 5 numbers, 1 to 1024 each.")
    }
    if !(0.01...1).contains(mixing) { throw ValidationError("--mixing must be 0.01 to 1.") }
    if !(0.01...1).contains(temperature) {
      throw ValidationError("--temperature must be 0.01 to 1.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    var request = ColourTrainer.Request()
    (request.side, request.features) = (size, features)
    (request.mixing, request.temperature) = (mixing, temperature)
    let trainer = try ColourTrainer(
      photographs: PictureFiles.list(photographs),
      test: PictureFiles.list(test),
      request: request,
      seed: learning.seed,
      checkpointFolder: learning.checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in trainer.problems { context.progress.warn(problem) }
    var configuration = LearningConfiguration()
    configuration.batchSize = 8
    learning.apply(to: &configuration)
    let trained = try trainer.train(
      configuration,
      budget: learning.budget,
      resumes: learning.resume
    )
    try learning.write(trained, notes: trainer.problems, in: context)
    trainer.discardCheckpoints()
    return .complete
  }
}

/// `lamina vision colourise run`.
struct VisionColouriseRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Gives pictures colours.",
    discussion: """
      The colours are guesses of what is likely; they say nothing about what was there. Those that a picture \
      has are not looked at.
      """
  )

  @Argument(help: "Pictures, or folders of them.")
  var pictures: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's folder.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("Of the annealed mean (default: the model's).", valueName: "value"))
  var temperature: Double?

  @OptionGroup var destination: PictureOutputs
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if let temperature, !(0.01...1).contains(temperature) {
      throw ValidationError("--temperature must be 0.01 to 1.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try destination.check(in: context)
    let paths = try PictureFiles.list(pictures)
    let colouriser = Colouriser(
      try PictureModel(path: model, task: .colour),
      temperature: temperature
    )
    let cases = try destination.write(paths, in: context) { path in
      let (content, picture) = try colouriser.run(path)
      let colourfulness = ColourMeasurement.colourfulness(picture)
      return PictureOutputs.Made(
        content.with(channels: 1).with(channels: 3),
        picture,
        ["colourfulness": (colourfulness * 1e4).rounded() / 1e4]
      )
    }
    return try destination.confirm(
      cases,
      schema: "lamina.colourisation/1",
      settings: ["model": URL(fileURLWithPath: model).lastPathComponent],
      title: "Pictures given colours",
      in: context
    )
  }
}

/// `lamina vision colourise evaluate`.
struct VisionColouriseEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model on colour photographs, beside no colours and the mean colour."
  )

  @Argument(help: "Photographs in colour, or folders of them.")
  var photographs: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's folder.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("Of the annealed mean (default: the model's).", valueName: "value"))
  var temperature: Double?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json file for the results.", valueName: "file")
  )
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let schema = "lamina.colour-evaluation/1"
    let model: String
    let evaluation: ColourEvaluation
    let problems: [String]
    let notice: String
  }

  func validate() throws {
    if !output.lowercased().hasSuffix(".json") {
      throw ValidationError("--output must end in .json.")
    }
    if let temperature, !(0.01...1).contains(temperature) {
      throw ValidationError("--temperature must be 0.01 to 1.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(output)
    let colouriser = Colouriser(
      try PictureModel(path: model, task: .colour),
      temperature: temperature
    )
    let (evaluation, problems) = try colouriser.evaluate(
      PictureFiles.list(photographs),
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in problems { context.progress.warn(problem) }
    let answer = Answer(
      model: URL(fileURLWithPath: model).lastPathComponent,
      evaluation: evaluation,
      problems: problems,
      notice: Version.disclaimer
    )
    try context.outputs.write(JSONOutput.data(answer), to: output)
    try context.confirm(answer) {
      (["\(output): \(evaluation.cases.count) photographs"]
        + evaluation.results.sorted { $0.key < $1.key }
        .map { "  \($0.key): \(ReportNumber.significant($0.value, 4))" })
        .joined(separator: "\n")
    }
    return problems.isEmpty ? .complete : .partial
  }
}
