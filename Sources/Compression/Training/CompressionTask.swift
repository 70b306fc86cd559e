import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// All that a training for compression depends on, besides `LearningConfiguration`.
public struct CompressionConfiguration: Codable, Sendable, Equatable {
  /// The architecture.
  public var network: NetworkConfiguration
  /// What stands between an image and the network.
  public var plan: CompressionPlan
  /// Planes trained on, by a hash of their names and sizes, so that a resumed run sees the same.
  public var imagesHash: String
}

/// A plane of intensities between 0 and 1.
struct TrainingPlane: Sendable {
  let id: String
  let width: Int
  let height: Int
  let values: [Float]
}

/// What a network for compression learns: few bits and a small distortion at every rate.
struct CompressionTask: LearningTask {
  struct Batch: Sendable {
    let images: Tensor
    /// Uniform between -1/2 and 1/2, in the place of rounding.
    let noise: Tensor
    let rate: Int
  }

  let values: CompressionConfiguration
  let training: [TrainingPlane]
  let validation: [TrainingPlane]

  /// Brings 1 - SSIM to the scale of the squared error of 8 bits.
  private static let similarityScale: Float = 255
  /// Looks measure so many planes.
  private static let lookCount = 16

  var network: NetworkConfiguration { values.network }
  private var plan: CompressionPlan { values.plan }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let (rows, columns) = (plan.pieceSize[0], plan.pieceSize[1])
    var random = RandomStream(seed: configuration.seed).split(0x636F_6465, step)
    var pixels: [Float] = []
    pixels.reserveCapacity(configuration.batchSize * rows * columns)
    for _ in 0..<configuration.batchSize {
      let plane = training[Int(random.uniform() * Double(training.count))]
      let left = Int(random.uniform() * Double(max(0, plane.width - columns) + 1))
      let top = Int(random.uniform() * Double(max(0, plane.height - rows) + 1))
      let (turns, mirrors) = (random.chance(0.5), random.chance(0.5))
      for y in 0..<rows {
        for x in 0..<columns {
          let (a, b) = turns && rows == columns ? (x, y) : (y, x)
          let column = min(left + (mirrors ? columns - 1 - b : b), plane.width - 1)
          pixels.append(plane.values[min(top + a, plane.height - 1) * plane.width + column])
        }
      }
    }
    guard case .imageCodec(let codec) = values.network else {
      preconditionFailure("a network of something else than compression")
    }
    let shape = [
      configuration.batchSize, codec.codeChannels, rows / ImageCodec.reduction,
      columns / ImageCodec.reduction,
    ]
    let noise = (0..<shape.reduce(1, *)).map { _ in Float(random.uniform() - 0.5) }
    return Batch(
      images: Tensor(pixels, shape: [configuration.batchSize, 1, rows, columns]),
      noise: Tensor(noise, shape: shape),
      rate: Int(random.uniform() * Double(codec.rates))
    )
  }

  func images(of batch: Batch) -> Tensor { batch.images }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    guard let codec = network as? ImageCodec else {
      preconditionFailure("a network of something else than compression")
    }
    let (bits, image) = codec.noisy(batch.images, noise: batch.noise, rate: batch.rate, in: context)
    let pixels = Float(batch.images.count)
    let weight = Float(plan.distortionWeights[batch.rate])
    let share = Float(plan.similarityShare)
    var distortion = squaredLoss(image, target: batch.images) * (255 * 255 * (1 - share))
    if share > 0 {
      distortion =
        distortion
        + structuralSimilarityLoss(
          image,
          target: batch.images,
          options: StructuralSimilarityOptions(dataRange: 1)
        ) * (share * Self.similarityScale)
    }
    return bits * (1 / pixels) + distortion * weight
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] {
    guard let codec = network as? ImageCodec, !validation.isEmpty else { return [] }
    let model = CompressionModel(codec, name: "", weights: "")
    let results = try CompressionCurve(
      model,
      planes: Array(validation.prefix(Self.lookCount)),
      qualities: [0.5],
      interruption: interruption
    )
    return results.points.flatMap { point in
      [LearningMetric("bits a pixel", point.bitsPerPixel), LearningMetric("PSNR", point.psnr)]
    }
  }
}

/// Keeps logarithms finite.
private let leastProbability: Float = 1e-9

extension ImageCodec {
  /// Bits and image with noise in the place of rounding.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - noise: `[N, codeChannels, H / 8, W / 8]`, between -1/2 and 1/2.
  ///   - rate: Which rate.
  ///   - context: To train.
  /// - Returns: The sum of the bits by the channels' logistic distributions, and the image.
  package func noisy(
    _ x: Tensor,
    noise: Tensor,
    rate: Int,
    in context: Context
  ) -> (bits: Tensor, image: Tensor) {
    let code = self.code(of: x, in: context) * factors(gain, rate: rate, in: context) + noise
    let inverseScale = factors(logScale, rate: rate, in: context).reciprocal()
    // The distribution is symmetric, and far below its middle the difference of sigmoids keeps its digits.
    let magnitude = code.magnitude()
    let upper = sigmoid((0.5 - magnitude) * inverseScale)
    let lower = sigmoid((-0.5 - magnitude) * inverseScale)
    let probability = upper - lower + leastProbability
    let bits = probability.log().sum(axes: nil) * Float(-1 / log(2.0))
    let restored = code * factors(inverseGain, rate: rate, in: context)
    return (bits, image(of: restored, in: context))
  }
}
