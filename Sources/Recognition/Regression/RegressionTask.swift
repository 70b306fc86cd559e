import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// What a network for numbers learns.
struct RegressionTask: LearningTask {
  /// Images and their numbers, `[N, targets]`, less their means over their deviations.
  struct Batch: Sendable {
    let images: Tensor
    let targets: Tensor
  }

  let values: RegressionConfiguration
  let training: FittedImages
  let validation: FittedImages

  /// The logarithm of a variance lies within ± this.
  private static let largestLogVariance: Float = 8

  init(_ values: RegressionConfiguration, training: FittedImages, validation: FittedImages) {
    self.values = values
    self.training = training.with(values.plan)
    self.validation = validation.with(values.plan)
  }

  var network: NetworkConfiguration { values.network }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x6E75_6D62)
    let indices = PassOrder.indices(
      step: step,
      count: configuration.batchSize,
      of: training.count,
      stream
    )
    let targets = values.plan.regression?.targets ?? []
    let numbers = indices.flatMap { index in
      zip(training.items[index].targets, targets).map { Float(($0 - $1.mean) / $1.deviation) }
    }
    return Batch(
      images: training.batch(
        indices,
        augmentation: values.augmentation == .none ? nil : values.augmentation,
        stream: stream.split(1, step)
      ),
      targets: Tensor(numbers, shape: [indices.count, targets.count])
    )
  }

  func images(of batch: Batch) -> Tensor { batch.images }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    let output = network(batch.images, in: context)
    switch values.loss {
    case .huber: return huberLoss(output, target: batch.targets)
    case .gaussian:
      let count = batch.targets.shape[1]
      let error = output.sliced(axis: 1, start: 0, end: count) - batch.targets
      let spread = Self.logVariance(output.sliced(axis: 1, start: count, end: 2 * count))
      return ((spread + error * error * (spread * -1).exp()) * 0.5).mean
    }
  }

  /// The logarithm of the variance that an output means, kept from running away.
  private static func logVariance(_ output: Tensor) -> Tensor {
    tanh(output * (1 / largestLogVariance)) * largestLogVariance
  }

  /// The spread that an output means, on the scale on which the numbers' deviation is 1.
  static func spread(_ output: Float) -> Double {
    let limit = Double(largestLogVariance)
    return Foundation.exp(0.5 * limit * Foundation.tanh(Double(output) / limit))
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    guard validation.count > 0 else { return [] }
    let told = try RegressionScoring.predictions(
      of: network,
      validation,
      interruption: interruption
    )
    let targets = values.plan.regression?.targets ?? []
    return targets.indices.map { place in
      let errors = zip(told, validation.items).map { abs($0[place].value - $1.targets[place]) }
      return LearningMetric(
        targets.count == 1 ? "MAE" : "MAE of \(targets[place].name)",
        errors.reduce(0, +) / Double(errors.count)
      )
    }
  }
}

/// What networks say of numbers.
package enum RegressionScoring {
  /// A number, and how sure the network is of it.
  package struct Prediction: Sendable, Equatable {
    /// The number in its unit.
    package var value: Double
    /// The standard deviation that the network tells, in the same unit; nil where it tells none.
    package var spread: Double?

    package init(value: Double, spread: Double? = nil) {
      self.value = value
      self.spread = spread
    }
  }

  /// The numbers of a network's outputs for an image.
  static func predictions(
    _ outputs: [Float],
    _ regression: RecognitionPlan.Regression
  ) -> [Prediction] {
    let count = regression.targets.count
    return regression.targets.enumerated().map { place, target in
      Prediction(
        value: target.mean + target.deviation * Double(outputs[place]),
        spread: regression.hasSpread
          ? target.deviation * RegressionTask.spread(outputs[count + place]) : nil
      )
    }
  }

  /// The numbers of many images.
  /// - Throws: `RecognitionError.infiniteScores`; `SupportError.interrupted`.
  static func predictions(
    of network: any Network,
    _ images: FittedImages,
    interruption: Interruption
  ) throws -> [[Prediction]] {
    guard let regression = images.plan.regression else {
      preconditionFailure("a plan without numbers")
    }
    return try RecognitionScoring.scores(of: network, images, interruption: interruption)
      .map { predictions($0, regression) }
  }

  /// Those of a network that is planned already.
  static func predictions(
    of network: PlannedNetwork,
    _ images: FittedImages,
    interruption: Interruption
  ) throws -> [[Prediction]] {
    guard let regression = images.plan.regression else {
      preconditionFailure("a plan without numbers")
    }
    return try RecognitionScoring.scores(of: network, images, interruption: interruption)
      .map { predictions($0, regression) }
  }
}
