import Networks
import Pipelines
import Support

/// What is asked for when a network for whole images is trained; nil is chosen from the images.
public struct ClassificationRequest: Sendable {
  /// The network's name (`VectorNetworkCatalog.names`).
  public var network = "resnet18"
  /// Rows and columns that the network sees; those of the images, but at most 224, when nil.
  public var imageSize: [Int]?
  /// 1 for grey images, 3 for colours; 3 when nil and one of the first images has colours.
  public var channels: Int?
  /// How images of another size are brought to the network's.
  public var fitting = RecognitionPlan.Fitting.stretch
  /// Which intensities become 0 and 1; 0 to 255 for pictures and percentiles for scans when nil.
  public var intensity: IntensityRange?
  /// Whether images are embedded so that they can be recognised, rather than classified.
  public var embeds = false
  /// What is minimised; by the task when nil.
  public var loss: ClassificationConfiguration.Loss?
  /// Whether every class is drawn equally often.
  public var balances = false
  /// How far images are changed.
  public var augmentation = RecognitionAugmentation()
  /// Share of the images that is kept for the test, if the data set has none.
  public var testShare = 0.2
  /// Share of the others that is looked at on the way, if the data set has none.
  public var validationShare = 0.1
  /// The share of images whose true class should be in the conformal set.
  public var coverage = 0.9
  /// For what people or things are recognised.
  public var purpose: String?

  /// Creates the defaults that the properties show.
  public init() {}

  /// Images that are looked at for what is not said.
  static let sampleCount = 32
  /// The largest side that is chosen.
  private static let usualSide = 224
  /// The smallest side that networks take.
  private static let leastSide = 8
  /// ArcFace's constants for small sets; the paper's scale is 64.
  public static let (arcMargin, arcScale) = (0.5, 16.0)

  /// The values of a training.
  /// - Parameter images: The images.
  /// - Returns: The values; means and deviations are found when the images are read.
  /// - Throws: `RecognitionError.unknownNetwork`, `.unfitTraining`, `.noImages`.
  package func configuration(for images: LabelledImages) throws -> ClassificationConfiguration {
    let step = max(1, images.count / Self.sampleCount)
    let sample = stride(from: 0, to: images.count, by: step).compactMap { place in
      try? images.items[place].read()
    }
    guard !sample.isEmpty else {
      throw RecognitionError.noImages(path: images.name, reason: "none of the first can be read")
    }
    let channels = channels ?? (sample.contains(where: \.hasColours) ? 3 : 1)
    let size = imageSize ?? Self.usualSize(sample)
    let task: RecognitionPlan.Task =
      embeds ? .embedding : images.areFindings ? .findings : .classification
    guard !embeds || !images.areFindings else {
      throw RecognitionError.unfitTraining(
        reason: "images with several findings each have no identity to be recognised by"
      )
    }
    var plan = RecognitionPlan(task: task, imageSize: size, channels: channels)
    plan.fitting = fitting
    let areScans = images.items.contains { if case .slice = $0.source { true } else { false } }
    plan.intensity =
      intensity
      ?? (areScans ? .percentiles(low: 0.5, high: 99.5) : .fixed(low: 0, high: 255))
    plan.purpose = purpose
    plan.takesColours = self.channels == 1 ? true : nil
    guard
      let network = VectorNetworkCatalog.configuration(
        named: network,
        inputChannels: channels,
        outputChannels: images.classNames.count,
        imageSize: size
      )
    else {
      if VectorNetworkCatalog.names.contains(network) {
        throw RecognitionError.unfitTraining(
          reason:
            "\(network) takes no images of \(size[0]) x \(size[1]) pixels; choose a larger --size"
        )
      }
      throw RecognitionError.unknownNetwork(name: network, known: VectorNetworkCatalog.names)
    }
    var result = ClassificationConfiguration(
      network: network,
      plan: plan,
      classNames: images.classNames
    )
    result.augmentation = augmentation
    result.balances = balances
    switch (loss, task) {
    case (.some(let loss), _): result.loss = loss
    case (nil, .embedding): result.loss = .arcFace(margin: Self.arcMargin, scale: Self.arcScale)
    case (nil, .findings): result.loss = .findings
    default: break
    }
    switch (result.loss, task) {
    case (.crossEntropy, .classification), (.findings, .findings), (.arcFace, .embedding),
      (.triplet, .embedding):
      break
    default: throw RecognitionError.unfitTraining(reason: "the loss does not suit \(task.rawValue)")
    }
    return result
  }

  /// The size of images of one shape, or a square; at most 224 pixels a side.
  static func usualSize(_ sample: [ImagePlanes]) -> [Int] {
    func side(_ sides: [Int]) -> Int {
      let middle = sides.sorted()[sides.count / 2]
      return max(leastSide, min(usualSide, middle))
    }
    let (height, width) = (side(sample.map(\.height)), side(sample.map(\.width)))
    let isUniform = Set(sample.map { [$0.height, $0.width] }).count == 1
    // Images of many shapes become squares.
    return isUniform && max(height, width) <= usualSide
      ? [height, width] : [max(height, width), max(height, width)]
  }
}

extension ImagePlanes {
  /// Whether its planes differ.
  package var hasColours: Bool {
    guard channels == 3 else { return false }
    let area = height * width
    return values[0..<area] != values[area..<2 * area]
      || values[0..<area] != values[2 * area..<3 * area]
  }
}
