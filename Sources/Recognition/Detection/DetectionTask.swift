import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// A detector that is learned.
package struct DetectionTask: LearningTask {
  /// All that a run depends on.
  package struct Values: Codable, Sendable, Equatable {
    let network: YOLOConfiguration
    let plan: RecognitionPlan
    let augmentation: DetectionAugmentation
    let lossWeights: DetectionLossWeights
    /// SHA-256 of the pictures' names and boxes.
    let data: String
  }

  /// All that a run depends on besides its learning.
  package let values: Values
  /// The network's values.
  package var network: NetworkConfiguration { .yolo(values.network) }

  private let sampler: DetectionSampler
  private let heldOut: DetectionDataset
  private let decoder: DetectionDecoder
  private let assigner = TaskAlignedAssigner()
  /// Pictures of a look.
  private static let lookCount = 48

  /// Prepares a training.
  /// - Parameters:
  ///   - configuration: Every number.
  ///   - training: The pictures to learn from.
  ///   - heldOut: Pictures to look at on the way; may be none.
  /// - Throws: `SupportError` when the data cannot be hashed.
  package init(
    _ configuration: DetectionConfiguration,
    training: DetectionDataset,
    heldOut: DetectionDataset
  ) throws {
    values = Values(
      network: configuration.network,
      plan: configuration.plan,
      augmentation: configuration.augmentation,
      lossWeights: configuration.lossWeights,
      data: try Self.fingerprint(training)
    )
    sampler = DetectionSampler(
      training.images,
      plan: configuration.plan,
      augmentation: configuration.augmentation
    )
    self.heldOut = heldOut
    decoder = DetectionDecoder(configuration.network, imageSize: configuration.plan.imageSize)
  }

  private static func fingerprint(_ data: DetectionDataset) throws -> String {
    var text = data.classes.joined(separator: "\n") + "\n"
    for image in data.images {
      text += "\(image.id) \(image.width) \(image.height)\n"
      for object in image.objects {
        let box = object.box
        text +=
          "\(object.label) \(object.kind.rawValue) \(box.left) \(box.top) \(box.right) "
          + "\(box.bottom)\n"
      }
    }
    return try SHA256.hexDigest(of: Data(text.utf8))
  }

  /// The samples of a step.
  package func batch(
    step: Int,
    _ configuration: LearningConfiguration
  ) throws -> DetectionSampler.Batch {
    try sampler.batch(
      step: step,
      of: configuration.steps,
      count: configuration.batchSize,
      seed: configuration.seed
    )
  }

  /// The pictures.
  package func images(of batch: DetectionSampler.Batch) -> Tensor { batch.images }

  /// The loss, its cells chosen by what the network says now.
  package func loss(
    of network: any Network,
    on batch: DetectionSampler.Batch,
    in context: Context
  ) -> Tensor {
    let output = network(batch.images, in: context)
    return detectionLoss(
      output,
      targets: assigner.targets(output.detached, objects: batch.objects, decoder: decoder),
      grid: decoder.grid,
      bins: decoder.bins,
      weights: values.lossWeights
    )
  }

  /// The mean average precision on some of the held-out pictures.
  package func look(
    at network: any Network,
    interruption: Interruption
  ) throws -> [LearningMetric] {
    let images = Array(heldOut.images.prefix(Self.lookCount))
    guard !images.isEmpty else { return [] }
    let detector = try Detector(
      network,
      configuration: values.network,
      plan: values.plan,
      classes: heldOut.classes,
      name: "the network"
    )
    let measured = try DetectionMeasurement(
      detector,
      on: DetectionDataset(name: heldOut.name, classes: heldOut.classes, images: images),
      interruption: interruption
    )
    return [
      LearningMetric("map50", measured.summary.map50 ?? 0),
      LearningMetric("map", measured.summary.map ?? 0),
    ]
  }
}
