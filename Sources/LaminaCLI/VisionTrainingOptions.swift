import ArgumentParser
import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support

extension RecognitionPlan.Fitting: ExpressibleByArgument {}

/// The options of every training of a network for whole images.
struct VisionTrainingOptions: ParsableArguments {
  @OptionGroup var learning: LearningOptions

  @Option(
    help: ArgumentHelp(
      "Network: \(VectorNetworkCatalog.names.joined(separator: ", ")).",
      valueName: "name"
    )
  )
  var network = "resnet18"

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Rows and columns that the network sees (default: those of the images, at most 224).",
      valueName: "pixels"
    )
  )
  var size: [Int] = []

  @Option(
    help: ArgumentHelp(
      "How images of another size are fitted.",
      valueName: "stretch|letterbox|crop|pad"
    )
  )
  var fit = RecognitionPlan.Fitting.stretch

  @Flag(help: "See colour images as grey ones.")
  var grey = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Values that become black and white, such as a window of Hounsfield units (default: 0 255 of "
        + "pictures, percentiles of scans).",
      valueName: "value"
    )
  )
  var window: [Double] = []

  @Flag(help: "Draw every class equally often, whatever its number of images.")
  var balance = false

  @Flag(help: "Mirror images at random; not where left and right differ.")
  var mirror = false

  @Flag(name: .customLong("no-augmentation"), help: "Change images in no way.")
  var plain = false

  @Option(
    help: ArgumentHelp("A model of the same network to start from.", valueName: "model")
  )
  var from: String?

  @Option(
    help: ArgumentHelp(
      "Share of the images kept for the test, if the data set has none.",
      valueName: "share"
    )
  )
  var testShare = 0.2

  @Option(
    help: ArgumentHelp(
      "Share of the others for looks on the way and calibration, if the data set has none.",
      valueName: "share"
    )
  )
  var validationShare = 0.1

  @Option(
    help: ArgumentHelp(
      "Slices of each volume: images of their own from its middle half, for numbers the channels of one.",
      valueName: "n"
    )
  )
  var slices = 8

  func validate() throws {
    if ![0, 1, 2].contains(size.count) || !size.allSatisfy({ (8...4096).contains($0) }) {
      throw ValidationError("--size must be one or two numbers, 8 to 4096 pixels.")
    }
    if !window.isEmpty, window.count != 2 || !(window[0] < window[1]) {
      throw ValidationError("--window must be two values, the lower one first.")
    }
    for (name, share) in [("test", testShare), ("validation", validationShare)]
    where !(0..<1).contains(share) {
      throw ValidationError("--\(name)-share must be 0 to below 1.")
    }
    if !(1...1000).contains(slices) { throw ValidationError("--slices must be 1 to 1000.") }
  }

  /// What is asked for.
  var request: ClassificationRequest {
    var request = ClassificationRequest()
    request.network = network
    request.imageSize = size.count == 1 ? [size[0], size[0]] : size.isEmpty ? nil : size
    request.channels = grey ? 1 : nil
    request.fitting = fit
    if window.count == 2 { request.intensity = .fixed(low: window[0], high: window[1]) }
    request.balances = balance
    request.augmentation = plain ? .none : RecognitionAugmentation()
    if mirror { request.augmentation.mirrorProbability = 0.5 }
    request.testShare = testShare
    request.validationShare = validationShare
    return request
  }

  /// Trains, measures and writes the model.
  /// - Parameters:
  ///   - path: The data set.
  ///   - request: What is asked for.
  ///   - mayReplace: Whether `--force` was given.
  ///   - context: Where to report, write and look for Ctrl-C.
  /// - Throws: What reading, training and writing throw.
  func train(
    _ path: String,
    _ request: ClassificationRequest,
    mayReplace: Bool,
    in context: CommandContext
  ) throws {
    try learning.check(mayReplace: mayReplace, in: context)
    let images = try LabelledImages(path: path, slicesPerVolume: slices)
    for problem in images.problems { context.progress.warn(problem) }
    let trainer = ClassificationTrainer(
      images: images,
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
      initial: from.map { try InitialWeights(ModelStore().model($0)) },
      resumes: learning.resume
    )
    let model = TrainedClassifier(outcome: outcome, origin: learning.origin(dataset: images.name))
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
  }
}
