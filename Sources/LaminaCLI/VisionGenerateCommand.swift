import ArgumentParser
import Foundation
import Generation
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision generate`.
struct VisionGenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Makes new images like those it learnt from.",
    subcommands: [
      VisionGenerateTrainCommand.self, VisionGenerateRunCommand.self,
      VisionGenerateEvaluateCommand.self, VisionGenerateAugmentCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision generate train`.
struct VisionGenerateTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a model of images: a generator against a critic, or a diffusion model.",
    discussion: """
      IMAGES is as for vision classify train, or a folder of pictures without classes. Of a data set with \
      splits the training images are learnt from. The critic has spectral norms and R1 (dcgan), a gradient \
      penalty (wgan-gp) or R1 alone (stylegan2); the model keeps the generator's running average.
      """
  )

  enum Kind: String, CaseIterable, ExpressibleByArgument {
    case dcgan, conditional, stylegan2, diffusion
    case wganGP = "wgan-gp"
    case conditionalDiffusion = "conditional-diffusion"

    var model: GenerationConfiguration.Model {
      switch self {
      case .dcgan, .conditional: .dcgan
      case .wganGP: .wganGP
      case .stylegan2: .styleGAN2
      case .diffusion, .conditionalDiffusion: .diffusion
      }
    }
    var isConditional: Bool { self == .conditional || self == .conditionalDiffusion }
  }

  @Argument(help: "Folder, table or .npz.")
  var images: String

  @Option(help: "Which model.")
  var network = Kind.dcgan

  @Option(help: ArgumentHelp("Rows and columns to bring images to.", valueName: "pixels"))
  var size: Int?

  @Option(help: ArgumentHelp("Channels at full resolution.", valueName: "n"))
  var features: Int?

  @Option(help: ArgumentHelp("Steps.", valueName: "n"))
  var steps = 2000

  @Option(help: ArgumentHelp("Images of one step.", valueName: "n"))
  var batch = 32

  @Option(help: ArgumentHelp("The generator's learning rate.", valueName: "rate"))
  var learningRate: Double?

  @Option(help: ArgumentHelp("The critic's learning rate.", valueName: "rate"))
  var criticRate: Double?

  @Option(help: ArgumentHelp("Weight of R1 or of the gradient penalty.", valueName: "weight"))
  var penalty: Double?

  @Flag(help: "Shift and brighten real and made images alike, for few images.")
  var augment = false

  @Option(help: ArgumentHelp("Learn from this share of each class.", valueName: "share"))
  var share = 1.0

  @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
  var seed: UInt64 = 1

  @Flag(help: "Go on from the last checkpoint.")
  var resume = false

  @Option(name: .shortAndLong, help: ArgumentHelp("A new folder.", valueName: "model"))
  var output: String

  @Option(help: ArgumentHelp("Terms of use of the images, for the card.", valueName: "text"))
  var licence = "not stated"

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(share > 0 && share <= 1) { throw ValidationError("--share must be above 0, at most 1.") }
    if let size, !(16...128).contains(size) { throw ValidationError("--size must be 16 to 128.") }
  }

  private struct Answer: Encodable {
    let model: String
    let steps: Int
    let seconds: Double
    let images: Int
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let model = OutputPath.normalised(output)
    let folder = model + ".training"
    try context.outputs.check(model)
    if !resume, !outputOptions.force, FileManager.default.fileExists(atPath: folder) {
      throw UnfinishedTraining(path: folder)
    }
    var pictures = try GenerationPictures(
      path: images,
      side: size,
      needsClasses: network.isConditional
    )
    if share < 1 { pictures = pictures.part(share: share, seed: seed) }
    var values = GenerationConfiguration(
      model: network.model,
      height: pictures.size[0],
      width: pictures.size[1],
      channels: pictures.size[2]
    )
    if network.isConditional { values.classNames = pictures.classNames }
    (values.steps, values.batchSize, values.seed, values.isAugmented) = (
      steps, batch, seed, augment
    )
    if let features { values.features = features }
    if let learningRate { values.generatorRate = learningRate }
    if let criticRate { values.criticRate = criticRate }
    if let penalty { values.penaltyWeight = penalty }
    let trainer = GenerationTrainer(
      pictures: pictures,
      checkpointFolder: folder,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    let outcome = try trainer.train(values, resumes: resume)
    let page = GenerationReportInput.page(
      outcome,
      title: "\(network.rawValue) on \(pictures.name)",
      facts: [
        ("Data", "\(pictures.name), \(pictures.count) images"), ("Command", OutputPath.command),
      ]
    )
    let html = try ReportBuilder().html(page, date: Date())
    try context.outputs.writeFolder(model) { path in
      try outcome.model.write(
        to: path,
        command: OutputPath.command,
        data: "\(pictures.name), \(pictures.count) images; licence: \(licence)"
      )
      let files = OutputGuard(mayReplace: true)
      try files.write(try JSONOutput.data(outcome.epochs), to: path + "/training.json")
      try files.write(Data(html.utf8), to: path + "/training.html")
    }
    trainer.discardCheckpoints()
    let answer = Answer(
      model: model,
      steps: steps,
      seconds: outcome.seconds,
      images: pictures.count
    )
    try context.confirm(answer) {
      "\(model): \(steps) steps on \(pictures.count) images in \(Int(outcome.seconds)) s"
    }
    return .complete
  }
}

