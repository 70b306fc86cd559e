import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Trains an autoencoder on normal images alone, and finds the score from which on images are unusual.
public struct AnomalyTrainer: Sendable {
  /// What is asked for; nil is chosen from the images.
  public struct Request: Sendable {
    /// Which network.
    public var network = AnomalyNetwork.conv
    /// The class of normal images; "normal" where there is such a class when nil.
    public var normalClass: String?
    /// Rows and columns of the network's grid, made larger where the network needs it; those of the images,
    /// but at most 64, when nil.
    public var imageSize: [Int]?
    /// 1 for grey images, 3 for colours; 3 when nil and one of the first images has colours.
    public var channels: Int?
    /// Which intensities become 0 and 1; 0 to 255 for pictures and percentiles for volumes when nil.
    public var intensity: IntensityRange?
    /// How far images are changed.
    public var augmentation = Request.gentleAugmentation
    /// Deviation of the noise of the denoising network's inputs, on the scale on which the range is 1.
    public var noise = 0.2
    /// Numbers of the middle; of codes their length.
    public var latentChannels = 16
    /// Codes of the book.
    public var codes = 128
    /// Principal components of the baseline.
    public var components = 10
    /// The weight of the divergence of a variational autoencoder, in nats over pixels.
    public var divergenceWeight = 0.1
    /// The weight of the commitment of a vector-quantised autoencoder.
    public var commitmentWeight = 0.25
    /// Share of the normal images that is not trained on, but measured for the threshold.
    public var heldOutShare = 0.2
    /// The share of normal images that the threshold leaves below it.
    public var quantile = 0.95
    /// Side of the square over which residuals are averaged, network pixels, odd.
    public var window = 5
    /// The share of the pixels whose mean is the score.
    public var share = 0.1

    /// Creates the defaults that the properties show.
    public init() {}

    /// Small turns and shifts; brightness and contrast stay, as they may be what is unusual.
    public static let gentleAugmentation = {
      var result = RecognitionAugmentation.none
      result.rotationDegrees = 5
      result.scaling = 0.05
      result.shift = 0.05
      return result
    }()
  }

  /// A finished training.
  public struct Outcome: Sendable {
    /// The values, with the thresholds that were found.
    public let configuration: AnomalyConfiguration
    /// The numbers of the run, steps as taken; no steps for principal components.
    public let learning: LearningConfiguration
    /// The network with its averaged weights.
    package let network: any Network
    /// How images are scored.
    package let scoring: AnomalyScoring
    /// The baseline.
    package let baseline: LinearAutoencoder
    /// How the baseline scores images.
    package let baselineScoring: AnomalyScoring
    /// The baseline's mean and components.
    package let components: Safetensors
    /// The learning curve.
    public let epochs: [SegmentationTrainer.Epoch]
    /// Looks at held-out normal images on the way.
    public let looks: [LearningLook]
    /// Images trained on.
    public let trainingCount: Int
    /// The names of the normal images that were kept back.
    public let heldOutIDs: [String]
    /// The mean squared error on them, of the network and of the baseline.
    public let squaredErrors: (network: Double, baseline: Double)
    /// Oddities of the images.
    public let notes: [String]
  }

  private let images: LabelledImages
  private let path: String
  private let request: Request
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - images: The images, with classes or without.
  ///   - path: Their folder or file, for messages.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    images: LabelledImages,
    path: String,
    request: Request,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.images = images
    self.path = path
    self.request = request
    run = LearningRun(
      checkpointFolder: checkpointFolder,
      weightType: .float32,
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
    self.progress = progress
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
  /// - Throws: `AutoencodersError`; what `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> Outcome {
    let label = try images.normalClass(request.normalClass, path: path)
    let divided = usable(images.showing(label), seed: learning.seed)
    let recognition = try plan(for: divided)
    func fitted(_ split: LabelledImages.Split) throws -> FittedImages {
      try FittedImages(
        divided.part(split),
        plan: recognition,
        progress: progress,
        interruption: interruption
      )
    }
    let (training, heldOut) = (try fitted(.training), try fitted(.validation))
    progress.warnOfLeftOut(training.problems + heldOut.problems)
    guard training.count > 1, heldOut.count > 1 else {
      throw AutoencodersError.nothingToUse(
        path: path,
        reason: "\(training.count + heldOut.count) normal images are too few: two are needed to "
          + "train on, and two for the threshold"
      )
    }
    let principal = try PrincipalComponents(
      of: training,
      count: request.components,
      interruption: interruption
    )
    var anomaly = AutoencoderPlan.Anomaly(
      normalClass: label.map { images.classNames[$0] } ?? "all images",
      components: principal.count
    )
    (anomaly.window, anomaly.share) = (request.window, request.share)
    (anomaly.quantile, anomaly.heldOutImages) = (request.quantile, heldOut.count)
    var configuration = AnomalyConfiguration(
      network: request.network.configuration(
        channels: recognition.channels,
        size: recognition.imageSize,
        latent: request.latentChannels,
        codes: request.codes,
        components: principal.count
      ),
      plan: AutoencoderPlan(anomaly: anomaly, images: recognition),
      augmentation: request.augmentation,
      noise: request.network == .denoising ? request.noise : 0,
      divergenceWeight: request.divergenceWeight,
      commitmentWeight: request.commitmentWeight,
      imagesHash: try SHA256.hexDigest(
        of: Data(training.items.map(\.id).joined(separator: "\n").utf8)
      )
    )
    let baseline = try Self.baseline(principal, size: recognition.imageSize)
    let found = try learnt(configuration, learning, budget, resumes, training, heldOut, baseline)
    func fit(_ network: any Network) throws -> (AnomalyScoring.Fitted, Double) {
      let residuals = try AnomalyTask.residuals(
        of: network,
        on: heldOut,
        interruption: interruption
      )
      return (
        AnomalyScoring.fitted(to: residuals, plan: anomaly, size: recognition.imageSize),
        AnomalyTask.squaredError(residuals)
      )
    }
    let (own, error) = try fit(found.network)
    let (rival, rivalError) = try fit(baseline)
    guard error.isFinite, own.threshold.isFinite else {
      throw AutoencodersError.infiniteValues(model: configuration.network.name)
    }
    configuration.plan.anomaly?.threshold = own.threshold
    configuration.plan.anomaly?.baselineThreshold = rival.threshold
    return Outcome(
      configuration: configuration,
      learning: found.learning,
      network: found.network,
      scoring: own.scoring,
      baseline: baseline,
      baselineScoring: rival.scoring,
      components: Safetensors(tensors: [
        AnomalyDetector.meanKey: Tensor(principal.mean, shape: [principal.mean.count]),
        AnomalyDetector.componentsKey: Tensor(
          principal.components,
          shape: [principal.count, principal.mean.count]
        ),
        AnomalyDetector.deviationsKey: Tensor(
          own.scoring.deviations,
          shape: [principal.mean.count]
        ),
        AnomalyDetector.baselineDeviationsKey: Tensor(
          rival.scoring.deviations,
          shape: [principal.mean.count]
        ),
      ]),
      epochs: found.epochs,
      looks: found.looks,
      trainingCount: training.count,
      heldOutIDs: heldOut.items.map(\.id),
      squaredErrors: (error, rivalError),
      notes: images.problems + training.problems + heldOut.problems + notes(heldOut.count)
    )
  }

