import Layers
import Networks
import Pipelines
import Support
import Tensors

/// A network that leads back, and a discriminator for each kind of image.
///
/// Zhu, Park, Isola and Efros 2017, "Unpaired Image-to-Image Translation Using Cycle-Consistent
/// Adversarial Networks", equations 1 to 4 and section 5.2 (identity).
package struct CycleOpponent: Opponent {
  private let values: AdversarialConfiguration
  private let cycle: AdversarialConfiguration.Cycle
  /// From the target's kind to the input's.
  private var back: TrainedWeights
  /// Of the input's kind and the target's.
  private var critics: [Critic]
  private var pools: [ImagePool]

  /// Begins with random weights that follow from the run's seed.
  /// - Throws: `NetworksError` for impossible values.
  package init(
    _ configuration: EnhancementConfiguration,
    _ values: AdversarialConfiguration,
    _ cycle: AdversarialConfiguration.Cycle
  ) throws {
    self.values = values
    self.cycle = cycle
    var random = RandomStream(seed: configuration.seed).split(0x6261_636B)
    back = TrainedWeights(
      try configuration.network.makeNetwork(random: &random),
      optimizer: configuration.optimizer,
      averagingDecay: 0
    )
    critics = try (0..<2).map { _ in try Critic(values, random: &random) }
    pools = (0..<2).map { _ in ImagePool(capacity: cycle.poolSize) }
  }

  package mutating func play(
    against generator: inout TrainedWeights,
    _ batch: EnhancementSampler.Batch,
    _ turn: Turn
  ) throws(BrokenTurn) -> AdversarialParts {
    let context = Context(.training, random: turn.random.split(1))
    let (forth, back) = (generator.network, self.back.network)
    let (a, b) = (batch.input, batch.target)
    let (fakeB, fakeA) = (forth(a, in: context), back(b, in: context))
    let losses = [(fakeA, a), (fakeB, b)].enumerated().map { place, pair in
      values.game.generator(
        real: critics[place].judged(pair.1).scores,
        fake: critics[place].judged(pair.0).scores
      )
    }
    let adversarial = losses[0] + losses[1]
    let closed =
      absoluteLoss(back(fakeB, in: context), target: a)
      + absoluteLoss(forth(fakeA, in: context), target: b)
    var total =
      adversarial * Float(values.adversarialWeight) + closed * Float(cycle.weight)
    var identity: Tensor?
    if cycle.identityWeight > 0 {
      let kept =
        absoluteLoss(back(a, in: context), target: a)
        + absoluteLoss(forth(b, in: context), target: b)
      total = total + kept * Float(cycle.identityWeight)
      identity = kept
    }
    let slopes = gradients(of: total)
    guard FiniteCheck(forth.namedParameters).isSound(loss: total, gradients: slopes),
      FiniteCheck(back.namedParameters).isSound(loss: total, gradients: slopes)
    else { throw BrokenTurn(reason: "a network's loss or gradient is not finite") }
    let norm = generator.norm(of: slopes)
    generator.step(slopes, learningRate: turn.rate, clipNorm: turn.clipNorm)
    self.back.step(slopes, learningRate: turn.rate, clipNorm: turn.clipNorm)
    var random = turn.random.split(2)
    var verdicts: [Critic.Verdict] = []
    for (place, pair) in [(fakeA, a), (fakeB, b)].enumerated() {
      let shown = pools[place].exchanged(pair.0.detached, random: &random)
      verdicts.append(try critics[place].learn(real: pair.1, fake: shown, turn))
    }
    return AdversarialParts(
      adversarial: Double(adversarial.scalar),
      cycle: Double(closed.scalar),
      identity: identity.map { Double($0.scalar) },
      critic: (verdicts[0].loss + verdicts[1].loss) / 2,
      slope: verdicts[1].slope,
      scoreOfReal: verdicts[1].scoreOfReal,
      scoreOfFake: verdicts[1].scoreOfFake,
      generatorNorm: norm,
      criticNorm: verdicts[1].norm,
      diversity: AdversarialParts.diversity(fakeB, real: b)
    )
  }

  package var parameters: [(name: String, parameter: Parameter)] {
    back.network.namedParameters + critics.flatMap(\.parameters)
  }

  private static let names = ["a", "b"]

  package var tensors: [String: Tensor] {
    var all = back.tensors.named("back.")
    for (place, name) in Self.names.enumerated() {
      all.merge(critics[place].weights.tensors.named("critic.\(name).")) { first, _ in first }
      if let stored = pools[place].stored { all["pool.\(name)"] = stored }
    }
    return all
  }

  package mutating func restore(
    _ stored: [String: Tensor],
    stepCount: Int,
    from path: String
  ) throws {
    try back.restore(stored.part("back."), stepCount: stepCount, from: path)
    for (place, name) in Self.names.enumerated() {
      try critics[place].restore(
        stored.part("critic.\(name)."),
        stepCount: stepCount,
        from: path
      )
      pools[place] = ImagePool(capacity: cycle.poolSize, stored: stored["pool.\(name)"])
    }
  }
}

/// Earlier outputs of a network, some of which its discriminator is shown again.
///
/// So the two do not only follow each other's last move (Shrivastava et al. 2017, "Learning from Simulated
/// and Unsupervised Images through Adversarial Training", section 2.3).
package struct ImagePool: Sendable {
  private let capacity: Int
  /// Each `[1, C, …]`.
  private var images: [Tensor] = []

  /// An empty pool.
  package init(capacity: Int) { self.capacity = capacity }

  /// A pool as it was stored.
  package init(capacity: Int, stored: Tensor?) {
    self.capacity = capacity
    guard let stored, stored.rank > 0 else { return }
    images = (0..<min(capacity, stored.shape[0])).map {
      stored.sliced(axis: 0, start: $0, end: $0 + 1)
    }
  }

  /// All images, for a checkpoint; nil when there is none.
  package var stored: Tensor? { images.isEmpty ? nil : concatenation(images, axis: 0).detached }

  /// Takes images in, and gives as many: half of them are earlier ones once the pool is full.
  package mutating func exchanged(_ new: Tensor, random: inout RandomStream) -> Tensor {
    guard capacity > 0 else { return new }
    let shown = (0..<new.shape[0]).map { place -> Tensor in
      let image = new.sliced(axis: 0, start: place, end: place + 1).detached
      if images.count < capacity {
        images.append(image)
        return image
      }
      let chance = random.uniform()
      guard chance < 0.5 else { return image }
      let chosen = min(capacity - 1, Int(2 * chance * Double(capacity)))
      let old = images[chosen]
      images[chosen] = image
      return old
    }
    return concatenation(shown, axis: 0)
  }
}
