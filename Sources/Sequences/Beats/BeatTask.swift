import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// All that a training on beats depends on, besides `LearningConfiguration`.
public struct BeatConfiguration: Codable, Sendable, Equatable {
  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between a record and the network.
  public var plan: SequencePlan
  /// The classes, as PhysioNet's symbols.
  public var symbols: [String]
  /// A weight of each class in the loss.
  public var classWeights: [Double]
  /// Beats trained on, by a hash of their places and classes, so that a resumed run sees the same.
  public var beatsHash: String
}

/// What a network of beats learns.
struct BeatTask: LearningTask {
  struct Batch: Sendable {
    let windows: Tensor
    let labels: [Int32]
  }

  let values: BeatConfiguration
  let windows: [BeatWindows]
  let training: [BeatDataset.Item]
  let validation: [BeatDataset.Item]
  private let members: [[Int]]
  /// The shares of the classes in a batch, added up.
  private let shares: [Double]

  /// How far training windows are changed: shift, s, gain, and noise in deviations of the leads.
  private static let changes = (shift: 0.01, gain: 0.15, noise: Float(0.1))

  init(
    _ values: BeatConfiguration,
    windows: [BeatWindows],
    training: [BeatDataset.Item],
    validation: [BeatDataset.Item]
  ) {
    self.values = values
    self.windows = windows
    self.training = training
    self.validation = validation
    members = values.symbols.indices.map { label in
      training.indices.filter { training[$0].label == label }
    }
    let roots = members.map { Double($0.count).squareRoot() }
    let whole = roots.reduce(0, +)
    var sum = 0.0
    shares = roots.map {
      sum += $0 / whole
      return sum
    }
  }

  var network: NetworkConfiguration { values.network }

  /// A class first, by the square root of its number of beats, then one of its beats.
  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x6265_6174, step)
    var (windows, labels) = ([Float](), [Int32]())
    for place in 0..<configuration.batchSize {
      var random = stream.split(place)
      let share = random.uniform()
      let label = shares.firstIndex { share < $0 } ?? shares.count - 1
      let own = members[label]
      let item = training[own[Int(random.uniform() * Double(own.count))]]
      var change = BeatWindows.Change()
      change.shiftSeconds = Self.changes.shift * (2 * random.uniform() - 1)
      change.gain = Float(1 + Self.changes.gain * (2 * random.uniform() - 1))
      change.noise = Self.changes.noise
      windows += self.windows[item.record].values(item.beat, change: change, &random)
      labels.append(Int32(label))
    }
    return Batch(
      windows: Tensor(windows, shape: [labels.count] + values.plan.windowShape),
      labels: labels
    )
  }

  func images(of batch: Batch) -> Tensor { batch.windows }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    crossEntropy(
      network(batch.windows, in: context),
      labels: LabelTensor(batch.labels, shape: [batch.labels.count]),
      options: CrossEntropyOptions(classWeights: values.classWeights)
    )
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    guard !validation.isEmpty else { return [] }
    let evaluation = try evaluation(
      of: network,
      on: validation,
      temperature: 1,
      interruption: interruption
    )
    return [
      evaluation.accuracy.map { LearningMetric("accuracy", $0.value) },
      evaluation.balancedAccuracy.map { LearningMetric("balanced accuracy", $0) },
    ].compactMap(\.self)
  }

  /// The last layer's scores of beats.
  func scores(
    of network: any Network,
    on items: [BeatDataset.Item],
    interruption: Interruption
  ) throws -> [[Float]] {
    try SequenceScoring.scores(
      of: network,
      count: items.count,
      shape: values.plan.windowShape,
      interruption: interruption
    ) { index in
      var random = RandomStream(seed: 0)
      return windows[items[index].record].values(items[index].beat, &random)
    }
  }

  func evaluation(
    of network: any Network,
    on items: [BeatDataset.Item],
    temperature: Double,
    interruption: Interruption
  ) throws -> ClassificationEvaluation {
    var plan = values.plan
    plan.temperature = temperature
    return try ClassificationEvaluation(
      scores(of: network, on: items, interruption: interruption).map(plan.scoring.probabilities),
      truths: items.map { item in
        ClassificationEvaluation.Truth(
          id: "record \(item.record + 1), beat \(item.beat + 1)",
          classes: [item.label]
        )
      },
      plan: plan.scoring,
      classNames: values.symbols.map(WFDBAnnotations.name)
    )
  }
}

extension SequencePlan {
  /// What a network sees of a beat, `[leads + 1, steps, samplesPerStep]`.
  var windowShape: [Int] {
    guard let beats else { preconditionFailure("a plan without beats") }
    return [beats.leads.count + 1, beats.steps, beats.samplesPerStep]
  }
}
