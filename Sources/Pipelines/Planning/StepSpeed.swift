import Foundation
import Imaging
import Networks
import Support
import Tensors
import Transforms

/// How fast this machine trains a kind of network, from a few timed steps.
///
/// A step's time is taken as `secondsPerMapValue` for each value of a feature map, as normalisation and
/// activation have it, plus `secondsPerMultiplication` for each multiplication of a convolution. Two
/// networks of one kind that differ in their channels give the two numbers: values grow with the
/// channels, multiplications with their square.
public struct StepSpeed: Codable, Equatable, Sendable {
  /// Seconds for a multiplication of the forward pass; backward passes are in it.
  public let secondsPerMultiplication: Double
  /// Seconds for a value of a feature map.
  public let secondsPerMapValue: Double
  /// Seconds to draw a voxel or pixel of a sample; 0 when no case served to try.
  public let secondsPerVoxel: Double

  /// Creates a speed.
  /// - Parameters:
  ///   - secondsPerMultiplication: Seconds for a multiplication.
  ///   - secondsPerMapValue: Seconds for a value of a feature map.
  ///   - secondsPerVoxel: Seconds to draw a voxel.
  public init(
    secondsPerMultiplication: Double,
    secondsPerMapValue: Double,
    secondsPerVoxel: Double
  ) {
    self.secondsPerMultiplication = secondsPerMultiplication
    self.secondsPerMapValue = secondsPerMapValue
    self.secondsPerVoxel = secondsPerVoxel
  }

  /// The speed that explains two timed networks.
  /// - Parameters:
  ///   - narrow: Cost of a step of the narrower network, and its seconds.
  ///   - wide: The same of the wider one.
  ///   - secondsPerVoxel: Seconds to draw a voxel.
  package init(
    narrow: (cost: NetworkCost, seconds: Double),
    wide: (cost: NetworkCost, seconds: Double),
    secondsPerVoxel: Double = 0
  ) {
    let (v0, m0) = (Double(narrow.cost.mapValues), Double(narrow.cost.multiplications))
    let (v1, m1) = (Double(wide.cost.mapValues), Double(wide.cost.multiplications))
    let determinant = v0 * m1 - v1 * m0
    var perValue = (narrow.seconds * m1 - wide.seconds * m0) / determinant
    var perProduct = (v0 * wide.seconds - v1 * narrow.seconds) / determinant
    // Noise can make one of them negative; then the other explains the wider network alone.
    if !perValue.isFinite || perValue < 0 { (perValue, perProduct) = (0, wide.seconds / m1) }
    if perProduct < 0 { (perValue, perProduct) = (wide.seconds / v1, 0) }
    secondsPerMapValue = perValue
    secondsPerMultiplication = perProduct
    self.secondsPerVoxel = secondsPerVoxel
  }

  /// The expected time of a training step.
  /// - Parameters:
  ///   - cost: The network's cost for one sample.
  ///   - batchSize: Samples of the step.
  ///   - voxels: Voxels of a sample.
  /// - Returns: Seconds.
  public func seconds(_ cost: NetworkCost, batchSize: Int, voxels: Int) -> Double {
    Double(batchSize)
      * (secondsPerMapValue * Double(cost.mapValues)
        + secondsPerMultiplication * Double(cost.multiplications)
        + secondsPerVoxel * Double(voxels))
  }

  /// Times steps of two small networks.
  /// - Parameters:
  ///   - narrow: The run of the narrower network.
  ///   - wide: The run of the wider network, otherwise the same.
  ///   - sampler: Draws samples as the training will, or nil.
  ///   - interruption: Looked at before every step.
  /// - Returns: The speed; nil where a network's cost is not known.
  /// - Throws: `SupportError.interrupted`; what a step throws.
  static func measure(
    narrow: TrainingConfiguration,
    wide: TrainingConfiguration,
    sampler: (any TrainingSampler)?,
    interruption: Interruption
  ) throws -> StepSpeed? {
    let started = ContinuousClock().now
    func timed(_ run: TrainingConfiguration) throws -> (cost: NetworkCost, seconds: Double)? {
      let patch = run.plan.patchSize
      guard var cost = run.network.cost(inputSize: patch) else { return nil }
      cost.multiplications *= run.batchSize
      cost.mapValues *= run.batchSize
      var state = try TrainingState(run, keepsSteps: true, checkpoint: nil)
      let batch = Self.batch(run, patch: patch)
      var best = Double.infinity
      // The first step also finds memory and plans; the fastest one counts.
      for step in 0...timedSteps {
        try interruption.check()
        let seconds = try ContinuousClock().measure { try state.advance(batch) }.seconds
        best = min(best, seconds)
        if (ContinuousClock().now - started).seconds > limitSeconds / 2, step > 0 { break }
      }
      return (cost, best)
    }
    guard let first = try timed(narrow), let second = try timed(wide) else { return nil }
    return StepSpeed(
      narrow: first,
      wide: second,
      secondsPerVoxel: sampler.map(secondsPerVoxel) ?? 0
    )
  }

  /// Steps that count of each network.
  private static let timedSteps = 3
  /// How long the measurement should take at most.
  private static let limitSeconds = 10.0

  /// Seconds for a voxel of drawn samples, as many side by side as there are threads.
  private static func secondsPerVoxel(_ sampler: any TrainingSampler) -> Double {
    let voxels = sampler.sampleShape.dropFirst().reduce(1, *)
    let count = 4 * Parallelism.threadCount
    let elapsed = ContinuousClock().measure {
      EngineThreads.forEachUnit(count) { _, index in
        _ = sampler.sample(step: index, index: index)
      }
    }
    return elapsed.seconds / Double(count * max(1, voxels))
  }

  private static func batch(_ run: TrainingConfiguration, patch: [Int]) -> TrainingBatch {
    var random = RandomStream(seed: 0)
    let (samples, area) = (run.batchSize, patch.reduce(1, *))
    let values = (0..<samples * run.network.inputChannels * area).map { _ in
      Float(random.uniform(in: -2..<2))
    }
    let count = run.classCount
    let classes = (0..<samples * area).map { Int32($0 % count) }
    return TrainingBatch(
      images: Tensor(values, shape: [samples, run.network.inputChannels] + patch),
      labels: LabelTensor(classes, shape: [samples] + patch)
    )
  }
}
