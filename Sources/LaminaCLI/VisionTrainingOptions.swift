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
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where the model goes: a new folder.", valueName: "model")
  )
  var output: String

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
      valueName: "stretch|letterbox|crop"
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

  @Option(help: ArgumentHelp("Images of one step.", valueName: "n"))
  var batch = 64

  @Option(help: ArgumentHelp("Learning rate at the start (AdamW, cosine).", valueName: "rate"))
  var learningRate = 1e-3

  @Option(help: ArgumentHelp("Train for so many minutes.", valueName: "minutes"))
  var minutes: Double?

  @Option(help: ArgumentHelp("Train for so many steps (default: 1000).", valueName: "n"))
  var steps: Int?

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

  @Option(help: ArgumentHelp("Slices of each volume, from its middle half.", valueName: "n"))
  var slices = 8

  @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
  var seed: UInt64 = 1

  @Flag(help: "Go on from the last checkpoint.")
  var resume = false

  @Option(help: ArgumentHelp("Terms of use of the images, for the card.", valueName: "text"))
  var licence = "not stated"

  @Option(help: ArgumentHelp("Where the images come from, for the card.", valueName: "text"))
  var source = "not stated"

  func validate() throws {
    if ![0, 1, 2].contains(size.count) || !size.allSatisfy({ (8...4096).contains($0) }) {
      throw ValidationError("--size must be one or two numbers, 8 to 4096 pixels.")
    }
    if !window.isEmpty, window.count != 2 || !(window[0] < window[1]) {
      throw ValidationError("--window must be two values, the lower one first.")
    }
    if !(1...4096).contains(batch) { throw ValidationError("--batch must be 1 to 4096.") }
    if !(learningRate > 0 && learningRate < 10) {
      throw ValidationError("--learning-rate must be above 0 and below 10.")
    }
    if minutes != nil, steps != nil {
      throw ValidationError("--minutes and --steps exclude each other.")
    }
    if let minutes, !(minutes > 0 && minutes < 1e6) {
      throw ValidationError("--minutes must be more than 0.")
    }
    if let steps, !(1...100_000_000).contains(steps) {
      throw ValidationError("--steps must be at least 1.")
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

  /// The numbers of the run.
  var learning: LearningConfiguration {
    var learning = LearningConfiguration()
    learning.batchSize = batch
    learning.learningRate = learningRate
    learning.steps = steps ?? learning.steps
    learning.seed = seed
    return learning
  }

  /// How long to train.
  var budget: SegmentationTrainer.Budget { minutes.map { .minutes($0) } ?? .steps }

  private struct Answer: Encodable {
    let model: String
    let steps: Int
    let seconds: Double
    let parameters: Int
    let results: [ModelDescription.Result]
    let notes: [String]
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
    let output = OutputPath.normalised(output)
    let checkpoints = output + ".training"
    try context.outputs.check(output)
    if !resume, !mayReplace, FileManager.default.fileExists(atPath: checkpoints) {
      throw UnfinishedTraining(path: checkpoints)
    }
    let images = try LabelledImages(path: path, slicesPerVolume: slices)
    for problem in images.problems { context.progress.warn(problem) }
    let trainer = ClassificationTrainer(
      images: images,
      request: request,
      checkpointFolder: checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    let outcome = try trainer.train(
      learning,
      budget: budget,
      initial: from.map { try ModelStore().model($0) },
      resumes: resume
    )
    let model = TrainedClassifier(
      outcome: outcome,
      name: URL(fileURLWithPath: output).lastPathComponent,
      dataset: images.name,
      licence: licence,
      source: source,
      command: OutputPath.command
    )
    try context.outputs.writeFolder(output) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    let answer = Answer(
      model: output,
      steps: outcome.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: model.parameterCount,
      results: model.results,
      notes: outcome.notes
    )
    try context.confirm(answer) {
      let minutes = (answer.seconds / 6).rounded() / 10
      let kind = outcome.measuredOnValidation ? "validation" : "test"
      return
        (["\(output): \(answer.steps) steps in \(minutes) minutes"]
        + answer.results.map { "\($0.metric)  \($0.mean) (\($0.cases) \(kind) images)" })
        .joined(separator: "\n")
    }
  }
}
