import Layers
import Networks
import Pipelines
import Support
import Tensors

/// What a network is trained against: one or more discriminators, and what else they need.
package protocol Opponent: Sendable {
  /// Takes one step of both sides.
  /// - Parameters:
  ///   - generator: The network that is trained.
  ///   - batch: What the step is computed from.
  ///   - turn: Which step, and how far it goes.
  /// - Returns: What the step came to.
  /// - Throws: `BrokenTurn` when a loss or a gradient is not finite; parameters may have changed then.
  mutating func play(
    against generator: inout TrainedWeights,
    _ batch: EnhancementSampler.Batch,
    _ turn: Turn
  ) throws(BrokenTurn) -> AdversarialParts

  /// Everything that a step changes besides moments, by name.
  var parameters: [(name: String, parameter: Parameter)] { get }

  /// All that a checkpoint must hold, by name.
  var tensors: [String: Tensor] { get }

  /// Goes on from a checkpoint.
  /// - Parameters:
  ///   - stored: What `tensors` gave.
  ///   - stepCount: Steps taken by then.
  ///   - path: The checkpoint, for messages.
  /// - Throws: `LayersError`; `PipelinesError.checkpointMismatch`.
  mutating func restore(_ stored: [String: Tensor], stepCount: Int, from path: String) throws
}

/// One step of a game.
package struct Turn: Sendable {
  /// Steps of the game before this one.
  let number: Int
  /// The learning rate of both sides.
  let rate: Double
  /// Gradients of a larger norm are shortened to it.
  let clipNorm: Double
  /// Where the step's random numbers come from.
  let random: RandomStream

  package init(number: Int, rate: Double, clipNorm: Double, random: RandomStream) {
    self.number = number
    self.rate = rate
    self.clipNorm = clipNorm
    self.random = random
  }
}

/// A loss or a gradient that is not finite.
package struct BrokenTurn: Error {
  /// What was not finite, as the subject of a sentence and its verb.
  let reason: String
}

/// A discriminator that is being trained.
struct Critic: Sendable {
  /// A discriminator as what `TrainedWeights` keeps.
  private final class Judge: Network {
    let layer: PatchDiscriminator

    init(_ layer: PatchDiscriminator) { self.layer = layer }

    var children: [(name: String, layer: any Layer)] { [("critic", layer)] }
    var sizeMultiple: Int { 1 }
    func callAsFunction(_ x: Tensor, in context: Context) -> Tensor { layer(x, in: context) }
  }

  /// What a step of the discriminator came to.
  struct Verdict: Sendable {
    let loss: Double
    let slope: Double?
    let scoreOfReal: Double
    let scoreOfFake: Double
    let norm: Double
  }

  private let layer: PatchDiscriminator
  private let configuration: AdversarialConfiguration
  private(set) var weights: TrainedWeights

  /// Begins with random weights.
  /// - Throws: `NetworksError` for impossible values.
  init(_ configuration: AdversarialConfiguration, random: inout RandomStream) throws {
    self.configuration = configuration
    layer = try PatchDiscriminator(configuration.discriminator, random: &random)
    weights = TrainedWeights(
      Judge(layer),
      optimizer: configuration.criticOptimizer,
      averagingDecay: 0
    )
  }

  /// Judges images without learning: gradients go back to the images alone.
  func judged(_ images: Tensor) -> (scores: Tensor, features: [Tensor]) {
    layer.judged(images, in: .inference)
  }

  /// Learns to tell images apart.
  /// - Parameters:
  ///   - real: Real images, `[N, C, …]`.
  ///   - fake: Images that a network made, without a past.
  ///   - turn: Which step, and how far it goes.
  /// - Returns: What the step came to.
  /// - Throws: `BrokenTurn` when the loss or a gradient is not finite.
  mutating func learn(real: Tensor, fake: Tensor, _ turn: Turn) throws(BrokenTurn) -> Verdict {
    let context = Context(.training)
    let count = real.shape[0]
    // Both at once, so that the spectral norms are those of one moment.
    let scores = layer(concatenation([real, fake], axis: 0), in: context)
    let (ofReal, ofFake) = (
      scores.sliced(axis: 0, end: count), scores.sliced(axis: 0, start: count)
    )
    let game = configuration.game.critic(real: ofReal, fake: ofFake)
    var total = game
    var slope: Double?
    if configuration.slopeWeight > 0, turn.number % configuration.slopeInterval == 0 {
      let axes = Array(1..<scores.rank)
      let penalty = realSlopePenalty(
        at: real,
        weight: configuration.slopeWeight,
        step: AdversarialConfiguration.slopeStep
      ) { layer($0, in: context.replay).mean(axes: axes) }
      slope = Double(penalty.scalar)
      total = total + penalty.reshaped(total.shape) * Float(configuration.slopeInterval)
    }
    let (loss, slopes) = (Double(game.scalar), gradients(of: total))
    guard FiniteCheck(layer.namedParameters).isSound(loss: total, gradients: slopes) else {
      throw BrokenTurn(reason: "the discriminator's loss or gradient is not finite")
    }
    let verdict = Verdict(
      loss: loss,
      slope: slope,
      scoreOfReal: Double(ofReal.detached.mean.scalar),
      scoreOfFake: Double(ofFake.detached.mean.scalar),
      norm: weights.norm(of: slopes)
    )
    weights.step(slopes, learningRate: turn.rate, clipNorm: turn.clipNorm)
    return verdict
  }

  /// Everything that a step changes besides moments, by name.
  var parameters: [(name: String, parameter: Parameter)] { layer.namedParameters }

  mutating func restore(_ stored: [String: Tensor], stepCount: Int, from path: String) throws {
    try weights.restore(stored, stepCount: stepCount, from: path)
  }
}

extension [String: Tensor] {
  /// The tensors whose names begin so, without the beginning.
  func part(_ prefix: String) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: filter { $0.key.hasPrefix(prefix) }.map {
        (String($0.key.dropFirst(prefix.count)), $0.value)
      }
    )
  }

  /// The tensors under longer names.
  func named(_ prefix: String) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: map { (prefix + $0.key, $0.value) })
  }
}
