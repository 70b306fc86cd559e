import Layers
import Networks
import Pipelines
import Support
import Tensors

/// Teaches a network to undo what thick slices do, from one scan alone.
///
/// The network is VDSR's chain (Kim, Lee and Lee 2016) on cells of the finer grid: the voxels of a cell are
/// its channels, so that a step costs about as much whatever the ratio. Its last convolution begins at
/// 0, so that it begins as the interpolation.
struct ThickSliceTraining: Sendable {
  /// Convolutions in a row, which is also how many cells and columns the network reaches.
  static let depth = 8
  private static let (features, batchSize) = (48, 8)
  private static let (learningRate, warmupSteps, clipNorm) = (2e-3, 20, 1.0)
  /// Steps by which the speed is measured, after a few that only warm up.
  private static let (warmingSteps, measuredSteps) = (3, 10)

  /// How long the network learns.
  let duration: ThickSliceSettings.Duration
  /// Seed of the first weights.
  let seed: UInt64

  /// The network's values.
  static func configuration(fold: Int) -> NetworkConfiguration {
    .vdsr(VDSRConfiguration(channels: fold, depth: depth, features: features))
  }

  /// Trains.
  /// - Parameters:
  ///   - sampler: Draws samples.
  ///   - fold: Voxels of a cell.
  ///   - progress: Told about steps.
  ///   - interruption: Looked at before every step.
  /// - Returns: The network.
  /// - Throws: `SupportError.interrupted`; `PipelinesError.trainingDiverged`.
  func network(
    _ sampler: ThickSliceSampler,
    fold: Int,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> any Network {
    let configuration = Self.configuration(fold: fold)
    let network = try TrainedWeights.network(configuration, seed: seed)
    if let last = network.namedParameters.last?.parameter { last.value = last.value * 0 }
    var weights = TrainedWeights(
      network,
      optimizer: .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0),
      averagingDecay: 0
    )
    let clock = ContinuousClock()
    let started = clock.now
    var measured = started
    var steps = if case .steps(let count) = duration { count } else { Int.max }
    progress.begin("learning from the slices", total: steps == .max ? nil : steps)
    defer { progress.end() }
    var (step, sum, sumBefore, counted) = (0, 0.0, 0.0, 0)
    while step < steps {
      try interruption.check()
      if case .minutes(let minutes) = duration, steps == .max {
        if step == Self.warmingSteps { measured = clock.now }
        if step == Self.warmingSteps + Self.measuredSteps {
          let perStep = (clock.now - measured).seconds / Double(Self.measuredSteps)
          let left = minutes * 60 - (clock.now - started).seconds
          steps = step + max(1, Int(left / perStep))
          progress.end()
          progress.begin("learning from the slices", total: steps)
        }
      }
      let batch = sampler.batch(step: step, size: Self.batchSize)
      let loss = try advance(&weights, batch, step: step, of: steps)
      if step >= steps - steps / 4 {
        sum += loss
        sumBefore += Double(absoluteLoss(batch.input, target: batch.target).scalar)
        counted += 1
      }
      step += 1
      progress.update(step, detail: nil)
    }
    if counted > 0, sum > 0 {
      progress.note(
        "\(steps) steps: within slices the mean absolute error is "
          + "\((100 * sum / max(sumBefore, sum * 1e-6)).rounded()) % of interpolation's."
      )
    }
    return network
  }

  private func advance(
    _ weights: inout TrainedWeights,
    _ batch: ThickSliceSampler.Batch,
    step: Int,
    of steps: Int
  ) throws -> Double {
    let network = weights.network
    let random = RandomStream(seed: seed).split(0x6472_6F70, step)
    func forward() -> Tensor { network(batch.input, in: Context(.training, random: random)) }
    func loss(_ output: Tensor) -> Tensor { absoluteLoss(output, target: batch.target) }
    let value = loss(forward())
    let slopes = gradients(of: value)
    let check = FiniteCheck(network.namedParameters)
    guard check.isSound(loss: value, gradients: slopes) else {
      let fault = check.diagnose(inputs: [batch.input], forward: forward, loss: loss)
      throw PipelinesError.trainingDiverged(
        step: step,
        reason: fault.description,
        checkpoint: nil
      )
    }
    let rate = LearningRateSchedule.cosine.rate(
      initial: Self.learningRate,
      step: step,
      total: steps,
      warmupSteps: Self.warmupSteps
    )
    weights.step(slopes, learningRate: rate, clipNorm: Self.clipNorm)
    return Double(value.scalar)
  }
}
