import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Trains a network that gives any picture one style at once.
///
/// Johnson, Alahi and Fei-Fei 2016, "Perceptual losses for real-time style transfer and
/// super-resolution":
/// residual blocks, here with instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016), the
/// catalogue's generator `cyclegan`.
public struct StyleNetworkTrainer: Sendable {
  /// What is asked for.
  public struct Request: Sendable {
    /// Weights of the loss.
    public var weights = StyleLoss.Weights()
    /// Rows and columns of the squares that are trained on.
    public var side = 128
    /// Channels of the first layer.
    public var features = 16
    /// Residual blocks.
    public var blocks = 5

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// All that the run depends on besides `LearningConfiguration`.
  struct Values: Codable, Sendable, Equatable {
    let network: NetworkConfiguration
    let weights: StyleLoss.Weights
    let side: Int
    let features: String
    let style: String
    let photographs: String
  }

  private let photographs: Photographs
  private let request: Request
  private let loss: StyleLoss
  private let values: Values
  private let run: LearningRun

  /// Reads style and photographs.
  /// - Parameters:
  ///   - paths: The photographs' files.
  ///   - style: The style's file.
  ///   - features: Gives the maps.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step.
  /// - Throws: What reading throws; `StylizationError.noPictures`.
  public init(
    photographs paths: [String],
    style: String,
    features: StyleFeatures,
    request: Request,
    checkpointFolder: String,
    outputs: OutputGuard,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let picture = try ImagePlanes.photograph(style).reduced(toSmallestSide: 2 * request.side)
    photographs = try Photographs(
      paths,
      side: 2 * request.side,
      wantsColour: false,
      progress: progress,
      interruption: interruption
    )
    self.request = request
    loss = StyleLoss(style: picture.tensor, features: features, weights: request.weights)
    var generator = CycleGANConfiguration(
      inputChannels: 3,
      outputChannels: 3,
      features: request.features,
      blocks: request.blocks
    )
    generator.normalization = .instance(isAffine: true)
    values = Values(
      network: .cycleGAN(generator),
      weights: request.weights,
      side: request.side,
      features: features.name,
      style: try SHA256.hexDigest(of: Data(picture.bytes)),
      photographs: photographs.hash
    )
    run = LearningRun(
      checkpointFolder: checkpointFolder,
      weightType: .float32,
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
  }

  /// What could not be used, one sentence each.
  public var problems: [String] { photographs.problems }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { run.discardCheckpoints() }

  /// Trains.
  /// - Parameters:
  ///   - learning: The numbers of the run.
  ///   - budget: How long to train.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The trained network.
  /// - Throws: What `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> TrainedPictureNetwork {
    let task = StyleTask(values: values, photographs: photographs, loss: loss)
    let outcome = try run.train(task, learning, budget: budget, resumes: resumes)
    return TrainedPictureNetwork(
      task: .style,
      summary: "Gives a picture the style that it was trained on.",
      configuration: values.network,
      network: outcome.network,
      side: request.side,
      photographs: photographs.items.count,
      learning: outcome.configuration,
      seconds: outcome.epochs.last?.seconds ?? 0,
      losses: outcome.epochs.map(\.loss)
    )
  }
}

/// What a network of one style learns.
struct StyleTask: LearningTask {
  struct Batch: Sendable { let pictures: Tensor }

  let values: StyleNetworkTrainer.Values
  let photographs: Photographs
  let loss: StyleLoss

  var network: NetworkConfiguration { values.network }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let (side, count) = (values.side, configuration.batchSize)
    let stream = RandomStream(seed: configuration.seed).split(0x7374_796C)
    var pixels: [Float] = []
    pixels.reserveCapacity(3 * side * side * count)
    for place in 0..<count {
      var random = stream.split(step, place)
      let bytes = photographs.crop(side, random: &random)
      for channel in 0..<3 {
        for pixel in 0..<side * side { pixels.append(Float(bytes[3 * pixel + channel]) / 255) }
      }
    }
    return Batch(pictures: Tensor(pixels, shape: [count, 3, side, side]))
  }

  func images(of batch: Batch) -> Tensor { batch.pictures }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    let painted = StyleNetwork.painted(batch.pictures, by: network, in: context)
    return loss(painted, content: loss.content(of: batch.pictures))
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] { [] }
}

