import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// A training of a network for images between two steps: all that a checkpoint must hold.
struct EnhancementState: Sendable {
  var configuration: EnhancementConfiguration
  private(set) var step = 0
  private(set) var epochs: [SegmentationTrainer.Epoch] = []
  private(set) var games: [AdversarialEpoch] = []
  var looks: [EnhancementTrainingRecord.Look] = []
  var seconds = 0.0
  var dataSeconds = 0.0
  private var weights: TrainedWeights
  private var lossSum = 0.0
  private var lossCount = 0
  private var lastRate = 0.0
  private var opponent: (any Opponent)?
  private var turns = 0
  /// Of the epoch's steps so far.
  private var parts: [AdversarialParts] = []

  private static let key = "lamina.enhancement-training/1"

  init(
    _ configuration: EnhancementConfiguration,
    initial: InitialWeights?,
    keepsSteps: Bool,
    checkpoint: TrainingCheckpoint?
  ) throws {
    self.configuration = configuration
    try configuration.check()
    let network = try TrainedWeights.network(configuration.network, seed: configuration.seed)
    // Corrections of a filter's image are small.
    if configuration.plan.guide != nil { QuietStart.apply(to: network) }
    initial?.load(into: network, plan: .enhancement(configuration.plan))
    weights = TrainedWeights(
      network,
      optimizer: configuration.optimizer,
      averagingDecay: configuration.averagingDecay
    )
    if let values = configuration.adversarial {
      opponent =
        if let cycle = values.cycle {
          try CycleOpponent(configuration, values, cycle)
        } else {
          try ImageOpponent(configuration, values)
        }
    }
    if let checkpoint, let stored = try checkpoint.load() {
      try restore(stored, from: checkpoint.path, keepsSteps: keepsSteps)
    }
  }

  /// Takes one step; one whose loss or gradient is not finite changes nothing.
  /// - Throws: `PipelinesError.trainingDiverged`.
  mutating func advance(_ batch: EnhancementSampler.Batch) throws {
    if opponent != nil, step >= configuration.pixelSteps { return try play(batch) }
    let rate = configuration.rate(step: step)
    let batch = taught(batch)
    let network = weights.network
    let before = ParameterSnapshot(network.namedParameters)
    let check = FiniteCheck(network.namedParameters)
    let random = RandomStream(seed: configuration.seed).split(0x6472_6F70, step)
    let values = configuration
    func forward() -> Tensor { network(batch.input, in: Context(.training, random: random)) }
    func loss(_ output: Tensor) -> Tensor {
      values.loss(output, target: batch.target, weights: batch.weights)
    }
    let value = loss(forward())
    let slopes = gradients(of: value)
    guard check.isSound(loss: value, gradients: slopes) else {
      before.restore()
      let fault = check.diagnose(inputs: [batch.input], forward: forward, loss: loss)
      throw PipelinesError.trainingDiverged(
        step: step,
        reason: fault.description,
        checkpoint: nil
      )
    }
    weights.step(slopes, learningRate: rate, clipNorm: configuration.clipNorm)
    step += 1
    lossSum += Double(value.scalar)
    lossCount += 1
    lastRate = rate
  }

  /// What a diffusion model sees and should find in it; other networks see the batch itself.
  private func taught(_ batch: EnhancementSampler.Batch) -> EnhancementSampler.Batch {
    guard let process = configuration.plan.diffusion?.process else { return batch }
    var random = RandomStream(seed: configuration.seed).split(0x6469_6666, step)
    let (steps, noise) = process.draw(batch.target.shape, random: &random)
    func centered(_ x: Tensor) -> Tensor { x * 2 - 1 }
    let (noisy, wanted) = process.lesson(centered(batch.target), noise: noise, at: steps)
    let plane = batch.input.shape.dropFirst(2).reduce(1, *)
    let places = Tensor(
      steps.flatMap { [Float](repeating: Float($0), count: plane) },
      shape: [steps.count, 1] + batch.input.shape.dropFirst(2)
    )
    return EnhancementSampler.Batch(
      input: concatenation([noisy, centered(batch.input), places], axis: 1),
      target: wanted,
      weights: nil
    )
  }

  /// One step of a game; one whose loss or gradient is not finite changes nothing.
  private mutating func play(_ batch: EnhancementSampler.Batch) throws {
    guard var opponent else { return }
    let before = ParameterSnapshot(weights.network.namedParameters + opponent.parameters)
    let rate = configuration.rate(step: step)
    let turn = Turn(
      number: turns,
      rate: rate,
      clipNorm: configuration.clipNorm,
      random: RandomStream(seed: configuration.seed).split(0x6472_6F70, step)
    )
    do throws(BrokenTurn) {
      parts.append(try opponent.play(against: &weights, batch, turn))
    } catch {
      before.restore()
      throw PipelinesError.trainingDiverged(step: step, reason: error.reason, checkpoint: nil)
    }
    self.opponent = opponent
    step += 1
    turns += 1
    lossSum += parts.last.map { $0.pixel ?? $0.cycle ?? 0 } ?? 0
    lossCount += 1
    lastRate = rate
  }

