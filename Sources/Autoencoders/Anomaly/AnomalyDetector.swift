import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Tells unusual images, with a model of Lamina's.
public struct AnomalyDetector: Sendable {
  /// The result for one image.
  public struct Result: Codable, Sendable, Equatable {
    /// The image's name; slices of volumes end in "#" and a number.
    public let id: String
    /// How unusual it is, without a unit; the model's definition says what of.
    public let score: Double
    /// Whether the score is above the model's threshold.
    public let isUnusual: Bool
    /// The same by principal components.
    public let baselineScore: Double
    /// Whether it is above the baseline's threshold.
    public let baselineIsUnusual: Bool
  }

  /// An image with its heat map, both on the image's grid.
  public struct Scored: Sendable {
    /// The result.
    public let result: Result
    /// Rows of the image.
    public let height: Int
    /// Columns of the image.
    public let width: Int
    /// Red, green and blue of each pixel, 0 to 255: the image within the model's range of intensities.
    public let image: [UInt8]
    /// The heat of each pixel over twice the threshold, 0 to 1: at a half, the heat is that at which an
    /// image would be unusual if its hottest pixels were all like this.
    public let heat: [Float]
  }

  /// What came of one of many images.
  public enum Outcome: Sendable {
    /// It was scored.
    case scored(Scored)
    /// It could not be.
    case failed(any ClassifiedError)
  }

  static let meanKey = "baseline.mean"
  static let componentsKey = "baseline.components"
  static let deviationsKey = "deviations"
  static let baselineDeviationsKey = "baseline.deviations"
  /// The file of the baseline and of the deviations.
  static let fileName = "anomaly.safetensors"

  /// The model.
  public let model: ModelPackage
  /// How images are seen.
  public let images: RecognitionPlan
  /// How images are scored.
  package let scoring: AnomalyScoring
  private let baselineScoring: AnomalyScoring
  private let network: PlannedNetwork
  private let baseline: PlannedNetwork

  /// The numbers of the definition, with the thresholds.
  public var plan: AutoencoderPlan.Anomaly { scoring.plan }
  /// What the score is, in words.
  public var definition: String { scoring.definition }
  /// Whether the model itself is of principal components.
  public var isBaseline: Bool {
    if case .linearAutoencoder = model.description.network { true } else { false }
  }

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameter model: The model.
  /// - Throws: `AutoencodersError.otherTask`, `.damagedModel`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage) throws {
    guard let plan = model.description.plan.autoencoder, let anomaly = plan.anomaly else {
      throw AutoencodersError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "telling unusual images"
      )
    }
    self.model = model
    images = plan.images
    network = try PlannedNetwork(model.makeNetwork())
    guard model.description.files[Self.fileName] != nil else {
      throw AutoencodersError.damagedModel(
        path: model.path,
        reason: "model.json gives no hash of \(Self.fileName)"
      )
    }
    let stored = try Safetensors(contentsOf: model.path + "/" + Self.fileName).tensors
    let size = plan.images.channels * plan.images.imageSize.reduce(1, *)
    func values(_ key: String, _ count: Int) throws -> [Float] {
      guard let tensor = stored[key], tensor.count == count,
        tensor.values.allSatisfy(\.isFinite)
      else {
        throw AutoencodersError.damagedModel(
          path: model.path,
          reason: "\(Self.fileName) has no \(key) of \(count) numbers"
        )
      }
      return tensor.values
    }
    func scoring(_ key: String) throws -> AnomalyScoring {
      let deviations = try values(key, size)
      guard deviations.allSatisfy({ $0 > 0 }) else {
        throw AutoencodersError.damagedModel(
          path: model.path,
          reason: "\(key) of \(Self.fileName) are not all above 0"
        )
      }
      return AnomalyScoring(plan: anomaly, size: plan.images.imageSize, deviations: deviations)
    }
    self.scoring = try scoring(Self.deviationsKey)
    baselineScoring = try scoring(Self.baselineDeviationsKey)
    baseline = try PlannedNetwork(
      Self.baseline(
        mean: values(Self.meanKey, size),
        components: values(Self.componentsKey, anomaly.components * size),
        count: anomaly.components,
        size: plan.images.imageSize
      )
    )
  }

  /// The linear autoencoder of principal components.
  static func baseline(
    mean: [Float],
    components: [Float],
    count: Int,
    size: [Int]
  ) throws -> LinearAutoencoder {
    let configuration = LinearAutoencoderConfiguration(
      channels: mean.count / size.reduce(1, *),
      patch: size,
      components: count
    )
    var random = RandomStream(seed: 0)
    let made = try Parameter.withoutRandomWeights {
      try NetworkConfiguration.linearAutoencoder(configuration).makeNetwork(random: &random)
    }
    guard let network = made as? LinearAutoencoder else {
      preconditionFailure("another network than was asked for")
    }
    network.set(mean: mean, components: components)
    return network
  }

  /// Scores one image.
  /// - Parameters:
  ///   - item: The image.
  ///   - reader: Reads it, and a volume only once for slices that follow each other.
  /// - Returns: The image with its heat map.
  /// - Throws: What reading throws; `RecognitionError.unsuitableImage` for an image that is constant or
  ///   nowhere finite, and for colours where the network sees grey; `AutoencodersError.infiniteValues`.
  package func score(_ item: LabelledImages.Item, reader: inout ImageReader) throws -> Scored {
    let image = try reader.read(item)
    try images.check(image, path: item.id, model: model.description.name)
    let input = Tensor(
      images.fitted(image).values,
      shape: [1, images.channels, images.height, images.width]
    )
    let (score, heat) = scoring.score((input - network(input)).values)
    let (rival, _) = baselineScoring.score((input - baseline(input)).values)
    guard score.isFinite, rival.isFinite else {
      throw AutoencodersError.infiniteValues(model: model.description.name)
    }
    let large = ImagePlanes(height: images.height, width: images.width, values: heat)
      .resized(toHeight: image.height, width: image.width)
    let top = Float(max(2 * plan.threshold, 1e-6))
    return Scored(
      result: Result(
        id: item.id,
        score: Self.rounded(score),
        isUnusual: score > plan.threshold,
        baselineScore: Self.rounded(rival),
        baselineIsUnusual: rival > plan.baselineThreshold
      ),
      height: image.height,
      width: image.width,
      image: image.shown(by: images.intensity),
      heat: large.values.map { min(1, $0 / top) }
    )
  }

  static func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

  /// Scores many images; what fails is told and never stops the others.
  /// - Parameters:
  ///   - data: The images.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  ///   - body: Given each image's number and its result or the error.
  /// - Throws: `SupportError.interrupted`; what the body throws.
  public func score(
    _ data: LabelledImages,
    progress: any ProgressReporter,
    interruption: Interruption,
    _ body: (Int, Outcome) throws -> Void
  ) throws {
    var reader = ImageReader()
    progress.begin("looking at \(data.count) images", total: data.count)
    for (index, item) in data.items.enumerated() {
      try interruption.check()
      do {
        try body(index, .scored(score(item, reader: &reader)))
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        try body(index, .failed(error))
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
  }
}

extension ImagePlanes {
  /// Red, green and blue of each pixel within a range of intensities, 0 to 255.
  func shown(by intensity: IntensityRange) -> [UInt8] {
    let scale = intensity.scale(for: values)
    let colours = with(channels: 3).values
    let area = height * width
    return (0..<area).flatMap { place in
      (0..<3).map { channel -> UInt8 in
        let value = scale?.scaled(colours[channel * area + place]) ?? 0
        return UInt8((255 * min(max(value, 0), 1)).rounded())
      }
    }
  }
}
