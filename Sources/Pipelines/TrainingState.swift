import Foundation
import Layers
import Networks
import Support
import Tensors

/// A training run between two steps: all that a checkpoint must hold.
struct TrainingState {
  var configuration: TrainingConfiguration
  private(set) var step = 0
  private(set) var epochs: [SegmentationTrainer.Epoch] = []
  var seconds = 0.0
  var dataSeconds = 0.0
  /// What is noted beside the weights.
  var journal = TrainingJournal()
  /// Which classes of the samples make up which region; nil without regions.
  private let regionTable: RegionTable?
  private var weights: TrainedWeights
  private var lossSum = 0.0
  private var lossCount = 0
  private var lastRate = 0.0

  var network: any Network { weights.network }

  init(
    _ configuration: TrainingConfiguration,
    keepsSteps: Bool,
    initial: InitialWeights? = nil,
    checkpoint: TrainingCheckpoint?
  ) throws {
    self.configuration = configuration
    try configuration.plan.check()
    try configuration.checkRegions()
    regionTable = configuration.regionTable
    let network = try TrainedWeights.network(configuration.network, seed: configuration.seed)
    let (patch, multiples) = (configuration.plan.patchSize, network.axisMultiples)
    let needed = multiples.count == 1 ? patch.map { _ in multiples[0] } : multiples
    guard zip(patch, needed).allSatisfy({ $0 % $1 == 0 }) else {
      throw PipelinesError.invalidPlan(
        reason: "patchSize \(patch) is not a multiple of \(needed)"
      )
    }
    initial?.load(into: network, plan: configuration.plan)
    weights = TrainedWeights(
      network,
      optimizer: configuration.optimizer,
      averagingDecay: configuration.averagingDecay
    )
    if let stored = try checkpoint?.load() {
      try restore(stored, from: checkpoint?.path ?? "", keepsSteps: keepsSteps)
    }
  }

  /// Takes one step.
  ///
  /// A step whose loss or gradient is not finite changes nothing: weights, running statistics and
  /// moments stay as they were before it.
  /// - Parameters:
  ///   - batch: This process's samples.
  ///   - exchange: The processes that take the step together.
  /// - Throws: `PipelinesError.trainingDiverged` with where the first such value was;
  ///   `DistributedError.failed`.
  mutating func advance(
    _ batch: TrainingBatch,
    with exchange: any GradientExchange = SingleProcess()
  ) throws {
    let rate = configuration.schedule.rate(
      initial: configuration.learningRate,
      step: step,
      total: configuration.steps,
      warmupSteps: configuration.warmupSteps
    )
    var batch = batch
    var masked: MaskedBatch?
    if case .reconstruction = configuration.samples {
      let presented = MaskedBatch(batch)
      masked = presented
      batch = TrainingBatch(images: presented.images, labels: batch.labels)
    }
    let before = ParameterSnapshot(network.namedParameters)
    let check = FiniteCheck(network.namedParameters)
    let (loss, slopes) = try lossAndGradients(batch, masked, exchange)
    guard check.isSound(loss: loss, gradients: slopes) else {
      before.restore()
      let fault = check.diagnose(
        inputs: [batch.images],
        forward: { forward(batch.images, rank: exchange.rank)[0] },
        loss: { self.loss(of: [$0], batch.labels, masked) }
      )
      let finding = fault == .notReproduced ? nil : fault.description
      throw PipelinesError.trainingDiverged(
        step: step,
        reason: try exchange.first(finding) ?? fault.description,
        checkpoint: nil
      )
    }
    if step % TrainingJournal.normInterval == 0 {
      journal.note(gradientNorm: weights.norm(of: slopes))
    }
    journal.note(batch.labels, step: step, classes: configuration.classCount)
    weights.step(slopes, learningRate: rate, clipNorm: configuration.clipNorm)
    step += 1
    lossSum += Double(loss.scalar)
    lossCount += 1
    lastRate = rate
  }

  /// The loss and the gradients of the whole batch, of which this process holds a part.
  private func lossAndGradients(
    _ batch: TrainingBatch,
    _ masked: MaskedBatch?,
    _ exchange: any GradientExchange
  ) throws -> (loss: Tensor, gradients: Gradients) {
    let whole =
      exchange.count > 1
      ? SharedBatch(parts: exchange.count) { exchange.sums(of: $0) } : nil
    let (value, slopes) = SharedBatch.$current.withValue(whole) { () -> (Tensor, Gradients) in
      let scores = forward(batch.images, rank: exchange.rank)
      let value = loss(of: scores, batch.labels, masked)
      return (value, gradients(of: value))
    }
    guard exchange.count > 1 else { return (value, slopes) }
    return try GradientMean(network.namedParameters, over: exchange)(
      loss: value,
      gradients: slopes
    )
  }

