import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// All that a training on clips depends on, besides `LearningConfiguration`.
public struct ClipConfiguration: Codable, Sendable, Equatable {
  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between a clip and the network.
  public var plan: SequencePlan
  /// How far clips are changed, all frames alike.
  public var augmentation: RecognitionAugmentation
  /// The classes' names.
  public var classNames: [String]
  /// Clips trained on, by a hash of their names and classes, so that a resumed run sees the same.
  public var clipsHash: String
}

/// What a network of clips learns.
struct ClipTask: LearningTask {
  struct Batch: Sendable {
    let clips: Tensor
    let lengths: [Int]
    let labels: [Int32]
  }

  let values: ClipConfiguration
  let training: FittedClips
  let validation: FittedClips

  var network: NetworkConfiguration { values.network }

  private var plan: SequencePlan.Clips {
    guard let clips = values.plan.clips else { preconditionFailure("a plan without clips") }
    return clips
  }

  /// Every clip once in each pass.
  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x636C_6970)
    let size = training.clips.count
    var orders: [Int: [Int]] = [:]
    let first = step * configuration.batchSize
    let chosen = (first..<first + configuration.batchSize).map { position -> FittedClips.Clip in
      let pass = position / size
      var random = stream.split(0, pass)
      let order = orders[pass] ?? Array(0..<size).shuffled(using: &random)
      orders[pass] = order
      return training.clips[order[position % size]]
    }
    let steps = chosen.map(\.frames).max() ?? 1
    let (plan, augmentation) = (plan, values.augmentation)
    let changed = chosen.enumerated().map { place, clip -> [Float] in
      guard augmentation != .none else { return plan.normalized(clip.values, steps: steps) }
      var random = stream.split(1, step, place)
      // Frames are planes to the augmentation, so that all are moved alike.
      let values = augmentation.applied(
        to: clip.values[...],
        height: plan.frames.height,
        width: plan.frames.width,
        &random
      )
      return plan.normalized(values, steps: steps)
    }
    return Batch(
      clips: Tensor(
        Array(changed.joined()),
        shape: [
          chosen.count, plan.frames.channels, steps, plan.frames.height, plan.frames.width,
        ]
      ),
      lengths: chosen.map(\.frames),
      labels: chosen.map { Int32($0.item.label) }
    )
  }

  func images(of batch: Batch) -> Tensor { batch.clips }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    guard let network = network as? ClipClassifier else {
      preconditionFailure("a network of something else than clips")
    }
    return crossEntropy(
      network(batch.clips, lengths: batch.lengths, in: context),
      labels: LabelTensor(batch.labels, shape: [batch.labels.count])
    )
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    guard !validation.clips.isEmpty else { return [] }
    let scores = try scores(of: network, on: validation, interruption: interruption)
    return [
      evaluation(scores, validation, temperature: 1).accuracy.map {
        LearningMetric("accuracy", $0.value)
      }
    ].compactMap(\.self)
  }

  /// The last layer's scores of clips, each on its own.
  func scores(
    of network: any Network,
    on clips: FittedClips,
    interruption: Interruption
  ) throws -> [[Float]] {
    try clips.clips.map { clip in
      try interruption.check()
      return try plan.scores(of: network, clip.values, frames: clip.frames)
    }
  }

  func evaluation(
    _ scores: [[Float]],
    _ clips: FittedClips,
    temperature: Double
  ) -> ClassificationEvaluation {
    var plan = values.plan
    plan.temperature = temperature
    return ClassificationEvaluation(
      scores.map(plan.scoring.probabilities),
      truths: clips.clips.map {
        ClassificationEvaluation.Truth(id: $0.item.id, classes: [$0.item.label])
      },
      plan: plan.scoring,
      classNames: values.classNames
    )
  }
}

extension SequencePlan.Clips {
  /// The scores of one clip, `[frames, channels, rows, columns]` before means and deviations.
  func scores(
    of network: any Network,
    _ values: [Float],
    frames count: Int
  ) throws(SequencesError) -> [Float] {
    let output = network(
      Tensor(
        normalized(values, steps: count),
        shape: [1, frames.channels, count, frames.height, frames.width]
      ),
      in: .inference
    )
    return try SequenceScoring.rows(output)[0]
  }
}