/// `lamina vision generate run`.
struct VisionGenerateRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Makes images: a PNG each, and all on one sheet.",
    discussion: "Where the model knows classes, they come in folders of their names."
  )

  @Argument(help: "The model's folder.")
  var model: String

  @OptionGroup var drawing: GenerationDrawingOptions

  @Option(name: .shortAndLong, help: ArgumentHelp("A new folder.", valueName: "folder"))
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let output: String
    let images: Int
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let generator = try TrainedGenerator(folder: model)
    let made = try drawing.pictures(of: generator, in: context)
    let c = generator.configuration
    let size = [c.height, c.width, c.channels]
    try context.outputs.writeFolder(output) { path in
      let files = OutputGuard(mayReplace: true)
      for (index, image) in made.values.enumerated() {
        try context.interruption.check()
        let group = made.labels.map { "/" + c.classNames[$0[index]] } ?? ""
        try FileManager.default.createDirectory(
          atPath: path + group,
          withIntermediateDirectories: true
        )
        let name = "/" + String(1_000_000 + index + 1).dropFirst() + ".png"
        try files.write(try ImageSheet.png(image, size: size), to: path + group + name)
      }
      let sheet = ImageSheet.laid(
        Array(made.values.prefix(400)),
        size: size,
        columns: made.labels == nil ? 20 : min(20, max(4, c.classNames.count))
      )
      let picture = RGBImage(width: sheet.width, height: sheet.height, bytes: sheet.bytes)
      try files.write(try picture.png(), to: path + "/sheet.png")
    }
    try context.confirm(Answer(output: output, images: made.values.count)) {
      "\(output): \(made.values.count) images and sheet.png"
    }
    return .complete
  }
}

/// How images are drawn from a model.
struct GenerationDrawingOptions: ParsableArguments {
  @Option(name: .customLong("count"), help: ArgumentHelp("How many images.", valueName: "n"))
  var number = 100

  @Option(help: ArgumentHelp("Seed of the random vectors.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Only this class (default: all in turn).", valueName: "name")
  )
  var wanted: String?

  @Option(help: ArgumentHelp("Random values beyond it are drawn again.", valueName: "limit"))
  var truncation: Double?

  @Option(help: ArgumentHelp("Leaps of a diffusion model, 1 to 1000.", valueName: "n"))
  var steps = 50

  func validate() throws {
    if !(1...100_000).contains(number) { throw ValidationError("--count must be 1 to 100000.") }
    if let truncation, !(0.1...10).contains(truncation) {
      throw ValidationError("--truncation must be 0.1 to 10.")
    }
    if !(1...1000).contains(steps) { throw ValidationError("--steps must be 1 to 1000.") }
  }

  /// Draws.
  func pictures(
    of generator: TrainedGenerator,
    in context: CommandContext
  ) throws -> (values: [[Float]], labels: [Int]?) {
    try generator.pictures(
      count: number,
      seed: seed,
      class: wanted,
      truncation: truncation,
      leaps: steps,
      interruption: context.interruption
    )
  }
}

/// `lamina vision generate evaluate`.
struct VisionGenerateEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a model's images against real ones.",
    discussion: """
      Precision, recall, density, coverage and a Frechet distance on the features of --features, a model of \
      vision classify train, else on reduced pixels. They compare only with values on the same features.
      """
  )

  @Argument(help: "The model's folder.")
  var model: String

  @Argument(help: "What it was trained on.")
  var images: String

  @OptionGroup var split: SplitOptions

  @Option(
    name: .customLong("features"),
    help: ArgumentHelp("A classifier's name or folder.", valueName: "model")
  )
  var classifier: String?

  @Option(help: ArgumentHelp("Neighbours of precision and recall.", valueName: "k"))
  var neighbours = 5

  @OptionGroup var drawing: GenerationDrawingOptions
  @OptionGroup var measurement: MeasurementOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(1...100).contains(neighbours) { throw ValidationError("--neighbours must be 1 to 100.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let generator = try TrainedGenerator(folder: model)
    let c = generator.configuration
    let size = [c.height, c.width, c.channels]
    func read(_ part: LabelledImages.Split?) throws -> GenerationPictures {
      let found = try GenerationPictures(path: images, split: part)
      return found.size == size
        ? found : try GenerationPictures(path: images, side: size[0], split: part)
    }
    let training = try read(nil)
    guard training.size == size else {
      throw GenerationError.unsuitableImages(
        path: images,
        reason:
          "they are not of the model's \(c.height) x \(c.width) pixels and \(c.channels) channels"
      )
    }
    let real = try split.wanted.map { try read($0) } ?? training
    let recognizer = try classifier.map { try ImageRecognizer([try ModelStore().model($0)]) }
    let made = try drawing.pictures(of: generator, in: context)
    let evaluator = GenerationEvaluator(recognizer: recognizer, size: size)
    let (result, nearest) = try evaluator.measure(
      made: made.values,
      labels: made.labels,
      names: c.classNames,
      real: real,
      training: training,
      neighbours: neighbours,
      interruption: context.interruption
    )
    try measurement.write(result, in: context) {
      GenerationReportInput.page(
        result,
        made: made.values,
        nearest: nearest.map { training.picture($0) },
        size: size,
        facts: [
          ("Model", URL(fileURLWithPath: model).lastPathComponent), ("Data", training.name),
          ("Command", OutputPath.command),
        ]
      )
    }
    try context.confirm(result) {
      func text(_ value: Double) -> String { ReportNumber.significant(value, 4) }
      var lines = [
        "\(measurement.output): \(result.made) made and \(result.real) real images, \(result.features)",
        "  precision \(text(result.precision)), recall \(text(result.recall))",
        "  density \(text(result.density)), coverage \(text(result.coverage))",
        "  Frechet distance \(text(result.frechet))",
      ]
      if let counts = result.classCounts {
        lines.append(
          "  classes: "
            + counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            .joined(separator: ", ")
        )
      }
      if let agreement = result.agreement { lines.append("  as asked for: \(text(agreement))") }
      return lines.joined(separator: "\n")
    }
    return .complete
  }
}
