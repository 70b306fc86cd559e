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
  var looks: [EnhancementTrainingRecord.Look] = []
  var seconds = 0.0
  var dataSeconds = 0.0
  private var weights: TrainedWeights
  private var lossSum = 0.0
  private var lossCount = 0
  private var lastRate = 0.0

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
    initial?.load(into: network, plan: .enhancement(configuration.plan))
    weights = TrainedWeights(
      network,
      optimizer: configuration.optimizer,
      averagingDecay: configuration.averagingDecay
    )
    if let checkpoint, let stored = try checkpoint.load() {
      try restore(stored, from: checkpoint.path, keepsSteps: keepsSteps)
    }
  }

  /// Takes one step; one whose loss or gradient is not finite changes nothing.
  /// - Throws: `PipelinesError.trainingDiverged`.
  mutating func advance(_ batch: EnhancementSampler.Batch) throws {
    let rate = configuration.schedule.rate(
      initial: configuration.learningRate,
      step: step,
      total: configuration.steps,
      warmupSteps: configuration.warmupSteps
    )
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

  /// Ends an epoch.
  mutating func closeEpoch() {
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
  }

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
      lastRate: lastRate
    )
    let text = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
    return Safetensors(tensors: weights.tensors, metadata: [Self.key: text])
  }

  private static func summary(_ stored: Safetensors) -> Summary? {
    stored.metadata[key].flatMap { try? JSONDecoder().decode(Summary.self, from: Data($0.utf8)) }
  }

  /// The configuration that a checkpoint was saved with; nil when it is none.
  static func configuration(of stored: Safetensors) -> EnhancementConfiguration? {
    summary(stored)?.configuration
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
