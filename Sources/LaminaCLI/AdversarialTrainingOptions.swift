import ArgumentParser
import Enhancement
import Foundation
import Pipelines

extension AdversarialRequest.Kind: ExpressibleByArgument {}

/// What `lamina train --enhance` does with a discriminator, and with images of another kind.
struct AdversarialTrainingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A discriminator judges what the network makes, so that it looks real.",
      discussion: "Details may then be invented; without it images have the least error.",
      valueName: "srgan|esrgan|lsgan|hinge"
    )
  )
  var adversarial: AdversarialRequest.Kind?

  @Option(
    help: ArgumentHelp(
      "Weight of the game beside the difference (default: 0.005; to translate pairs 0.01, others 1).",
      valueName: "w"
    )
  )
  var adversarialWeight: Double?

  @Option(
    help: ArgumentHelp(
      "Weight of the discriminator's features beside the difference (default: 0.05; without pairs 0).",
      valueName: "w"
    )
  )
  var perceptualWeight: Double?

  @Option(
    help: ArgumentHelp(
      "Learning rate of both sides when the game begins (default: 0.0002).",
      valueName: "rate"
    )
  )
  var adversarialRate: Double?

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp(
      "Images of the kind that those of DATASET become, with --enhance translate.",
      valueName: "folder"
    )
  )
  var target: String?

  @Flag(help: "Images of equal names in DATASET and --to show the same, on one grid.")
  var paired = false

  private var isAsked: Bool {
    adversarial != nil || adversarialWeight != nil || perceptualWeight != nil
      || adversarialRate != nil
  }

  /// Checks the options.
  /// - Parameters:
  ///   - task: What the network is for; nil where none is trained that improves images.
  ///   - network: The network's name, or nil.
  /// - Throws: `ValidationError`.
  func check(_ task: EnhancementPlan.Task?, network: String?) throws {
    guard let task else {
      if isAsked || target != nil || paired {
        throw ValidationError(
          "--adversarial, --adversarial-weight, --perceptual-weight, --adversarial-rate, --to and --paired "
            + "are for --enhance."
        )
      }
      return
    }
    if task == .translation, target == nil {
      throw ValidationError("--enhance translate needs --to, a folder of the other kind of images.")
    }
    if task != .translation, target != nil || paired {
      throw ValidationError("--to and --paired are for --enhance translate.")
    }
    if task != .translation, adversarial == nil, isAsked {
      throw ValidationError(
        "--adversarial-weight, --perceptual-weight and --adversarial-rate are for --adversarial."
      )
    }
    if network == "diffusion", isAsked {
      throw ValidationError("A diffusion model has no discriminator; leave out --adversarial.")
    }
    if task == .translation, !paired, perceptualWeight != nil {
      throw ValidationError("--perceptual-weight compares pairs; add --paired.")
    }
    for weight in [adversarialWeight, perceptualWeight].compactMap(\.self)
    where !(0...1000).contains(weight) {
      throw ValidationError("Weights must be 0 to 1000.")
    }
    if let adversarialRate, !(0 < adversarialRate && adversarialRate < 1) {
      throw ValidationError("--adversarial-rate must be more than 0 and less than 1.")
    }
  }

  /// What the options ask for.
  /// - Parameter isTrained: Whether the network starts with trained weights.
  /// - Returns: The request; nil when nothing is asked for.
  func request(isTrained: Bool) -> AdversarialRequest? {
    guard isAsked || target != nil else { return nil }
    var request = AdversarialRequest()
    request.kind = adversarial
    request.weight = adversarialWeight
    request.perceptualWeight = perceptualWeight
    request.learningRate = adversarialRate
    request.isTrained = isTrained
    request.isPaired = paired
    return request
  }

  /// The options as they are repeated in a model card.
  var words: [String] {
    var words: [String] = []
    if let adversarial { words += ["--adversarial", adversarial.rawValue] }
    if let adversarialWeight { words += ["--adversarial-weight", "\(adversarialWeight)"] }
    if let perceptualWeight { words += ["--perceptual-weight", "\(perceptualWeight)"] }
    if let adversarialRate { words += ["--adversarial-rate", "\(adversarialRate)"] }
    if let target {
      words += ["--to", URL(fileURLWithPath: OutputPath.normalised(target)).lastPathComponent]
    }
    if paired { words.append("--paired") }
    return words
  }
}