  /// The network's scores in this step, the finest first, in single precision; random numbers follow from
  /// seed and step, and from the process.
  private func forward(_ images: Tensor, rank: Int) -> [Tensor] {
    var random = RandomStream(seed: configuration.seed).split(0x6472_6F70, step)
    if rank > 0 { random = random.split(rank) }
    let context = Context(.training, random: random)
    let seen = configuration.precision == .bf16 ? images.cast(to: .bfloat16) : images
    let scores =
      (network as? any DeeplySupervisedNetwork)?.allScores(seen, in: context)
      ?? [network(seen, in: context)]
    return scores.map { $0.cast(to: .float32) }
  }

  private func loss(
    of scores: [Tensor],
    _ labels: LabelTensor,
    _ masked: MaskedBatch?
  ) -> Tensor {
    if let masked { return masked.loss(of: scores[0]) }
    // The class after the others is what nobody labelled.
    let ignored = Int32(configuration.classCount)
    return DeepSupervision.loss(of: scores, labels: labels) { scores, labels in
      if let regionTable {
        return configuration.loss(
          scores,
          labels: labels,
          regions: regionTable,
          ignoring: ignored
        )
      }
      return configuration.loss(scores, labels: labels, ignoring: ignored)
    }
  }

  /// Ends an epoch; every process calls it at the same step.
  mutating func closeEpoch(_ exchange: any GradientExchange) {
    if epochs.isEmpty {
      journal.sumSampledVoxels(over: exchange, classes: configuration.classCount)
    }
    epochs.append(
      SegmentationTrainer.Epoch(
        step: step,
        loss: lossSum / Double(max(1, lossCount)),
        learningRate: lastRate,
        seconds: seconds,
        dataShare: seconds > 0 ? dataSeconds / seconds : 0,
        gradientNorm: journal.takeGradientNorm()
      )
    )
    lossSum = 0
    lossCount = 0
  }

  /// A network of its own with the averaged weights.
  func averagedNetwork() throws -> any Network {
    try weights.averagedNetwork(configuration.network)
  }

  /// The state without tensors.
  private struct Summary: Codable {
    let configuration: TrainingConfiguration
    let step: Int
    let epochs: [SegmentationTrainer.Epoch]
    let seconds: Double
    let dataSeconds: Double
    let lossSum: Double
    let lossCount: Int
    let lastRate: Double
    let journal: TrainingJournal?
  }

  func stored() throws -> Safetensors {
    let summary = Summary(
      configuration: configuration,
      step: step,
      epochs: epochs,
      seconds: seconds,
      dataSeconds: dataSeconds,
      lossSum: lossSum,
      lossCount: lossCount,
      lastRate: lastRate,
      journal: journal
    )
    let text = String(decoding: try JSONEncoder().encode(summary), as: UTF8.self)
    return Safetensors(tensors: weights.tensors, metadata: ["lamina.training/1": text])
  }

  /// The configuration that a checkpoint was saved with; nil when it is none.
  static func configuration(of stored: Safetensors) -> TrainingConfiguration? {
    stored.metadata["lamina.training/1"]
      .flatMap { try? JSONDecoder().decode(Summary.self, from: Data($0.utf8)) }?.configuration
  }

  mutating func restore(
    _ stored: Safetensors,
    from path: String,
    keepsSteps: Bool
  ) throws {
    guard let text = stored.metadata["lamina.training/1"],
      let summary = try? JSONDecoder().decode(Summary.self, from: Data(text.utf8))
    else {
      throw PipelinesError.checkpointMismatch(path: path, reason: "it is not a checkpoint")
    }
    // The number of steps may have come from a time budget; everything else must be the same.
    var wanted = configuration
    if !keepsSteps { wanted.steps = summary.configuration.steps }
    guard wanted == summary.configuration else {
      throw PipelinesError.checkpointMismatch(
        path: path,
        reason: "its network, plan, seed, fold, steps or training values differ"
      )
    }
    guard (0...summary.configuration.steps).contains(summary.step) else {
      throw PipelinesError.checkpointMismatch(
        path: path,
        reason: "its values contradict themselves"
      )
    }
    try weights.restore(stored.tensors, stepCount: summary.step, from: path)
    configuration = summary.configuration
    step = summary.step
    epochs = summary.epochs
    seconds = summary.seconds
    dataSeconds = summary.dataSeconds
    lossSum = summary.lossSum
    lossCount = summary.lossCount
    lastRate = summary.lastRate
    journal = summary.journal ?? TrainingJournal()
  }
}
