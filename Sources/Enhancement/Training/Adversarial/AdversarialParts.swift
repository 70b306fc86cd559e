import Tensors

/// What one step of an adversarial training, or the mean of several, came to.
public struct AdversarialParts: Codable, Sendable, Equatable {
  /// The difference between output and target; unweighted, as are the losses below.
  public var pixel: Double?
  /// The difference of the discriminator's features.
  public var perceptual: Double?
  /// The network's loss in the game; with two networks the sum.
  public var adversarial: Double
  /// What both networks one after the other change; nil without a second network.
  public var cycle: Double?
  /// What networks change in images of their target kind; nil without a second network.
  public var identity: Double?
  /// The discriminator's loss without penalty; with two the mean.
  public var critic: Double
  /// The penalty on its slope; nil in steps without.
  public var slope: Double?
  /// The discriminator's mean score of real images.
  public var scoreOfReal: Double
  /// Its mean score of the network's images.
  public var scoreOfFake: Double
  /// The norm of the network's gradient.
  public var generatorNorm: Double
  /// The norm of the discriminator's gradient.
  public var criticNorm: Double
  /// How much the outputs of a batch differ from each other, as a share of how much real images do; nil
  /// for batches of one.
  public var diversity: Double?

  /// The mean of each quantity over the steps that have it.
  /// - Parameter steps: At least one.
  /// - Returns: The means.
  static func mean(_ steps: [AdversarialParts]) -> AdversarialParts {
    func mean(_ value: (AdversarialParts) -> Double?) -> Double? {
      let found = steps.compactMap(value)
      return found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
    }
    return AdversarialParts(
      pixel: mean { $0.pixel },
      perceptual: mean { $0.perceptual },
      adversarial: mean { $0.adversarial } ?? 0,
      cycle: mean { $0.cycle },
      identity: mean { $0.identity },
      critic: mean { $0.critic } ?? 0,
      slope: mean { $0.slope },
      scoreOfReal: mean { $0.scoreOfReal } ?? 0,
      scoreOfFake: mean { $0.scoreOfFake } ?? 0,
      generatorNorm: mean { $0.generatorNorm } ?? 0,
      criticNorm: mean { $0.criticNorm } ?? 0,
      diversity: mean { $0.diversity }
    )
  }

  /// How much outputs differ from each other beside how much real images do.
  /// - Parameters:
  ///   - outputs: `[N, …]`.
  ///   - real: `[N, …]`.
  /// - Returns: The ratio of the mean standard deviations over the batch; nil for one sample or equal
  ///   real images.
  static func diversity(_ outputs: Tensor, real: Tensor) -> Double? {
    guard outputs.shape[0] > 1, real.shape[0] > 1 else { return nil }
    func spread(_ x: Tensor) -> Double {
      Double(x.detached.standardDeviation(axes: [0], correction: 0).mean.scalar)
    }
    let (found, wanted) = (spread(outputs), spread(real))
    return wanted > 0 && found.isFinite ? found / wanted : nil
  }
}

/// The means over the steps of an epoch in which two networks played.
public struct AdversarialEpoch: Codable, Sendable, Equatable {
  /// Steps taken by its end, those before the game among them.
  public let step: Int
  /// The means.
  public let parts: AdversarialParts

  package init(step: Int, parts: AdversarialParts) {
    self.step = step
    self.parts = parts
  }
}

/// Reads the curves of a game for what went wrong.
package enum AdversarialWatch {
  /// A loss below this share of chance's leaves nothing to learn from.
  private static let leastShare = 0.02
  /// A discriminator with more than this share of chance's loss sees no difference.
  private static let mostShare = 0.995
  /// Outputs that differ less than this beside real images are one and the same.
  private static let leastDiversity = 0.2

  /// How many epochs in a row must show a trouble.
  private static let patience = 2

  /// Warnings, one sentence each.
  /// - Parameters:
  ///   - epochs: The epochs so far.
  ///   - game: What was played for.
  ///   - isOver: Whether there are no further epochs.
  /// - Returns: One warning at most of each kind, for the first epochs in a row that show it.
  package static func warnings(
    _ epochs: [AdversarialEpoch],
    game: AdversarialConfiguration.Game,
    isOver: Bool
  ) -> [String] {
    let chance = game.lossOfChance
    func first(_ test: (AdversarialParts) -> Bool) -> AdversarialEpoch? {
      epochs.indices.dropFirst(patience - 1).first { last in
        epochs[last - patience + 1...last].allSatisfy { test($0.parts) }
      }.map { epochs[$0] }
    }
    func number(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
    var warnings: [String] = []
    if let epoch = first({ $0.critic < leastShare * chance }) {
      warnings.append(
        "By step \(epoch.step) the discriminator told all images apart (loss "
          + "\(number(epoch.parts.critic)), by chance \(number(chance))): the network learns little from "
          + "it; lower --adversarial-rate."
      )
    }
    if let epoch = first({ $0.diversity.map { $0 < leastDiversity } ?? false }) {
      warnings.append(
        "By step \(epoch.step) the outputs differed from each other by "
          + "\(number(epoch.parts.diversity ?? 0)) of what real images do: the network may have collapsed; "
          + "give its difference from the target more weight, or lower --adversarial-rate."
      )
    }
    let last = epochs.suffix(3)
    if isOver, last.count == 3,
      last.allSatisfy({ $0.parts.critic > mostShare * chance && $0.parts.critic < 1.01 * chance })
    {
      warnings.append(
        "In the end the discriminator saw no difference (loss \(number(last.last?.parts.critic ?? 0)), by "
          + "chance \(number(chance))): the game changed little."
      )
    }
    return warnings
  }
}
