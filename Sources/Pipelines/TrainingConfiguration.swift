import Layers
import Networks
import Tensors
import Transforms

/// In what numbers a training computes.
///
/// Weights, their moments, sums and the loss are in single precision either way.
public enum TrainingPrecision: String, Codable, Sendable, CaseIterable {
  /// Single precision.
  case f32
  /// Maps between layers, and their gradients, are in bfloat16.
  case bf16
}

/// Every number that a training run depends on; saved with its checkpoints.
public struct TrainingConfiguration: Codable, Sendable, Equatable {
  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between a scan and the network.
  public var plan: ModelPlan
  /// What the network is shown.
  public var samples: TrainingSamples
  /// What is minimised.
  public var loss = SegmentationLoss.crossEntropyAndDice
  /// The numbers in label maps that make up each region, in the order of the network's outputs; nil where
  /// its outputs are classes that exclude each other.
  public var regions: [[Int]]?
  /// Which optimiser changes the weights.
  public var optimizer = OptimizerConfiguration.defaultAdamW
  /// How the learning rate falls.
  public var schedule = LearningRateSchedule.poly(power: 0.9)
  /// The learning rate at the start.
  public var learningRate = 2e-3
  /// The learning rate rises over so many first steps.
  public var warmupSteps = 50
  /// Slices or patches of one step.
  public var batchSize = 32
  /// Steps in all.
  public var steps = 2500
  /// Gradients of a larger norm are shortened to it.
  public var clipNorm = 12.0
  /// Share of a batch that must show foreground (nnU-Net's third).
  public var foregroundShare = 0.33
  /// Decay of the weights' running average, with which predictions are made; 0 for none.
  public var averagingDecay = 0.998
  /// In what numbers maps are computed; nil for single precision.
  public var precision: TrainingPrecision?
  /// Seed of every random choice.
  public var seed: UInt64 = 1
  /// The fold held out, 0 to 4; nil trains on everything.
  public var fold: Int? = 0

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - network: The architecture.
  ///   - plan: What stands between a scan and the network.
  ///   - samples: What the network is shown.
  public init(network: NetworkConfiguration, plan: ModelPlan, samples: TrainingSamples) {
    self.network = network
    self.plan = plan
    self.samples = samples
  }

  /// The slice-wise plan, if it is one.
  public var slicePlan: SegmentationPlan? {
    if case .slices(let plan) = plan { plan } else { nil }
  }

  /// Which classes of the samples make up which region; nil without regions.
  ///
  /// Classes count the numbers of all regions, rising, from 1, as `LabelClasses` does.
  var regionTable: RegionTable? {
    regions.flatMap { regions in
      guard !regions.isEmpty else { return nil }
      let numbers = Set(regions.joined()).sorted()
      return RegionTable(
        regions.map { $0.compactMap { number in numbers.firstIndex(of: number).map { $0 + 1 } } },
        classCount: numbers.count + 1
      )
    }
  }

  /// Classes of the samples, background included; what is ignored is the class after them.
  var classCount: Int { regionTable?.classCount ?? network.outputChannels }

  /// Checks that the regions are the plan's and the network's outputs.
  /// - Throws: `PipelinesError.invalidPlan`.
  func checkRegions() throws(PipelinesError) {
    var outputs: Int?
    if case .nnUNet(let plan) = plan, case .regions(let painted) = plan.heads {
      outputs = painted.count
    }
    guard regions?.count == outputs, outputs == nil || outputs == network.outputChannels else {
      throw .invalidPlan(
        reason: "it has \(regions?.count ?? 0) regions, its plan \(outputs ?? 0)"
      )
    }
  }

  /// Steps after which progress is noted and a checkpoint saved.
  public static let stepsPerEpoch = 100
}
