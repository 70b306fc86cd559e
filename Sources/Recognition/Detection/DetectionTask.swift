import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// A detector in one stage that is learned.
package struct DetectionTask: LearningTask {
  /// All that a run depends on.
  package struct Values: Codable, Sendable, Equatable {
    let network: DetectorNetwork
    let plan: RecognitionPlan
    let augmentation: DetectionAugmentation
    let lossWeights: DetectionLossWeights
    let regionSampling: RegionSampling?
    /// SHA-256 of the pictures' names, boxes and masks.
    let data: String

    init(_ configuration: DetectionConfiguration, _ training: DetectionDataset) throws {
      network = configuration.network
      plan = configuration.plan
      augmentation = configuration.augmentation
      lossWeights = configuration.lossWeights
      regionSampling = configuration.regionSampling
      data = try Self.fingerprint(training)
    }

    private static func fingerprint(_ data: DetectionDataset) throws -> String {
      var text = data.classes.joined(separator: "\n") + "\n"
      for image in data.images {
        text += "\(image.id) \(image.width) \(image.height)\n"
        for object in image.objects {
          let box = object.box
          text +=
            "\(object.label) \(object.kind.rawValue) \(box.left) \(box.top) \(box.right) "
            + "\(box.bottom)\(object.mask.map { " " + $0.letters } ?? "")\n"
        }
      }
      return try SHA256.hexDigest(of: Data(text.utf8))
    }
  }

  /// The pictures of a run: those it learns from, and those that are looked at.
  struct Pictures: Sendable {
    private let sampler: DetectionSampler
    private let heldOut: DetectionDataset
    /// Pictures of a look.
    private static let lookCount = 48

    init(
      _ configuration: DetectionConfiguration,
      training: DetectionDataset,
      heldOut: DetectionDataset
    ) {
      sampler = DetectionSampler(
        training.images,
        plan: configuration.plan,
        augmentation: configuration.augmentation
      )
      self.heldOut = heldOut
    }

    func batch(
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

    /// The mean average precision on some of the held-out pictures.
    func look(
      at network: any Network,
      _ values: Values,
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
      let summary = measured.summary
      return [
        LearningMetric("map50", summary.map50 ?? 0),
        LearningMetric("map", summary.map ?? 0),
      ] + (summary.maskMap.map { [LearningMetric("mask-map", $0)] } ?? [])
    }
  }

  /// All that a run depends on besides its learning.
  package let values: Values
  /// The network's values.
  package var network: NetworkConfiguration { values.network.configuration }

  private let decoder: DetectionDecoder
  private let assigner = TaskAlignedAssigner()
  private let pictures: Pictures

  /// Prepares a training.
  /// - Parameters:
  ///   - configuration: Every number.
  ///   - network: The network's values.
  ///   - training: The pictures to learn from.
  ///   - heldOut: Pictures to look at on the way; may be none.
  /// - Throws: `SupportError` when the data cannot be hashed.
  package init(
    _ configuration: DetectionConfiguration,
    network: YOLOConfiguration,
    training: DetectionDataset,
    heldOut: DetectionDataset
  ) throws {
    values = try Values(configuration, training)
    pictures = Pictures(configuration, training: training, heldOut: heldOut)
    decoder = DetectionDecoder(network, imageSize: configuration.plan.imageSize)
  }

  /// The samples of a step.
  package func batch(
    step: Int,
    _ configuration: LearningConfiguration
  ) throws -> DetectionSampler.Batch {
    try pictures.batch(step: step, configuration)
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
    try pictures.look(at: network, values, interruption: interruption)
  }
}