  /// Takes a step of the game for its time's sake, and takes it back.
  /// - Parameter batch: The batch of any step.
  /// - Throws: `PipelinesError.trainingDiverged`.
  func rehearse(_ batch: EnhancementSampler.Batch) throws {
    guard let opponent else { return }
    let before = ParameterSnapshot(weights.network.namedParameters + opponent.parameters)
    defer { before.restore() }
    var copy = self
    try copy.play(batch)
  }

  /// What the curves of the game so far warn of, one sentence each.
  var warnings: [String] {
    configuration.adversarial.map {
      AdversarialWatch.warnings(games, game: $0.game, isOver: step >= configuration.steps)
    } ?? []
  }

  /// Ends an epoch.
  mutating func closeEpoch() {
    if !parts.isEmpty {
      games.append(AdversarialEpoch(step: step, parts: .mean(parts)))
      parts = []
    }
    epochs.append(
      SegmentationTrainer.Epoch(
        step: step,
        loss: lossSum / Double(max(1, lossCount)),
        learningRate: lastRate,
        seconds: seconds,
        dataShare: seconds > 0 ? dataSeconds / seconds : 0
      )
    )
    (lossSum, lossCount) = (0, 0)
  }

  /// A network of its own with the averaged weights.
  func averagedNetwork() throws -> any Network {
    try weights.averagedNetwork(configuration.network)
  }

  /// The state without tensors.
  private struct Summary: Codable {
    let configuration: EnhancementConfiguration
    let step: Int
    let epochs: [SegmentationTrainer.Epoch]
    let looks: [EnhancementTrainingRecord.Look]
    let seconds: Double
    let dataSeconds: Double
    let lossSum: Double
    let lossCount: Int
    let lastRate: Double
    /// Only where two networks play.
    let game: Game?
  }

  /// How far a game has come.
  private struct Game: Codable {
    let turns: Int
    let epochs: [AdversarialEpoch]
    let parts: [AdversarialParts]
  }

  private static let opponentPrefix = "opponent."

  func stored() throws -> Safetensors {
    let summary = Summary(
      configuration: configuration,
      step: step,
      epochs: epochs,
      looks: looks,
      seconds: seconds,
      dataSeconds: dataSeconds,
      lossSum: lossSum,
      lossCount: lossCount,
      lastRate: lastRate,
      game: opponent.map { _ in Game(turns: turns, epochs: games, parts: parts) }
    )
    let text = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
    let opposing = opponent?.tensors.named(Self.opponentPrefix) ?? [:]
    return Safetensors(
      tensors: weights.tensors.merging(opposing) { first, _ in first },
      metadata: [Self.key: text]
    )
  }

  private static func summary(_ stored: Safetensors) -> Summary? {
    stored.metadata[key].flatMap { try? JSONDecoder().decode(Summary.self, from: Data($0.utf8)) }
  }

  private mutating func restore(
    _ stored: Safetensors,
    from path: String,
    keepsSteps: Bool
  ) throws {
    func mismatch(_ reason: String) -> PipelinesError {
      .checkpointMismatch(path: path, reason: reason)
    }
    guard let summary = Self.summary(stored) else { throw mismatch("it is not a checkpoint") }
    // The number of steps may have come from a time budget; everything else must be the same.
    var wanted = configuration
    if !keepsSteps { wanted.steps = summary.configuration.steps }
    guard wanted == summary.configuration else {
      throw mismatch("its network, plan, noise, seed, steps or training values differ")
    }
    guard (0...summary.configuration.steps).contains(summary.step) else {
      throw mismatch("its values contradict themselves")
    }
    try weights.restore(stored.tensors, stepCount: summary.step, from: path)
    if opponent != nil {
      guard let game = summary.game, 0...summary.step ~= game.turns else {
        throw mismatch("it has no discriminator")
      }
      try opponent?.restore(
        stored.tensors.part(Self.opponentPrefix),
        stepCount: game.turns,
        from: path
      )
      (turns, games, parts) = (game.turns, game.epochs, game.parts)
    }
    configuration = summary.configuration
    step = summary.step
    epochs = summary.epochs
    looks = summary.looks
    seconds = summary.seconds
    dataSeconds = summary.dataSeconds
    lossSum = summary.lossSum
    lossCount = summary.lossCount
    lastRate = summary.lastRate
  }
}
