import Layers

/// The numbers of a training that do not depend on what the network is for; saved with its checkpoints.
public struct LearningConfiguration: Codable, Sendable, Equatable {
  /// Which optimiser changes the weights.
  public var optimizer = OptimizerConfiguration.defaultAdamW
  /// How the learning rate falls.
  public var schedule = LearningRateSchedule.cosine
  /// The learning rate at the start.
  public var learningRate = 1e-3
  /// The learning rate rises over so many first steps.
  public var warmupSteps = 50
  /// Images of one step.
  public var batchSize = 64
  /// Steps in all.
  public var steps = 1000
  /// Gradients of a larger norm are shortened to it.
  public var clipNorm = 10.0
  /// Decay of the weights' running average, with which predictions are made; 0 for none.
  public var averagingDecay = 0.99
  /// Seed of every random choice.
  public var seed: UInt64 = 1

  /// Creates the defaults that the properties show.
  public init() {}

  /// Steps after which progress is noted and a checkpoint saved.
  public static let stepsPerEpoch = 100

  /// The learning rate of a step, counted from 0.
  func rate(step: Int) -> Double {
    schedule.rate(initial: learningRate, step: step, total: steps, warmupSteps: warmupSteps)
  }
}
