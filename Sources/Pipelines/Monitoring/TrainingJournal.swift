import Tensors

/// What a run notes beside its weights; kept with its checkpoints, and nothing in it changes them.
package struct TrainingJournal: Codable, Sendable, Equatable {
  /// Looks at held-out cases, by rising step.
  package var validations: [TrainingValidation] = []
  /// Wall time of those looks.
  package var validationSeconds = 0.0
  /// Signs of trouble, in the order in which they were told.
  package var troubles: [TrainingTrouble] = []
  /// Voxels of each class, background first, in the samples of the first epoch; empty before it.
  package var sampledVoxels: [Int] = []
  /// A slice of a held-out case with what the network made of it along the run.
  package var example: SlicePicture?
  private var normSum = 0.0
  private var normCount = 0

  package init() {}

  /// The gradient's norm is looked at in so many steps; every one would cost a pass over the weights.
  static let normInterval = 10

  /// Counts the classes of a batch of the first epoch.
  mutating func note(_ labels: LabelTensor, step: Int, classes: Int) {
    guard step < TrainingConfiguration.stepsPerEpoch else { return }
    if sampledVoxels.count < classes {
      sampledVoxels += [Int](repeating: 0, count: classes - sampledVoxels.count)
    }
    for value in labels.labels where value >= 0 && Int(value) < sampledVoxels.count {
      sampledVoxels[Int(value)] += 1
    }
  }

  /// Adds what the other processes' samples showed; called by all of them at the first epoch's end.
  mutating func sumSampledVoxels(over exchange: any GradientExchange, classes: Int) {
    guard exchange.count > 1 else { return }
    let own = sampledVoxels + [Int](repeating: 0, count: max(0, classes - sampledVoxels.count))
    sampledVoxels = exchange.sums(of: own.map(Double.init)).map { Int($0) }
  }

  /// Notes the norm of a step's gradient.
  mutating func note(gradientNorm: Double) {
    normSum += gradientNorm
    normCount += 1
  }

  /// The mean norm since it was last asked for; nil without any.
  mutating func takeGradientNorm() -> Double? {
    defer { (normSum, normCount) = (0, 0) }
    return normCount > 0 ? normSum / Double(normCount) : nil
  }
}
