import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// A training between two steps: all that a checkpoint must hold.
struct LearningState<Task: LearningTask>: Sendable {
  let task: Task
  var configuration: LearningConfiguration
  private(set) var step = 0
  private(set) var epochs: [SegmentationTrainer.Epoch] = []
  var looks: [LearningLook] = []
  var seconds = 0.0
  var dataSeconds = 0.0
  private var weights: TrainedWeights
  private var lossSum = 0.0
  private var lossCount = 0
  private var lastRate = 0.0

  private static var key: String { "lamina.recognition-training/1" }

  init(
    _ task: Task,
    _ configuration: LearningConfiguration,
    initial: (any Network) -> Void,
    keepsSteps: Bool,
    checkpoint: TrainingCheckpoint?
  ) throws {
    self.task = task
    self.configuration = configuration
    let network = try TrainedWeights.network(task.network, seed: configuration.seed)
    initial(network)
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
  mutating func advance(_ batch: Task.Batch) throws {
    let rate = configuration.rate(step: step)
    let (network, task) = (weights.network, task)
    let before = ParameterSnapshot(network.namedParameters)
    let check = FiniteCheck(network.namedParameters)
    let random = RandomStream(seed: configuration.seed).split(0x6472_6F70, step)
    func forward() -> Tensor {
      task.loss(of: network, on: batch, in: Context(.training, random: random))
    }
    let value = forward()
    let slopes = gradients(of: value)
    guard check.isSound(loss: value, gradients: slopes) else {
      before.restore()
      let fault = check.diagnose(inputs: [task.images(of: batch)], forward: forward) { $0 }
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
  func averagedNetwork() throws -> any Network { try weights.averagedNetwork(task.network) }

  /// The state without tensors.
  private struct Summary: Codable {
    let values: Task.Values
    let configuration: LearningConfiguration
    let step: Int
    let epochs: [SegmentationTrainer.Epoch]
    let looks: [LearningLook]
    let seconds: Double
    let dataSeconds: Double
    let lossSum: Double
    let lossCount: Int
    let lastRate: Double
  }

  func stored() throws -> Safetensors {
    let summary = Summary(
      values: task.values,
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

  private mutating func restore(
    _ stored: Safetensors,
    from path: String,
    keepsSteps: Bool
  ) throws {
    func mismatch(_ reason: String) -> PipelinesError {
      .checkpointMismatch(path: path, reason: reason)
    }
    let text = stored.metadata[Self.key]
    guard
      let summary = text.flatMap({
        try? JSONDecoder().decode(Summary.self, from: Data($0.utf8))
      })
    else { throw mismatch("it is no checkpoint of such a training") }
    // The number of steps may have come from a time budget; everything else must be the same.
    var wanted = configuration
    if !keepsSteps { wanted.steps = summary.configuration.steps }
    guard wanted == summary.configuration, task.values == summary.values else {
      throw mismatch("its network, data, seed, steps or training values differ")
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

/// A look at held-out images along a run.
public struct LearningLook: Codable, Sendable, Equatable {
  /// Steps taken by then.
  public let step: Int
  /// What was found.
  public let metrics: [LearningMetric]
}
