import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support

/// The networks that holes can be filled by.
public enum InpaintingNetwork: String, Codable, Sendable, CaseIterable {
  /// A U-Net of partial convolutions.
  case partial
  /// A U-Net that is given the harmonic filling and the mask, and corrects the former.
  case unet

  /// The network's values.
  /// - Parameters:
  ///   - channels: Channels of an image.
  ///   - features: Channels of the levels.
  /// - Returns: The values.
  func configuration(channels: Int, features: [Int]) -> NetworkConfiguration {
    switch self {
    case .partial:
      return .partialConvolutionUNet(
        PartialConvolutionUNetConfiguration(channels: channels, features: features)
      )
    case .unet:
      var values = UNetConfiguration(
        inputChannels: channels + 1,
        outputChannels: channels,
        features: features
      )
      values.normalization = .batch
      return .unet(values)
    }
  }

  /// Channels of the levels unless others are asked for.
  public var usualFeatures: [Int] {
    switch self {
    case .partial: [32, 64, 128, 128]
    case .unet: [24, 48, 96, 96]
    }
  }
}

/// Trains a network to fill holes, and measures it beside the harmonic filling.
public struct InpaintingTrainer: Sendable {
  /// What is asked for; nil is chosen from the images.
  public struct Request: Sendable {
    /// Which network.
    public var network = InpaintingNetwork.unet
    /// Channels of the levels; the network's usual ones when nil.
    public var features: [Int]?
    /// Rows and columns that are trained on at once; those of the images, but at most 64, when nil.
    public var imageSize: [Int]?
    /// 1 for grey images, 3 for colours; 3 when nil and one of the first images has colours.
    public var channels: Int?
    /// Which intensities become 0 and 1; 0 to 255 for pictures and percentiles for volumes when nil.
    public var intensity: IntensityRange?
    /// The share of an image that is hidden, at least and at most.
    public var hiddenShares = [0.1, 0.4]
    /// The weight of an error where nothing is hidden.
    public var knownWeight = 0.05
    /// Whether images are mirrored at random.
    public var mirrors = false
    /// Share of the images that is looked at on the way, if the data set has none.
    public var validationShare = 0.1

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// A finished training.
  public struct Outcome: Sendable {
    /// The values.
    public let configuration: InpaintingConfiguration
    /// The numbers of the run, steps as taken.
    public let learning: LearningConfiguration
    /// The network with its averaged weights.
    package let network: any Network
    /// The learning curve.
    public let epochs: [SegmentationTrainer.Epoch]
    /// Looks at held-out images on the way.
    public let looks: [LearningLook]
    /// Images trained on.
    public let trainingCount: Int
    /// Images that were looked at.
    public let heldOutIDs: [String]
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
  ///   - images: The images; classes do not matter.
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
    // Test images are for the measurement alone.
    let divided = images.divided(
      testShare: 0,
      validationShare: request.validationShare,
      seed: learning.seed
    )
    let (recognition, network) = try plan(for: divided.part(.training))
    func scaled(_ split: LabelledImages.Split) throws -> ScaledImages {
      try ScaledImages(
        divided.part(split),
        plan: recognition,
        progress: progress,
        interruption: interruption
      )
    }
    let (training, heldOut) = (try scaled(.training), try scaled(.validation))
    guard !training.images.isEmpty else {
      throw AutoencodersError.nothingToUse(
        path: path,
        reason: training.problems.first ?? "no image is there to train on"
      )
    }
    let configuration = InpaintingConfiguration(
      network: network,
      plan: AutoencoderPlan(
        inpainting: AutoencoderPlan.Inpainting(
          hiddenShares: request.hiddenShares,
          corrects: request.network == .unet
        ),
        images: recognition
      ),
      knownWeight: request.knownWeight,
      mirrors: request.mirrors,
      imagesHash: try SHA256.hexDigest(of: Data(training.ids.joined(separator: "\n").utf8))
    )
    let outcome = try run.train(
      InpaintingTask(values: configuration, training: training, heldOut: heldOut),
      learning,
      budget: budget,
      initial: QuietStart.apply(to:),
      resumes: resumes
    )
    return Outcome(
      configuration: configuration,
      learning: outcome.configuration,
      network: outcome.network,
      epochs: outcome.epochs,
      looks: outcome.looks,
      trainingCount: training.images.count,
      heldOutIDs: heldOut.ids,
      notes: images.problems + training.problems + heldOut.problems
    )
  }

  /// How images are seen, and by which network.
  private func plan(
    for images: LabelledImages
  ) throws -> (plan: RecognitionPlan, network: NetworkConfiguration) {
    let survey = try ImageSurvey(images, path: path)
    let channels = request.channels ?? survey.channels
    let features = request.features ?? request.network.usualFeatures
    let network = request.network.configuration(channels: channels, features: features)
    var random = RandomStream(seed: 0)
    let multiple = try network.makeNetwork(random: &random).sizeMultiple
    let wanted = request.imageSize ?? survey.usualSize
    let size = wanted.map { ($0 + multiple - 1) / multiple * multiple }
    guard size.allSatisfy((8...4096).contains) else {
      throw AutoencodersError.unfitTraining(
        reason:
          "\(features.count) levels need images of at least \(multiple) pixels a side, and of "
          + "at most 4096"
      )
    }
    if size != wanted {
      progress.note(
        "The network sees \(size[0]) x \(size[1]) at once: it must be a multiple of \(multiple)."
      )
    }
    var plan = RecognitionPlan(task: .embedding, imageSize: size, channels: channels)
    plan.intensity = request.intensity ?? survey.intensity
    plan.takesColours = request.channels == 1 ? true : nil
    // Unknown values are 0 to the network: the middle of the range.
    plan.means = plan.means.map { _ in 0.5 }
    plan.deviations = plan.deviations.map { _ in 0.25 }
    return (plan, network)
  }
}