/// A finished training, to be written.
public struct TrainedPictureNetwork: Sendable {
  let task: PictureModel.Task
  let summary: String
  let configuration: NetworkConfiguration
  let network: any Network
  let side: Int
  let photographs: Int
  /// The numbers of the run, steps as taken.
  public let learning: LearningConfiguration
  /// How long it took.
  public let seconds: Double
  /// The mean loss of every hundred steps.
  public let losses: [Double]
  var bins: [[Double]] = []
  var meanColour: [Double] = []
  var temperature: Double?
  var heldOut: [String] = []
  /// Measured on held-out photographs.
  public internal(set) var results: [String: Double] = [:]

  /// Photographs that it was measured on.
  public var heldOutCount: Int { heldOut.count }

  /// Trainable values of the network.
  public var parameterCount: Int { network.trainableCount }

  /// Writes the model.
  /// - Parameters:
  ///   - folder: A folder that exists.
  ///   - name: The model's name.
  ///   - licence: Terms of use of the photographs.
  ///   - source: Where they come from.
  ///   - command: The command line.
  /// - Throws: What `PictureModel.write` throws.
  public func write(
    to folder: String,
    name: String,
    licence: String,
    source: String,
    command: String
  ) throws {
    var description = PictureModel.Description(
      task: task,
      name: name,
      summary: summary,
      network: configuration,
      side: side,
      photographs: photographs,
      licence: licence,
      source: source,
      command: command,
      seed: learning.seed,
      steps: learning.steps
    )
    (description.bins, description.meanColour) = (bins, meanColour)
    (description.temperature, description.heldOut) = (temperature, heldOut)
    description.results = results
    try PictureModel.write(to: folder, description, network: network)
  }
}

/// Gives pictures a trained style.
public struct StyleNetwork: Sendable {
  private let model: PictureModel
  private let largestSide: Int
  private let keepsColours: Bool

  /// Creates it.
  /// - Parameters:
  ///   - model: A model of a style.
  ///   - largestSide: Larger pictures are reduced to it.
  ///   - keepsColours: Whether the colours stay those of the content.
  public init(_ model: PictureModel, largestSide: Int, keepsColours: Bool) {
    (self.model, self.largestSide, self.keepsColours) = (model, largestSide, keepsColours)
  }

  /// What a network makes of pictures, smoothed by 1, 2, 1 along both axes: transposed convolutions
  /// leave patterns of every second pixel, which this takes away.
  /// - Parameters:
  ///   - pictures: `[N, 3, H, W]`, 0 to 1.
  ///   - network: Of a style.
  ///   - context: To train or to predict.
  /// - Returns: `[N, 3, H, W]`, 0 to 1.
  static func painted(_ pictures: Tensor, by network: any Network, in context: Context) -> Tensor {
    let output = network(pictures * 2 - 1, in: context) * 0.5 + 0.5
    let pairs = PoolingShape(kernel: [2, 2], stride: [1, 1])
    let around = padded(output, before: [1, 1], after: [1, 1], mode: .reflect)
    return averagePooling(averagePooling(around, shape: pairs), shape: pairs)
  }

  /// Gives a picture the style.
  /// - Parameter path: Its file.
  /// - Returns: The picture, and the seconds that the network took.
  /// - Throws: What reading throws; `StylizationError.damagedModel` for a network without finite
  ///   values.
  package func run(_ path: String) throws -> (picture: ImagePlanes, seconds: Double) {
    let content = try ImagePlanes.photograph(path, largestSide: largestSide)
    let clock = ContinuousClock()
    let started = clock.now
    // Sides that the network's two halvings divide; what is added is cut off again.
    let after = [content.height, content.width].map { (8 - $0 % 8) % 8 }
    let input = padded(content.tensor, before: [0, 0], after: after, mode: .reflect)
    let output = Self.painted(input, by: model.network, in: .inference)
    let painted = ImagePlanes(
      output.sliced(axis: 2, end: content.height).sliced(axis: 3, end: content.width)
    )
    let seconds = (clock.now - started).seconds
    guard painted.values.allSatisfy(\.isFinite) else {
      throw StylizationError.damagedModel(path: model.path, reason: "its values are not finite")
    }
    return (keepsColours ? painted.withColours(of: content) : painted, seconds)
  }
}
