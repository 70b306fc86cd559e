import Evaluation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// What a network for whole images learns.
struct ClassificationTask: LearningTask {
  /// Images and their classes.
  struct Batch: Sendable {
    let images: Tensor
    let classes: [[Int]]
  }

  let values: ClassificationConfiguration
  let training: FittedImages
  let validation: FittedImages
  /// Images of each class, for trainings that draw classes first.
  private let members: [[Int]]

  /// Images of one identity in a batch of triplets.
  private static let imagesPerIdentity = 4

  init(_ values: ClassificationConfiguration, training: FittedImages, validation: FittedImages) {
    self.values = values
    self.training = training.with(values.plan)
    self.validation = validation.with(values.plan)
    members = values.classNames.indices.map { label in
      training.items.indices.filter { training.items[$0].classes.contains(label) }
    }
  }

  var network: NetworkConfiguration { values.network }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x696D_6167)
    let indices = indices(step: step, count: configuration.batchSize, stream)
    return Batch(
      images: training.batch(
        indices,
        augmentation: values.augmentation == .none ? nil : values.augmentation,
        stream: stream.split(1, step)
      ),
      classes: indices.map { training.items[$0].classes }
    )
  }

  /// Every image once in each pass; or classes first, then an image of each.
  private func indices(step: Int, count: Int, _ stream: RandomStream) -> [Int] {
    let filled = members.indices.filter { !members[$0].isEmpty }
    if case .triplet = values.loss {
      var random = stream.split(2, step)
      return (0..<max(2, count / Self.imagesPerIdentity)).flatMap { _ -> [Int] in
        let members = members[filled[Int(random.uniform() * Double(filled.count))]]
        return (0..<Self.imagesPerIdentity).map { _ in
          members[Int(random.uniform() * Double(members.count))]
        }
      }
    }
    if values.balances, !filled.isEmpty {
      var random = stream.split(2, step)
      return (0..<count).map { _ in
        let members = members[filled[Int(random.uniform() * Double(filled.count))]]
        return members[Int(random.uniform() * Double(members.count))]
      }
    }
    return PassOrder.indices(step: step, count: count, of: training.count, stream)
  }

  func images(of batch: Batch) -> Tensor { batch.images }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    let labels = batch.classes.map { Int32($0.first ?? 0) }
    switch values.loss {
    case .crossEntropy(let smoothing):
      return crossEntropy(
        network(batch.images, in: context),
        labels: LabelTensor(labels, shape: [labels.count]),
        options: CrossEntropyOptions(labelSmoothing: smoothing)
      )
    case .findings:
      let count = values.classNames.count
      let targets = batch.classes.flatMap { shown in
        (0..<count).map { shown.contains($0) ? Float(1) : 0 }
      }
      return binaryCrossEntropy(
        network(batch.images, in: context),
        targets: Tensor(targets, shape: [batch.classes.count, count])
      )
    case .arcFace(let margin, let scale):
      guard let network = network as? any VectorNetwork else {
        preconditionFailure("a network without an embedding")
      }
      return MetricLearning.arcFaceLoss(
        network,
        batch.images,
        labels: labels,
        margin: margin,
        scale: scale,
        in: context
      )
    case .triplet(let margin):
      guard let network = network as? any VectorNetwork else {
        preconditionFailure("a network without an embedding")
      }
      return MetricLearning.hardTripletLoss(
        MetricLearning.unitEmbedding(network, batch.images, in: context),
        labels: labels,
        margin: margin
      )
    }
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    guard validation.count > 0 else { return [] }
    if values.plan.task == .embedding {
      let vectors = try RecognitionScoring.embeddings(
        of: network,
        validation,
        interruption: interruption
      )
      let result = VerificationEvaluation(
        vectors,
        identities: validation.items.map { $0.classes.first ?? -1 }
      )
      return [result.map { LearningMetric("verification AUC", $0.area) }].compactMap(\.self)
    }
    let probabilities = try RecognitionScoring.probabilities(
      of: network,
      validation,
      interruption: interruption
    )
    let evaluation = ClassificationEvaluation(
      probabilities,
      items: validation.items,
      plan: values.plan,
      classNames: values.classNames
    )
    return [
      evaluation.accuracy.map { LearningMetric("accuracy", $0.value) },
      evaluation.meanArea.map { LearningMetric("AUC", $0) },
    ].compactMap(\.self)
  }
}
