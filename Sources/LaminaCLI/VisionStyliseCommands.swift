import ArgumentParser
import Foundation
import Pipelines
import Recognition
import Stylization
import Support

extension StyleNetworkTrainer.Kind: ExpressibleByArgument {}

/// `lamina vision stylise`.
struct VisionStyliseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stylise",
    abstract: "Gives pictures the style of another, and scans the look of a scanner's.",
    subcommands: [
      VisionStyliseTrainCommand.self, VisionStyliseRunCommand.self, VisionHarmoniseCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// What style is and how much of it there is.
struct StyleOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Whose feature maps are compared: a model of vision classify train (a VGG of colours), or a file "
        + "with torchvision's VGG (default: random filters, which need no weights).",
      valueName: "model|file"
    )
  )
  var features: String?

  @Option(help: ArgumentHelp("Weight of the content.", valueName: "weight"))
  var contentWeight = 1.0

  @Option(help: ArgumentHelp("Weight of the style.", valueName: "weight"))
  var styleWeight = 10.0

  @Option(help: ArgumentHelp("Weight of smoothness (total variation).", valueName: "weight"))
  var variationWeight = 1.0

  func validate() throws {
    for (name, weight) in [
      ("content", contentWeight), ("style", styleWeight), ("variation", variationWeight),
    ] where !(0...1e6).contains(weight) {
      throw ValidationError("--\(name)-weight must be 0 to 1000000.")
    }
  }

  /// The weights of the loss.
  var weights: StyleLoss.Weights {
    StyleLoss.Weights(content: contentWeight, style: styleWeight, variation: variationWeight)
  }

  /// The feature maps.
  /// - Returns: Those asked for.
  /// - Throws: What opening the model or file throws.
  func maps() throws -> StyleFeatures { try features.map { try .stored($0) } ?? .random() }
}

