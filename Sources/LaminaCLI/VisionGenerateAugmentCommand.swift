import ArgumentParser
import Foundation
import Generation
import Networks
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision generate augment`.
struct VisionGenerateAugmentCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "augment",
    abstract: "Measures whether made images help where few are labelled.",
    discussion: """
      Of the training images of IMAGES a share of each class keeps its labels. A generator learns from these \
      alone and makes more; two classifiers are trained alike, without and with the made images, and \
      measured on the test images. This is repeated with other images and seeds. The result tells each \
      repeat (McNemar's exact test), and the mean gain with an interval: often it holds 0.
      """
  )

  @Argument(help: "As for vision classify train: folders by class, a table or .npz.")
  var images: String

  @Option(help: ArgumentHelp("Share of the labels of each class that is used.", valueName: "share"))
  var share = 0.05

  @Option(help: ArgumentHelp("How often.", valueName: "n"))
  var repeats = 3

  @Option(help: ArgumentHelp("Made images of each class.", valueName: "n"))
  var made = 100

  @Option(
    help: ArgumentHelp(
      "Which generator, one that is told classes.",
      valueName: "conditional|conditional-diffusion"
    )
  )
  var network = VisionGenerateTrainCommand.Kind.conditional

  @Option(help: ArgumentHelp("The generator's steps.", valueName: "n"))
  var steps = 2000

  @Option(help: ArgumentHelp("The generator's channels at full resolution.", valueName: "n"))
  var features: Int?

  @Option(help: ArgumentHelp("Images of one step of the generator.", valueName: "n"))
  var batch = 32

  @Option(help: ArgumentHelp("Leaps of a diffusion model, 1 to 1000.", valueName: "n"))
  var leaps = 50

  @Option(
    help: ArgumentHelp(
      "Rows and columns to bring images to for the generator.",
      valueName: "pixels"
    )
  )
  var size: Int?

  @Option(help: ArgumentHelp("The classifier's network.", valueName: "name"))
  var classifier = "resnet18"

  @Option(help: ArgumentHelp("The classifier's steps.", valueName: "n"))
  var classifierSteps = 300

  @Option(help: ArgumentHelp("Images of one step of the classifier.", valueName: "n"))
  var classifierBatch = 64

  @Option(help: ArgumentHelp("Seed of the splits, and the first repeat's.", valueName: "n"))
  var seed: UInt64 = 1

  @Flag(help: "Go on where a stopped study was.")
  var resume = false

  @OptionGroup var measurement: MeasurementOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !(share > 0 && share <= 1) { throw ValidationError("--share must be above 0, at most 1.") }
    if !(1...100).contains(repeats) { throw ValidationError("--repeats must be 1 to 100.") }
    if !(1...100_000).contains(made) { throw ValidationError("--made must be 1 to 100000.") }
    if !network.isConditional {
      throw ValidationError("--network must be told classes: conditional or conditional-diffusion.")
    }
    if !(1...1000).contains(leaps) { throw ValidationError("--leaps must be 1 to 1000.") }
    if let size, !(16...128).contains(size) { throw ValidationError("--size must be 16 to 128.") }
    if !(1...1_000_000).contains(classifierSteps) || !(2...4096).contains(classifierBatch) {
      throw ValidationError("--classifier-steps or --classifier-batch is out of range.")
    }
    if !VectorNetworkCatalog.names.contains(classifier) {
      throw ValidationError(
        "--classifier must be one of " + VectorNetworkCatalog.names.joined(separator: ", ")
          + "."
      )
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try measurement.check(in: context)
    let folder = OutputPath.normalised(measurement.output) + ".study"
    if !resume, FileManager.default.fileExists(atPath: folder) {
      guard outputOptions.force else { throw UnfinishedTraining(path: folder) }
      try FileManager.default.removeItem(atPath: folder)
    }
    // Sizes are put in when images are read.
    var generator = GenerationConfiguration(
      model: network.model,
      height: size ?? 32,
      width: size ?? 32,
      channels: 1
    )
    (generator.steps, generator.batchSize, generator.isAugmented) = (
      steps, batch, network == .conditional
    )
    if let features { generator.features = features }
    var request = AugmentationStudy.Request(generator: generator)
    (request.share, request.repeats, request.made, request.leaps) = (share, repeats, made, leaps)
    (request.classifier, request.seed, request.side) = (classifier, seed, size)
    (request.learning.steps, request.learning.batchSize) = (classifierSteps, classifierBatch)
    let study = try AugmentationStudy(
      images: LabelledImages(path: images),
      request: request,
      folder: folder,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    let outcome = try study.run(resumes: resume)
    let result = outcome.result
    try measurement.write(result, in: context) {
      GenerationReportInput.page(
        outcome,
        facts: [
          ("Data", result.dataset), ("Generator", "\(network.rawValue), \(steps) steps"),
          ("Classifier", "\(classifier), \(classifierSteps) steps"),
          ("Command", OutputPath.command),
        ]
      )
    }
    study.discardCheckpoints()
    try context.confirm(result) {
      func text(_ value: Double) -> String { ReportNumber.significant(value, 4) }
      return """
        \(measurement.output): \(result.test) test images, \(repeats) repeats
          accuracy with \(text(100 * share)) % of the labels \(text(result.accuracy)), with made \
        images too \(text(result.accuracyWithMade))
          gain \(text(result.gain)) (95 % interval \(text(result.gainCI95[0])) to \
        \(text(result.gainCI95[1]))). \(result.verdict)
        """
    }
    return .complete
  }
}
