import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// All that a training on normal images depends on, besides `LearningConfiguration`.
public struct AnomalyConfiguration: Codable, Sendable, Equatable {
  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between an image and the network.
  public var plan: AutoencoderPlan
  /// How far images are changed.
  public var augmentation: RecognitionAugmentation
  /// Deviation of the noise that inputs are given, on the scale on which the range is 1.
  public var noise: Double
  /// The weight of the divergence of a variational autoencoder, in nats over pixels.
  public var divergenceWeight: Double
  /// The weight of the commitment of a vector-quantised autoencoder.
  public var commitmentWeight: Double
  /// Images trained on, by a hash of their names, so that a resumed run sees the same.
  public var imagesHash: String
}

/// An autoencoder learns to give normal images back.
struct AnomalyTask: LearningTask {
  struct Batch: Sendable {
    /// What the network is given.
    let inputs: Tensor
    /// What it should give.
    let images: Tensor
  }

  let values: AnomalyConfiguration
  let training: FittedImages
  let heldOut: FittedImages

  var network: NetworkConfiguration { values.network }

  /// Images that are given to the network at once where nothing is learnt.
  private static let inferenceBatch = 64

  /// Every image once in each pass.
  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x616E_6F6D)
    let chosen = ImageOrder(count: training.count, stream: stream)
      .batch(step: step, size: configuration.batchSize)
    let images = training.batch(
      chosen,
      augmentation: values.augmentation == .none ? nil : values.augmentation,
      stream: stream.split(1, step)
    )
    guard values.noise > 0 else { return Batch(inputs: images, images: images) }
    var random = stream.split(2, step)
    let noise = (0..<images.count).map { _ in Float(random.normal() * values.noise) }
    return Batch(inputs: images + Tensor(noise, shape: images.shape), images: images)
  }

  func images(of batch: Batch) -> Tensor { batch.inputs }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    switch network {
    case let network as VariationalAutoencoder:
      let latent = network.encoded(batch.inputs, in: context)
      let output = network.decoded(network.sampled(latent, in: context), in: context)
      let pixels = batch.images.shape.dropFirst().reduce(1, *)
      let weight = Float(values.divergenceWeight / Double(pixels))
      return squaredLoss(output, target: batch.images) + latent.divergence * weight
    case let network as VectorQuantizedAutoencoder:
      let found = network.quantized(batch.inputs, in: context)
      return squaredLoss(network.decoded(found.codes, in: context), target: batch.images)
        + found.commitment * Float(values.commitmentWeight)
    default:
      return squaredLoss(network(batch.inputs, in: context), target: batch.images)
    }
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    guard heldOut.count > 0 else { return [] }
    let residuals = try Self.residuals(of: network, on: heldOut, interruption: interruption)
    return [LearningMetric("squaredError", Self.squaredError(residuals))]
  }

  /// The mean square of residuals.
  static func squaredError(_ residuals: [[Float]]) -> Double {
    var (sum, count) = (0.0, 0)
    for residual in residuals {
      for value in residual { sum += Double(value * value) }
      count += residual.count
    }
    return sum / Double(max(1, count))
  }

  /// Images less reconstructions, of each image.
  static func residuals(
    of network: any Network,
    on images: FittedImages,
    interruption: Interruption
  ) throws -> [[Float]] {
    var result: [[Float]] = []
    for first in stride(from: 0, to: images.count, by: inferenceBatch) {
      try interruption.check()
      let batch = images.batch(Array(first..<min(images.count, first + inferenceBatch)))
      result += residuals(of: network, batch)
    }
    return result
  }

  /// Images less reconstructions, of a batch.
  static func residuals(of network: any Network, _ batch: Tensor) -> [[Float]] {
    let difference = (batch - network(batch, in: .inference)).values
    let size = difference.count / batch.shape[0]
    return (0..<batch.shape[0]).map { Array(difference[$0 * size..<($0 + 1) * size]) }
  }
}

/// The order in which images are trained on: every one once in each pass.
struct ImageOrder {
  let count: Int
  let stream: RandomStream

  /// The images of a step.
  func batch(step: Int, size: Int) -> [Int] {
    var orders: [Int: [Int]] = [:]
    let first = step * size
    return (first..<first + size).map { position in
      let pass = position / count
      var random = stream.split(0, pass)
      let order = orders[pass] ?? Array(0..<count).shuffled(using: &random)
      orders[pass] = order
      return order[position % count]
    }
  }
}