/// `lamina vision stylise run`.
struct VisionStyliseRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Gives pictures a style, by optimisation or by a trained network.",
    discussion: """
      With --style alone the picture itself is changed step by step (Gatys et al. 2016), which takes \
      minutes; with --model a trained network paints it at once (Johnson et al. 2016), also one in a file \
      of PyTorch's example fast_neural_style. A model of any style (train --network adain) takes both.
      """
  )

  @Argument(help: "Pictures, or folders of them.")
  var content: [String]

  @Option(help: ArgumentHelp("The picture whose style is wanted.", valueName: "picture"))
  var style: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A trained style's folder, or weights.", valueName: "model")
  )
  var model: String?

  @Option(help: ArgumentHelp("Steps, with --style (default: 200).", valueName: "n"))
  var steps: Int?

  @Option(help: ArgumentHelp("Of Adam, with --style (default: 0.02).", valueName: "rate"))
  var learningRate: Double?

  @Option(
    help: ArgumentHelp("Noise at the start, with --style (default: 0.05).", valueName: "share")
  )
  var noise: Double?

  @Option(help: ArgumentHelp("Seed of the noise.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp("Larger pictures are reduced to this side.", valueName: "pixels")
  )
  var size = 512

  @Option(
    help: ArgumentHelp(
      "How much of the style, 0 to 1, with --model (default: 1).",
      valueName: "share"
    )
  )
  var strength: Double?

  @Flag(help: "Keep the colours; only the lightness changes.")
  var keepColours = false

  @OptionGroup var styleOptions: StyleOptions
  @OptionGroup var pictures: PictureOutputs
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if style == nil, model == nil { throw ValidationError("Give --style or --model.") }
    if let strength, model == nil || !(0...1).contains(strength) {
      throw ValidationError("--strength must be 0 to 1, with --model.")
    }
    if model != nil,
      steps != nil || learningRate != nil || noise != nil || styleOptions.features != nil
    {
      throw ValidationError("--steps, --learning-rate, --noise and --features go without --model.")
    }
    if let noise, !(0...1).contains(noise) { throw ValidationError("--noise must be 0 to 1.") }
    if !(32...4096).contains(size) { throw ValidationError("--size must be 32 to 4096.") }
    if let steps, !(1...100_000).contains(steps) {
      throw ValidationError("--steps must be 1 to 100000.")
    }
    if let learningRate, !(learningRate > 0 && learningRate <= 1) {
      throw ValidationError("--learning-rate must be above 0, at most 1.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try pictures.check(in: context)
    let paths = try PictureFiles.list(content)
    var settings = ["size": "\(size)", "keepColours": "\(keepColours)"]
    func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
    if let style { settings["style"] = URL(fileURLWithPath: style).lastPathComponent }
    let cases: [PictureOutputs.Case]
    if let model {
      let network = try StyleNetwork(
        PictureModel(path: model, task: .style),
        style: style,
        strength: strength ?? 1,
        largestSide: size,
        keepsColours: keepColours
      )
      settings["model"] = URL(fileURLWithPath: model).lastPathComponent
      if let strength { settings["strength"] = "\(strength)" }
      cases = try pictures.write(paths, in: context) { path in
        let (content, painted, seconds) = try network.run(path)
        return PictureOutputs.Made(content, painted, ["seconds": rounded(seconds)])
      }
    } else {
      var numbers = StyleOptimization.Settings()
      numbers.weights = styleOptions.weights
      if let steps { numbers.steps = steps }
      if let learningRate { numbers.learningRate = learningRate }
      if let noise { numbers.noise = noise }
      numbers.seed = seed
      (numbers.largestSide, numbers.keepsColours) = (size, keepColours)
      let maps = try styleOptions.maps()
      let painter = try StyleOptimization(
        style: style ?? "",
        features: maps,
        settings: numbers
      )
      settings["features"] = maps.name
      settings["steps"] = "\(numbers.steps)"
      cases = try pictures.write(paths, in: context) { path in
        let outcome = try painter.run(
          path,
          progress: context.progress,
          interruption: context.interruption
        )
        return PictureOutputs.Made(
          outcome.content,
          outcome.picture,
          ["firstLoss": rounded(outcome.firstLoss), "lastLoss": rounded(outcome.lastLoss)]
        )
      }
    }
    return try pictures.confirm(
      cases,
      schema: "lamina.stylisation/1",
      settings: settings,
      title: "Pictures in a style",
      in: context
    )
  }
}

/// `lamina vision stylise train`.
struct VisionStyliseTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network that paints any picture at once, in one style or in any.",
    discussion: """
      Unless asked for otherwise: 4 photographs a step, 1000 steps, and a rate of 0.001. feed-forward \
      learns one style (Johnson et al. 2016); adain learns from many to paint in any that it is shown \
      (Huang and Belongie 2017). With --features and a VGG its encoder is the VGG's; otherwise it learns \
      too.
      """
  )

  @Argument(help: "Photographs, or folders of them.")
  var photographs: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "The picture whose style is wanted; of adain many, or folders of them.",
      valueName: "picture"
    )
  )
  var style: [String]

  @Option(help: ArgumentHelp("Which network.", valueName: "feed-forward|adain"))
  var network = StyleNetworkTrainer.Kind.feedForward

  @Option(help: ArgumentHelp("Side of the squares that are trained on.", valueName: "pixels"))
  var size = 128

  @Option(help: ArgumentHelp("Channels of the first layer.", valueName: "n"))
  var width = 16

  @Option(help: ArgumentHelp("Residual blocks, of feed-forward.", valueName: "n"))
  var blocks = 5

  @OptionGroup var styleOptions: StyleOptions
  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(32...1024).contains(size) || size % 8 != 0 {
      throw ValidationError("--size must be 32 to 1024, a multiple of 8.")
    }
    if style.isEmpty { throw ValidationError("Give --style.") }
    if !(1...256).contains(width) { throw ValidationError("--width must be 1 to 256.") }
    if !(1...32).contains(blocks) { throw ValidationError("--blocks must be 1 to 32.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    var request = StyleNetworkTrainer.Request()
    request.weights = styleOptions.weights
    request.kind = network
    (request.side, request.features, request.blocks) = (size, width, blocks)
    let trainer = try StyleNetworkTrainer(
      photographs: PictureFiles.list(photographs),
      styles: PictureFiles.list(style),
      features: styleOptions.maps(),
      request: request,
      checkpointFolder: learning.checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    for problem in trainer.problems { context.progress.warn(problem) }
    var configuration = LearningConfiguration()
    configuration.batchSize = 4
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

extension LearningOptions {
  /// Writes the model of a training on photographs and says what came of it.
  /// - Parameters:
  ///   - trained: The network.
  ///   - notes: Oddities of the photographs.
  ///   - context: Where to write.
  /// - Throws: What writing throws.
  func write(
    _ trained: TrainedPictureNetwork,
    notes: [String],
    in context: CommandContext
  ) throws {
    try context.outputs.writeFolder(model) {
      try trained.write(to: $0, origin(dataset: trained.dataset), notes: notes)
    }
    let losses = [("first", trained.losses.first), ("last", trained.losses.last)]
      .compactMap { name, loss in loss.map { ("loss, \(name) 100 steps", $0) } }
    let results = losses + trained.results.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    try confirm(
      steps: trained.learning.steps,
      seconds: trained.seconds,
      parameters: trained.parameterCount,
      results: results.map { name, value in
        ModelDescription.Result(
          structure: "all",
          metric: name,
          mean: (value * 1e4).rounded() / 1e4,
          sd: 0,
          cases: trained.heldOutCount
        )
      },
      on: "held-out photographs",
      notes: notes,
      in: context
    )
  }
}
