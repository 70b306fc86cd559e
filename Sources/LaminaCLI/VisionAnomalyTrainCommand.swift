import ArgumentParser
import Autoencoders
import Foundation
import Pipelines
import Recognition
import Support

extension AnomalyNetwork: ExpressibleByArgument {}

/// `lamina vision anomaly`.
struct VisionAnomalyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anomaly",
    abstract: "Tells images that are unlike normal ones, and shows where.",
    subcommands: [
      VisionAnomalyTrainCommand.self, VisionAnomalyRunCommand.self,
      VisionAnomalyEvaluateCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// How images without labels, or with some, are read by `lamina vision`.
struct PlainImageOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Rows and columns that the network sees at once (default: those of the images, at most 64).",
      valueName: "pixels"
    )
  )
  var size: [Int] = []

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

  @Option(help: ArgumentHelp("Slices of each volume, from its middle half.", valueName: "n"))
  var slices = 8

  func validate() throws {
    if ![0, 1, 2].contains(size.count) || !size.allSatisfy({ (8...1024).contains($0) }) {
      throw ValidationError("--size must be one or two numbers, 8 to 1024 pixels.")
    }
    if !window.isEmpty, window.count != 2 || !(window[0] < window[1]) {
      throw ValidationError("--window must be two values, the lower one first.")
    }
    if !(1...1000).contains(slices) { throw ValidationError("--slices must be 1 to 1000.") }
  }

  /// Rows and columns; nil for those of the images.
  var imageSize: [Int]? { size.count == 1 ? [size[0], size[0]] : size.isEmpty ? nil : size }

  /// The values that become black and white; nil for the usual ones.
  var intensity: IntensityRange? {
    window.count == 2 ? .fixed(low: window[0], high: window[1]) : nil
  }
}

/// `lamina vision anomaly train`.
struct VisionAnomalyTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains an autoencoder on normal images alone.",
    discussion: """
      DATA is a folder of pictures or volumes, a table with a column image, or a set with classes (a folder for \
      each, a table with labels, an .npz), of which --normal names the one that is normal. Of sets with splits \
      the training images are used, others never. What the network cannot give back is unusual; the score from \
      which on an image counts as unusual is found on normal images that are not trained on. Principal \
      components are always found too, to compare with.
      """
  )

  @Argument(help: "Folder, table or .npz.")
  var data: String

  @Option(help: ArgumentHelp("The class of normal images (default: normal).", valueName: "class"))
  var normal: String?

  @Option(
    help: ArgumentHelp(
      "Network.",
      valueName: AnomalyNetwork.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var network = AnomalyNetwork.conv

  @Option(
    help: ArgumentHelp(
      "Numbers that an image passes through; of vq the length of a code.",
      valueName: "n"
    )
  )
  var latent = 16

  @Option(help: ArgumentHelp("Codes of vq.", valueName: "n"))
  var codes = 128

  @Option(help: ArgumentHelp("Principal components, to compare with and of pca.", valueName: "n"))
  var components = 10

  @Option(
    help: ArgumentHelp("Weight of the divergence of vae, in nats over pixels.", valueName: "weight")
  )
  var beta = 0.1

  @Option(
    help: ArgumentHelp(
      "Deviation of the noise that denoising is given; 1 is from black to white.",
      valueName: "deviation"
    )
  )
  var noise = 0.2

  @Option(
    help: ArgumentHelp(
      "Share of the normal images kept back for the threshold.",
      valueName: "share"
    )
  )
  var heldOutShare = 0.2

  @Option(
    help: ArgumentHelp(
      "Share of normal images that the threshold leaves below it; 0.95 gives 5 % false alarms.",
      valueName: "share"
    )
  )
  var quantile = 0.95

  @Option(
    help: ArgumentHelp(
      "Side of the square over which errors are averaged, odd.",
      valueName: "pixels"
    )
  )
  var smoothing = 5

  @Option(
    help: ArgumentHelp(
      "Share of the pixels, the hottest ones, whose mean is the score.",
      valueName: "share"
    )
  )
  var topShare = 0.1

  @Flag(name: .customLong("no-augmentation"), help: "Change images in no way.")
  var plain = false

  @OptionGroup var images: PlainImageOptions
  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    for (name, count) in [("latent", latent), ("codes", codes), ("components", components)]
    where !(1...4095).contains(count) {
      throw ValidationError("--\(name) must be 1 to 4095.")
    }
    if !(0...1000).contains(beta) { throw ValidationError("--beta must be 0 to 1000.") }
    if !(0...10).contains(noise) { throw ValidationError("--noise must be 0 to 10.") }
    for (name, share) in [("held-out-share", heldOutShare), ("quantile", quantile)]
    where !(share > 0 && share < 1) {
      throw ValidationError("--\(name) must be above 0 and below 1.")
    }
    if !(topShare > 0 && topShare <= 1) {
      throw ValidationError("--top-share must be above 0 and at most 1.")
    }
    if smoothing % 2 == 0 || !(1...99).contains(smoothing) {
      throw ValidationError("--smoothing must be odd, 1 to 99 pixels.")
    }
  }

  private var request: AnomalyTrainer.Request {
    var request = AnomalyTrainer.Request()
    (request.network, request.normalClass) = (network, normal)
    request.imageSize = images.imageSize
    request.channels = images.grey ? 1 : nil
    request.intensity = images.intensity
    if plain { request.augmentation = .none }
    request.noise = noise
    (request.latentChannels, request.codes, request.components) = (latent, codes, components)
    request.divergenceWeight = beta
    (request.heldOutShare, request.quantile) = (heldOutShare, quantile)
    (request.window, request.share) = (smoothing, topShare)
    return request
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    let set = try LabelledImages(withOrWithoutClasses: data, slicesPerVolume: images.slices)
    for problem in set.problems { context.progress.warn(problem) }
    let trainer = AnomalyTrainer(
      images: set,
      path: data,
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
      resumes: learning.resume
    )
    let model = TrainedAnomalyModel(outcome: outcome, origin: learning.origin(dataset: set.name))
    try context.outputs.writeFolder(learning.model) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    try learning.confirm(
      steps: outcome.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: model.parameterCount,
      results: model.results,
      on: "normal images kept back",
      notes: outcome.notes,
      in: context
    )
    return .complete
  }
}
