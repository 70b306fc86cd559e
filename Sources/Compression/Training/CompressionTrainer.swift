import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support

/// Trains a network for compression and measures it beside JPEG on planes that were kept back.
public struct CompressionTrainer: Sendable {
  /// What is asked for.
  public struct Request: Sendable {
    /// Rows and columns of the pieces that are learnt from.
    public var pieceSize = 96
    /// Channels of the maps within.
    public var features = 64
    /// Channels of the code.
    public var codeChannels = 64
    /// Residual blocks on each side.
    public var blocks = 2
    /// The weight of the distortion at each rate; rising.
    public var distortionWeights = [0.0015, 0.004, 0.01, 0.027, 0.07]
    /// The part of the distortion that is 1 - SSIM.
    public var similarityShare = 0.5
    /// Planes that the measurement takes at most.
    public var measuredPlanes = 32

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// A finished training.
  public struct Outcome: Sendable {
    /// What stands between an image and the network.
    public let configuration: CompressionConfiguration
    /// The numbers of the run, steps as taken.
    public let learning: LearningConfiguration
    let network: any Network
    let weightType: Safetensors.ScalarType
    /// The learning curve.
    public let epochs: [SegmentationTrainer.Epoch]
    /// Looks at planes that were kept back.
    public let looks: [LearningLook]
    /// Files and planes that were trained on.
    public let trained: (files: Int, planes: Int)
    /// What was measured.
    public let measurement: CompressionMeasurement
    /// Oddities of the data.
    public let notes: [String]
  }

  private let training: CompressionImages
  private let test: CompressionImages
  private let request: Request
  private let run: LearningRun
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - training: Images to learn from.
  ///   - test: Images that are only measured.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    training: CompressionImages,
    test: CompressionImages,
    request: Request,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.training = training
    self.test = test
    self.request = request
    run = LearningRun(
      checkpointFolder: checkpointFolder,
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
    self.interruption = interruption
  }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { run.discardCheckpoints() }

  /// Trains.
  /// - Parameters:
  ///   - learning: The numbers of the run.
  ///   - budget: How long to train.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The finished run.
  /// - Throws: `PipelinesError.invalidPlan`; what `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> Outcome {
    let plan = CompressionPlan(
      channels: 1,
      pieceSize: [request.pieceSize, request.pieceSize],
      distortionWeights: request.distortionWeights,
      similarityShare: request.similarityShare
    )
    try plan.check()
    let values = ImageCodecConfiguration(
      features: request.features,
      codeChannels: request.codeChannels,
      blocks: request.blocks,
      rates: request.distortionWeights.count
    )
    let text = training.planes.map { "\($0.id) \($0.width) \($0.height)" }.joined(separator: "\n")
    let configuration = CompressionConfiguration(
      network: .imageCodec(values),
      plan: plan,
      imagesHash: try SHA256.hexDigest(of: Data(text.utf8))
    )
    let measured = test.thinned(to: request.measuredPlanes)
    let task = CompressionTask(
      values: configuration,
      training: training.planes,
      validation: measured.planes
    )
    let outcome = try run.train(
      task,
      learning,
      budget: budget,
      initial: { network in
        guard let codec = network as? ImageCodec else { return }
        BlockTransformStart(distortionWeights: plan.distortionWeights).apply(to: codec)
      },
      resumes: resumes
    )
    guard let codec = outcome.network as? ImageCodec else {
      preconditionFailure("a network of something else than compression")
    }
    return Outcome(
      configuration: configuration,
      learning: outcome.configuration,
      network: codec,
      weightType: outcome.weightType,
      epochs: outcome.epochs,
      looks: outcome.looks,
      trained: (training.fileCount, training.count),
      measurement: try CompressionMeasurement(
        CompressionModel(codec, name: "", weights: ""),
        images: measured,
        interruption: interruption
      ),
      notes: training.notes + test.notes
    )
  }
}
