import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// All that a training of sentences depends on, besides `LearningConfiguration`.
struct CaptionTrainingValues: Codable, Sendable, Equatable {
  /// The architecture.
  var network: CaptionConfiguration
  /// What stands between an image and the network.
  var plan: SequencePlan.Captions
  /// How far images are changed.
  var augmentation: RecognitionAugmentation
  /// Images trained on, by a hash of their names and sentences.
  var imagesHash: String
}

/// What a network that writes sentences learns: the next word, given those of the image's own sentence.
struct CaptionTask: LearningTask {
  /// Images, and of each a sentence by numbers, from its first word to the mark of its end.
  struct Batch: Sendable {
    let images: Tensor
    let sentences: [[Int]]
  }

  let values: CaptionTrainingValues
  let training: FittedImages
  let validation: FittedImages
  /// Sentences by numbers, of each training image.
  private let sentences: [[[Int]]]
  private let validationSentences: [[[Int]]]

  /// The weight of the wish that every place is looked at about once.
  ///
  /// Xu et al. 2015, equation 14.
  private static let attentionWeight: Float = 0.3
  /// Marks steps after a sentence's end.
  private static let nothing: Int32 = -1

  init(
    _ values: CaptionTrainingValues,
    training: FittedImages,
    validation: FittedImages,
    captions: [String: [[String]]]
  ) {
    self.values = values
    self.training = training.with(values.plan.images)
    self.validation = validation.with(values.plan.images)
    func numbers(_ images: FittedImages) -> [[[Int]]] {
      images.items.map { item in
        (captions[item.id] ?? []).map { values.plan.numbers($0) + [SequencePlan.Captions.end] }
      }
    }
    sentences = numbers(training)
    validationSentences = numbers(validation)
  }

  var network: NetworkConfiguration { .captioner(values.network) }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x6361_7074)
    let indices = PassOrder.indices(
      step: step,
      count: configuration.batchSize,
      of: training.count,
      stream
    )
    return Batch(
      images: training.batch(
        indices,
        augmentation: values.augmentation == .none ? nil : values.augmentation,
        stream: stream.split(1, step)
      ),
      sentences: indices.enumerated().map { place, index in
        var random = stream.split(2, step, place)
        let own = sentences[index]
        return own[min(own.count - 1, Int(random.uniform() * Double(own.count)))]
      }
    )
  }

  func images(of batch: Batch) -> Tensor { batch.images }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    guard let network = network as? CaptionNetwork else {
      preconditionFailure("a network that writes no sentences")
    }
    let found = Self.scores(of: network, batch, in: context)
    let looked = found.attention * -1 + 1
    return found.loss + (looked * looked).mean * Self.attentionWeight
  }

  /// The mean cross-entropy of a word, and how much every place was looked at, `[N, places]`.
  private static func scores(
    of network: CaptionNetwork,
    _ batch: Batch,
    in context: Context
  ) -> (loss: Tensor, attention: Tensor) {
    let steps = batch.sentences.map(\.count).max() ?? 1
    let samples = batch.sentences.count
    let places = network.places(of: batch.images, in: context)
    var state = network.begin(places, in: context)
    var last = [Int](repeating: SequencePlan.Captions.start, count: samples)
    var scores: [Tensor] = []
    var attention: Tensor?
    var labels: [Int32] = []
    for step in 0..<steps {
      let result = network.step(last, places, from: state, in: context)
      state = result.state
      scores.append(result.scores)
      let counts = batch.sentences.map { step < $0.count ? Float(1) : 0 }
      let part = result.attention * Tensor(counts, shape: [samples, 1])
      attention = attention.map { $0 + part } ?? part
      for (place, sentence) in batch.sentences.enumerated() {
        labels.append(step < sentence.count ? Int32(sentence[step]) : nothing)
        last[place] = step < sentence.count ? sentence[step] : SequencePlan.Captions.end
      }
    }
    let loss = crossEntropy(
      concatenation(scores, axis: 0),
      labels: LabelTensor(labels, shape: [labels.count]),
      ignoring: nothing
    )
    return (loss, attention ?? Tensor(repeating: 0, shape: [samples, 1]))
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    guard validation.count > 0, let network = network as? CaptionNetwork else { return [] }
    var (sum, count) = (0.0, 0)
    for start in stride(from: 0, to: validation.count, by: RecognitionScoring.batchSize) {
      try interruption.check()
      let range = start..<min(validation.count, start + RecognitionScoring.batchSize)
      let batch = Batch(
        images: validation.batch(Array(range)),
        sentences: range.map { validationSentences[$0][0] }
      )
      let loss = Self.scores(of: network, batch, in: .inference).loss
      // The loss is a mean over the batch's words, their ends included.
      let words = batch.sentences.reduce(0) { $0 + $1.count }
      sum += Double(loss.scalar) * Double(words)
      count += words
    }
    return [LearningMetric("cross-entropy of a word", sum / Double(max(1, count)))]
  }
}
