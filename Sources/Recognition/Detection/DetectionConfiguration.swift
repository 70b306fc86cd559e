import Networks
import Pipelines
import Tensors

/// Every number of a detector's training; saved with its checkpoints and its model.
public struct DetectionConfiguration: Codable, Sendable, Equatable {
  /// The network's values.
  public var network: DetectorNetwork
  /// The network's input.
  public var plan: RecognitionPlan
  /// How weights change.
  public var learning: LearningConfiguration
  /// How much samples differ from the pictures.
  public var augmentation: DetectionAugmentation
  /// How much the parts of the loss weigh.
  public var lossWeights: DetectionLossWeights
  /// Which regions a detector of two stages learns from; nil for a YOLO.
  public var regionSampling: RegionSampling?

  /// Creates a configuration with the defaults of a training from random weights.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - imageSize: Rows and columns of its input, multiples of its largest stride.
  public init(network: YOLOConfiguration, imageSize: [Int]) {
    self.init(.yolo(network), imageSize: imageSize)
  }

  /// Creates a configuration of a detector in two stages with the defaults of a training from random
  /// weights.
  ///
  /// Batches are small, as a step is long; whole pictures are seen, flipped, scaled and recoloured a little.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - imageSize: Rows and columns of its input, multiples of its coarsest stage's stride.
  public init(network: RegionNetworkConfiguration, imageSize: [Int]) {
    self.init(.regions(network), imageSize: imageSize)
    learning.learningRate = 3e-4
    learning.batchSize = 2
    learning.averagingDecay = 0.99
    augmentation.mosaic = 0
    (augmentation.scale, augmentation.translation) = (0.25, 0.05)
    (augmentation.saturation, augmentation.brightness) = (0.3, 0.2)
    regionSampling = RegionSampling()
  }

  private init(_ network: DetectorNetwork, imageSize: [Int]) {
    self.network = network
    plan = RecognitionPlan(task: .detection, imageSize: imageSize, channels: network.inputChannels)
    plan.fitting = .letterbox
    plan.thresholds = [0.25]
    learning = LearningConfiguration()
    learning.optimizer = .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01)
    learning.learningRate = 1e-3
    learning.warmupSteps = 100
    learning.batchSize = 16
    learning.averagingDecay = 0.998
    augmentation = DetectionAugmentation()
    lossWeights = DetectionLossWeights()
  }

  /// The size of an input for pictures of a given shape: the longest side as asked, the other in
  /// proportion, both rounded up to the largest stride.
  /// - Parameters:
  ///   - longestSide: Pixels of the longest side.
  ///   - width: Columns of the usual picture.
  ///   - height: Rows of the usual picture.
  ///   - strides: The network's strides.
  /// - Returns: Rows and columns.
  public static func imageSize(
    longestSide: Int,
    width: Int,
    height: Int,
    strides: [Int] = [8, 16, 32]
  ) -> [Int] {
    let multiple = strides.last ?? 1
    let scale = Double(longestSide) / Double(max(1, max(width, height)))
    return [height, width].map { side in
      let wanted = Double(side) * scale / Double(multiple)
      return max(1, Int((wanted - 1e-6).rounded(.up))) * multiple
    }
  }

  /// The size of an input for pictures of a given shape: the shorter side as asked, the other in proportion,
  /// both rounded up to the largest stride.
  /// - Parameters:
  ///   - shorterSide: Pixels of the shorter side; pictures that are smaller are not enlarged.
  ///   - width: Columns of the usual picture.
  ///   - height: Rows of the usual picture.
  ///   - multiple: Rows and columns are multiples of this.
  /// - Returns: Rows and columns.
  public static func imageSize(
    shorterSide: Int,
    width: Int,
    height: Int,
    multiple: Int
  ) -> [Int] {
    let shorter = max(1, min(width, height))
    let scale = Double(min(shorterSide, shorter)) / Double(shorter)
    return [height, width].map { side in
      let wanted = Double(max(1, side)) * scale / Double(multiple)
      return min(4096 / multiple, max(1, Int((wanted - 1e-6).rounded(.up)))) * multiple
    }
  }

  /// Checks that the values go together.
  /// - Throws: `RecognitionError.unfitTraining`; `PipelinesError.invalidPlan`; `NetworksError`.
  func check() throws {
    try plan.check()
    try augmentation.check()
    func require(_ condition: Bool, _ reason: String) throws(RecognitionError) {
      if !condition { throw .unfitTraining(reason: reason) }
    }
    try require(plan.task == .detection, "the plan is one for \(plan.task.rawValue)")
    try require(plan.fitting == .letterbox, "pictures are fitted by \(plan.fitting.rawValue)")
    try require(
      plan.channels == network.inputChannels,
      "the network has \(network.inputChannels) channels, the plan \(plan.channels)"
    )
    try regionSampling?.check()
    let multiple = network.sizeMultiple
    try require(
      plan.imageSize.allSatisfy { $0.isMultiple(of: multiple) },
      "the input's size \(plan.imageSize) is no multiple of \(multiple)"
    )
    try require(
      (1...SegmentationDataset.maximumLabels).contains(network.classes),
      "there are \(network.classes) classes, and a model has 1 to \(SegmentationDataset.maximumLabels)"
    )
    try require(
      (1...4096).contains(learning.batchSize) && learning.steps > 0,
      "\(learning.steps) steps of \(learning.batchSize) samples"
    )
    let gains = [lossWeights.box, lossWeights.classes, lossWeights.distribution]
    try require(gains.allSatisfy { $0 >= 0 && $0.isFinite }, "the loss's weights are \(gains)")
  }
}
