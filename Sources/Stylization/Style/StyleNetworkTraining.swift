import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Trains a network that paints pictures at once: in one style (Johnson, Alahi and Fei-Fei 2016,
/// `StyleTransferNet`), or in any that is shown to it (Huang and Belongie 2017, `AdaINNetwork`).
///
/// Without a VGG the encoder of the latter learns with the decoder; a VGG's convolutions are copied
/// into the encoder and stay as they are, as in the paper.
public struct StyleNetworkTrainer: Sendable {
  /// Which network is trained.
  public enum Kind: String, Sendable, CaseIterable {
    /// One style.
    case feedForward = "feed-forward"
    /// Any style.
    case adain
  }

  /// What is asked for.
  public struct Request: Sendable {
    /// Which network.
    public var kind = Kind.feedForward
    /// Weights of the loss.
    public var weights = StyleLoss.Weights()
    /// Rows and columns of the squares that are trained on.
    public var side = 128
    /// Channels of the first layer.
    public var features = 16
    /// Residual blocks, of a network of one style.
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
    let keepsEncoder: Bool
  }

  private let photographs: Photographs
  private let styles: Photographs
  private let request: Request
  private let features: StyleFeatures
  private let values: Values
  private let plan: StylizationPlan
  private let run: LearningRun

  /// Reads styles and photographs.
  /// - Parameters:
  ///   - paths: The photographs' files.
  ///   - stylePaths: The styles' files: one for a network of one style.
  ///   - features: Gives the maps.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step.
  /// - Throws: What reading throws; `StylizationError.noPictures`, `.severalStyles`.
  public init(
    photographs paths: [String],
    styles stylePaths: [String],
    features: StyleFeatures,
    request: Request,
    checkpointFolder: String,
    outputs: OutputGuard,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    guard request.kind == .adain || stylePaths.count == 1 else {
      throw StylizationError.severalStyles(count: stylePaths.count)
    }
    func read(_ paths: [String]) throws -> Photographs {
      try Photographs(
        paths,
        side: 2 * request.side,
        leastSide: request.side,
        wantsColour: false,
        progress: progress,
        interruption: interruption
      )
    }
    photographs = try read(paths)
    styles = try read(stylePaths)
    self.request = request
    self.features = features
    var keepsEncoder = false
    let network: NetworkConfiguration
    switch request.kind {
    case .feedForward:
      network = .styleTransfer(
        StyleTransferConfiguration(features: request.features, blocks: request.blocks)
      )
    case .adain:
      if let encoder = features.encoder {
        network = .adaIN(encoder.configuration)
        keepsEncoder = true
      } else {
        network = .adaIN(
          AdaINConfiguration(
            features: (0..<4).map { request.features << $0 },
            convolutionsPerStage: [1, 1, 2]
          )
        )
      }
    }
    values = Values(
      network: network,
      weights: request.weights,
      side: request.side,
      features: features.name,
      style: styles.hash,
      photographs: photographs.hash,
      keepsEncoder: keepsEncoder
    )
    plan = StylizationPlan(
      side: request.side,
      style: StylizationPlan.Style(
        name: stylePaths.count == 1
          ? URL(fileURLWithPath: stylePaths[0]).lastPathComponent
          : "any picture, learnt from \(styles.items.count)",
        features: features.name,
        contentWeight: request.weights.content,
        styleWeight: request.weights.style,
        variationWeight: request.weights.variation
      )
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
  public var problems: [String] { photographs.problems + styles.problems }

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
    let range = plan.styleRange
    let outcome: LearningRun.Outcome
    switch request.kind {
    case .feedForward:
      let picture = styles.items[0].planes.tensor
      let task = StyleTask(
        values: values,
        photographs: photographs,
        loss: StyleLoss(style: picture, features: features, weights: request.weights),
        range: range
      )
      outcome = try run.train(task, learning, budget: budget, resumes: resumes)
    case .adain:
      let task = AnyStyleTask(
        values: values,
        photographs: photographs,
        styles: styles,
        features: features,
        range: range
      )
      let encoder = features.encoder
      outcome = try run.train(
        task,
        learning,
        budget: budget,
        initial: { network in
          if let network = network as? AdaINNetwork { encoder?.copy(to: network, range: range) }
        },
        resumes: resumes
      )
    }
    return TrainedPictureNetwork(
      plan: plan,
      summary: request.kind == .adain
        ? "Gives a picture the style of any other."
        : "Gives a picture the style that it was trained on.",
      configuration: values.network,
      outcome: outcome,
      photographs: photographs.items.count
    )
  }
}

extension Photographs {
  /// Random squares as a batch, `[N, 3, side, side]`, 0 to 1.
  func batch(_ count: Int, side: Int, step: Int, _ stream: RandomStream) -> Tensor {
    var pixels: [Float] = []
    pixels.reserveCapacity(3 * side * side * count)
    for place in 0..<count {
      var random = stream.split(step, place)
      let bytes = crop(side, random: &random)
      for channel in 0..<3 {
        for pixel in 0..<side * side { pixels.append(Float(bytes[3 * pixel + channel]) / 255) }
      }
    }
    return Tensor(pixels, shape: [count, 3, side, side])
  }
}

/// What a network of one style learns.
struct StyleTask: LearningTask {
  struct Batch: Sendable { let pictures: Tensor }

  let values: StyleNetworkTrainer.Values
  let photographs: Photographs
  let loss: StyleLoss
  let range: [Double]

  var network: NetworkConfiguration { values.network }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed).split(0x7374_796C)
    return Batch(
      pictures: photographs.batch(configuration.batchSize, side: values.side, step: step, stream)
    )
  }

  func images(of batch: Batch) -> Tensor { batch.pictures }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    let output = network(StyleNetwork.scaled(batch.pictures, to: range), in: context)
    return loss(
      StyleNetwork.restored(output, from: range),
      content: loss.content(of: batch.pictures)
    )
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] { [] }
}

/// What a network of any style learns.
struct AnyStyleTask: LearningTask {
  struct Batch: Sendable { let pictures, styles: Tensor }

  let values: StyleNetworkTrainer.Values
  let photographs: Photographs
  let styles: Photographs
  let features: StyleFeatures
  let range: [Double]

  var network: NetworkConfiguration { values.network }

  func batch(step: Int, _ configuration: LearningConfiguration) throws -> Batch {
    let stream = RandomStream(seed: configuration.seed)
    func squares(_ from: Photographs, _ number: Int) -> Tensor {
      from.batch(configuration.batchSize, side: values.side, step: step, stream.split(number))
    }
    return Batch(
      pictures: squares(photographs, 0x7374_796C),
      styles: squares(styles, 0x6164_6169)
    )
  }

  func images(of batch: Batch) -> Tensor { batch.pictures }

  func loss(of network: any Network, on batch: Batch, in context: Context) -> Tensor {
    guard let network = network as? AdaINNetwork else {
      preconditionFailure("a network of any style is an AdaINNetwork, not a \(type(of: network))")
    }
    let encoding = values.keepsEncoder ? Context.inference : context
    func encoded(_ pictures: Tensor) -> Tensor {
      network.encoded(StyleNetwork.scaled(pictures, to: range), in: encoding)
    }
    let maps = network.styled(encoded(batch.pictures), by: encoded(batch.styles))
    let painted = StyleNetwork.restored(network.decoded(maps, in: context), from: range)
    let loss = StyleLoss(style: batch.styles, features: features, weights: values.weights)
    return loss(painted, content: loss.content(of: batch.pictures))
  }

  func look(at network: any Network, interruption: Interruption) throws -> [LearningMetric] { [] }
}
