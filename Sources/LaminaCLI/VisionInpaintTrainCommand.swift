import ArgumentParser
import Autoencoders
import Foundation
import Pipelines
import Recognition
import Support

extension InpaintingNetwork: ExpressibleByArgument {}
extension HolePattern.Shape: ExpressibleByArgument {}

/// `lamina vision inpaint`.
struct VisionInpaintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inpaint",
    abstract: "Fills missing or masked regions of images.",
    discussion: """
      What is filled in is made up from what is usual: it shows nothing that was seen.
      """,
    subcommands: [
      VisionInpaintTrainCommand.self, VisionInpaintRunCommand.self,
      VisionInpaintEvaluateCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision inpaint train`.
struct VisionInpaintTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network that fills holes, on clean images.",
    discussion: """
      DATA is a folder of pictures or volumes, a table with a column image, or a set with classes, which do not \
      matter. Holes are rectangles and strokes. Of sets with splits the test images are never used. Images may \
      be larger than what the network sees in training.
      """
  )

  @Argument(help: "Folder, table or .npz.")
  var data: String

  @Option(
    help: ArgumentHelp(
      "Network: a U-Net of partial convolutions, or one that is given the mask.",
      valueName: InpaintingNetwork.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var network = InpaintingNetwork.unet

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Channels of the levels (default: 32 64 128 128, of unet 24 48 96 96).",
      valueName: "n"
    )
  )
  var features: [Int] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Share of the pixels that is hidden, from and to.", valueName: "share")
  )
  var hide = [0.1, 0.4]

  @Flag(help: "Mirror images at random; not where left and right differ.")
  var mirror = false

  @Option(
    help: ArgumentHelp(
      "Share of the images for looks on the way, if the data set has none.",
      valueName: "share"
    )
  )
  var validationShare = 0.1

  @OptionGroup var images: PlainImageOptions
  @OptionGroup var learning: LearningOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !features.isEmpty,
      !(1...8).contains(features.count) || !features.allSatisfy({ (1...1024).contains($0) })
    {
      throw ValidationError("--features must be 1 to 8 numbers, 1 to 1024 each.")
    }
    if hide.count != 2 || !(hide[0] > 0 && hide[0] <= hide[1] && hide[1] < 1) {
      throw ValidationError("--hide must be two shares between 0 and 1, the lower one first.")
    }
    if !(0..<1).contains(validationShare) {
      throw ValidationError("--validation-share must be 0 to below 1.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try learning.check(mayReplace: outputOptions.force, in: context)
    let set = try LabelledImages(withOrWithoutClasses: data, slicesPerVolume: images.slices)
    for problem in set.problems { context.progress.warn(problem) }
    var request = InpaintingTrainer.Request()
    request.network = network
    request.features = features.isEmpty ? nil : features
    request.imageSize = images.imageSize
    request.channels = images.grey ? 1 : nil
    request.intensity = images.intensity
    (request.hiddenShares, request.mirrors) = (hide, mirror)
    request.validationShare = validationShare
    let trainer = InpaintingTrainer(
      images: set,
      path: data,
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
    let model = TrainedInpainter(outcome: outcome, origin: learning.origin(dataset: set.name))
    try context.outputs.writeFolder(learning.model) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    try learning.confirm(
      steps: outcome.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      parameters: model.parameterCount,
      results: model.results,
      on: "images kept back",
      notes: outcome.notes,
      in: context
    )
    return .complete
  }
}