  /// A network that was trained, or that needs no training.
  private struct Learnt {
    let network: any Network
    let learning: LearningConfiguration
    var epochs: [SegmentationTrainer.Epoch] = []
    var looks: [LearningLook] = []
  }

  private func learnt(
    _ configuration: AnomalyConfiguration,
    _ learning: LearningConfiguration,
    _ budget: SegmentationTrainer.Budget,
    _ resumes: Bool,
    _ training: FittedImages,
    _ heldOut: FittedImages,
    _ baseline: LinearAutoencoder
  ) throws -> Learnt {
    guard request.network != .pca else {
      var none = learning
      none.steps = 0
      return Learnt(network: baseline, learning: none)
    }
    let task = AnomalyTask(values: configuration, training: training, heldOut: heldOut)
    let outcome = try run.train(
      task,
      learning,
      budget: budget,
      initial: QuietStart.apply(to:),
      resumes: resumes
    )
    return Learnt(
      network: outcome.network,
      learning: outcome.configuration,
      epochs: outcome.epochs,
      looks: outcome.looks
    )
  }

  /// The normal images that may be trained on, a part of them held out; the data set's own validation and
  /// test images stay away.
  private func usable(_ normal: LabelledImages, seed: UInt64) -> LabelledImages {
    var result = normal
    result.items = normal.items.filter { $0.split == nil || $0.split == .training }
    for index in result.items.indices { result.items[index].split = nil }
    return result.divided(testShare: 0, validationShare: request.heldOutShare, seed: seed)
  }

  private func notes(_ heldOut: Int) -> [String] {
    let needed = Int((1 / (1 - request.quantile)).rounded(.up)) - 1
    guard heldOut < needed else { return [] }
    return [
      "\(heldOut) held-out images are too few for a quantile of \(request.quantile): the threshold is the "
        + "largest of their scores, and more than a share of \(rounded(1 - request.quantile)) of normal "
        + "images may exceed it."
    ]
  }

  private func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }

  /// How images are seen.
  private func plan(for images: LabelledImages) throws -> RecognitionPlan {
    let survey = try ImageSurvey(images, path: path)
    let wanted = request.imageSize ?? survey.usualSize
    let multiple = 1 << request.network.levels(for: wanted)
    let size = wanted.map { ($0 + multiple - 1) / multiple * multiple }
    if size != wanted {
      progress.note(
        "The network's grid is \(size[0]) x \(size[1]): it must be a multiple of \(multiple)."
      )
    }
    guard request.window <= size.min() ?? 1 else {
      throw AutoencodersError.unfitTraining(
        reason: "a window of \(request.window) pixels does not fit \(size[0]) x \(size[1])"
      )
    }
    var plan = RecognitionPlan(
      task: .embedding,
      imageSize: size,
      channels: request.channels ?? survey.channels
    )
    plan.intensity = request.intensity ?? survey.intensity
    plan.takesColours = request.channels == 1 ? true : nil
    return plan
  }

  /// The linear autoencoder of principal components.
  static func baseline(_ principal: PrincipalComponents, size: [Int]) throws -> LinearAutoencoder {
    try AnomalyDetector.baseline(
      mean: principal.mean,
      components: principal.components,
      count: principal.count,
      size: size
    )
  }
}
