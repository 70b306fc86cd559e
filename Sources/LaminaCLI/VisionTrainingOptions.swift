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
  @OptionGroup var fitting: ImageFittingOptions
  @OptionGroup var keptBack: KeptBackOptions

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
      "Values that become black and white, such as a window of Hounsfield units (default: 0 255 of "
        + "pictures, percentiles of scans).",
      valueName: "value"
    )
  )
  var window: [Double] = []

  @Flag(help: "Draw every class equally often, whatever its number of images.")
  var balance = false

  @Option(
    help: ArgumentHelp("A model of the same network to start from.", valueName: "model")
  )
  var from: String?

  @Option(
    help: ArgumentHelp(
      "Slices of each volume: images of their own from its middle half, for numbers the channels of one.",
      valueName: "n"
    )
  )
  var slices = 8

  func validate() throws {
    if !window.isEmpty, window.count != 2 || !(window[0] < window[1]) {
      throw ValidationError("--window must be two values, the lower one first.")
    }
    if !(1...1000).contains(slices) { throw ValidationError("--slices must be 1 to 1000.") }
  }

  /// What is asked for.
  var request: ClassificationRequest {
    var request = ClassificationRequest()
    request.network = network
    request.imageSize = fitting.imageSize
    request.channels = fitting.channels
    request.fitting = fitting.fit
    if window.count == 2 { request.intensity = .fixed(low: window[0], high: window[1]) }
    request.balances = balance
    fitting.apply(to: &request.augmentation)
    request.testShare = keptBack.testShare
    request.validationShare = keptBack.validationShare
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
