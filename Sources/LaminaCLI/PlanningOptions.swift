import ArgumentParser
import Foundation
import Networks
import Pipelines

/// What a plan must respect, for the verbs that make one.
struct PlanningOptions: ParsableArguments {
  /// What the network sees at once.
  enum Configuration: String, ExpressibleByArgument, CaseIterable {
    case automatic = "auto"
    case twoDimensional = "2d"
    case threeDimensional = "3d"
  }

  @Option(
    name: .customLong("configuration"),
    help: "What the network sees at once; auto by the spacing of the slices."
  )
  var shape = Configuration.automatic

  @Option(
    help: ArgumentHelp("The data set's description, if not its dataset.json.", valueName: "file")
  )
  var description: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Spacing that the network sees along x, y, z (default: 3d the median, --synthesize 1).",
      valueName: "mm"
    )
  )
  var spacing: [Double] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Voxels that the network sees at once along x, y, z.", valueName: "n")
  )
  var patch: [Int] = []

  @Option(
    name: .customLong("network"),
    help: ArgumentHelp(
      "Network: \(TrainingPlanner.allNetworkNames.joined(separator: ", ")) (default: unet); with --synthesize also atlas, with --enhance others.",
      valueName: "name"
    )
  )
  var namedNetwork: String?

  /// The network that is named, or else taken.
  var network: String { namedNetwork ?? "unet" }

  @Option(
    help: ArgumentHelp("Channels of the network's first stage (default: planned).", valueName: "n")
  )
  var features: Int?

  @Option(
    help: ArgumentHelp(
      "Slices or patches of one step, of each process (default: planned).",
      valueName: "n"
    )
  )
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "What is minimised (default: dice-ce).",
      discussion: "Of regions each output is a question by itself; dice-topk takes the worst tenth."
    )
  )
  var loss: LossName?

  @Option(
    help: ArgumentHelp(
      "Memory that the training may take, 10⁹ bytes (default: 80 % of the machine's).",
      valueName: "gb"
    )
  )
  var memory: Double?

  /// Checks the options.
  /// - Parameters:
  ///   - minutes: The verb's own option.
  ///   - synthesizes: Whether images are made from label maps.
  ///   - enhances: Whether a network is trained that improves images.
  /// - Throws: `ValidationError`.
  func check(
    minutes: Double?,
    synthesizes: Bool = false,
    enhances: Bool = false
  ) throws {
    if let minutes, !(minutes > 0) || !minutes.isFinite {
      throw ValidationError("--minutes must be more than 0.")
    }
    if let minutes, minutes > 100_000 { throw ValidationError("--minutes must be 100000 or less.") }
    let runsThroughSlices = network == NetworkConfiguration.convLSTMUNetName
    if network != "unet", network != SynthesisPlanner.atlasNetwork, !runsThroughSlices,
      shape == .threeDimensional, !enhances
    {
      throw ValidationError("--network \(network) is a network of slices; leave out 3d.")
    }
    if runsThroughSlices, synthesizes || enhances || shape == .twoDimensional {
      throw ValidationError(
        "--network \(network) learns to segment labelled volumes; leave out "
          + (synthesizes ? "--synthesize." : enhances ? "--enhance." : "2d.")
      )
    }
    if let features, !(1...512).contains(features) {
      throw ValidationError("--features must be 1 to 512.")
    }
    if let batch, !(1...4096).contains(batch) {
      throw ValidationError("--batch must be 1 to 4096.")
    }
    if let memory, !(0.1...100_000).contains(memory) {
      throw ValidationError("--memory must be 0.1 to 100000.")
    }
    if !spacing.isEmpty,
      spacing.count != 3 || !spacing.allSatisfy({ (0.01...100).contains($0) })
    {
      throw ValidationError("--spacing must be three numbers from 0.01 to 100 mm.")
    }
    if shape == .twoDimensional, !synthesizes, !spacing.isEmpty || !patch.isEmpty {
      throw ValidationError("--spacing and --patch are for volumes; leave out 2d.")
    }
    if !patch.isEmpty, patch.count != 3 || !patch.allSatisfy({ (8...512).contains($0) }) {
      throw ValidationError("--patch must be three numbers from 8 to 512 voxels.")
    }
  }

  /// What the options ask for.
  /// - Parameters:
  ///   - minutes: The wall time of the training.
  ///   - steps: Its steps otherwise, or nil for the default.
  /// - Returns: The request.
  func request(minutes: Double?, steps: Int? = nil) -> PlanRequest {
    var request = PlanRequest()
    request.shape = PlanRequest.Shape(rawValue: shape.rawValue) ?? .automatic
    request.minutes = minutes
    if let steps { request.steps = steps }
    request.memoryGB = memory
    request.loss = loss?.loss
    request.network = network
    request.baseFeatures = features
    request.batchSize = batch
    if patch.count == 3 { request.patchSize = SIMD3(patch[0], patch[1], patch[2]) }
    if spacing.count == 3 { request.spacing = SIMD3(spacing[0], spacing[1], spacing[2]) }
    return request
  }

  /// Whether nothing is said of how large network and steps are.
  var leavesSizeOpen: Bool { features == nil && batch == nil && patch.isEmpty }

  /// The options that differ from their defaults, as words of a command line without local paths.
  var words: [String] {
    var words: [String] = []
    if shape != .automatic { words += ["--configuration", shape.rawValue] }
    if let description {
      words += ["--description", URL(fileURLWithPath: description).lastPathComponent]
    }
    if !spacing.isEmpty { words += ["--spacing"] + spacing.map { "\($0)" } }
    if !patch.isEmpty { words += ["--patch"] + patch.map { "\($0)" } }
    if let namedNetwork { words += ["--network", namedNetwork] }
    if let features { words += ["--features", "\(features)"] }
    if let batch { words += ["--batch", "\(batch)"] }
    if let loss { words += ["--loss", loss.rawValue] }
    if let memory { words += ["--memory", "\(memory)"] }
    return words
  }
}
