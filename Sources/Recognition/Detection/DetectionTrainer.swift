import Layers
import Networks
import Pipelines
import Support

/// Trains a network that finds boxes, with checkpoints from which a killed run resumes.
public struct DetectionTrainer: Sendable {
  /// A finished run.
  public struct Outcome: Sendable {
    /// The configuration, its steps as taken and its thresholds as chosen.
    public let configuration: DetectionConfiguration
    /// The classes' names.
    public let classes: [String]
    /// The network with its averaged weights, rounded as they are stored.
    public let network: any Network
    /// How the weights are stored.
    public let weightType: Safetensors.ScalarType
    /// The learning curve.
    public let epochs: [SegmentationTrainer.Epoch]
    /// Looks at held-out pictures on the way.
    public let looks: [LearningLook]
    /// The held-out pictures' results; nil when nothing was held out.
    public let heldOut: DetectionMeasurement.Summary?
    /// The held-out pictures' names, or those of the cases of slices.
    public let heldOutNames: [String]
    /// The number of pictures trained on.
    public let trainingCount: Int
    /// Oddities of the data set.
    public let notes: [String]
  }

  private let training: DetectionDataset
  private let heldOut: DetectionDataset?
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - training: The pictures to learn from.
  ///   - heldOut: Pictures to measure on, by which thresholds are chosen; nil for none.
  ///   - weightType: How the weights are stored; everything is measured with weights rounded so.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    training: DetectionDataset,
    heldOut: DetectionDataset?,
    weightType: Safetensors.ScalarType = .float16,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.training = training
    self.heldOut = heldOut
    self.progress = progress
    self.interruption = interruption
    run = LearningRun(
      checkpointFolder: checkpointFolder,
      weightType: weightType,
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
  }

  /// Trains, and measures what the network finds in the held-out pictures.
  /// - Parameters:
  ///   - configuration: All numbers of the run.
  ///   - budget: How long to train.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The finished run.
  /// - Throws: `RecognitionError`; `PipelinesError.checkpointMismatch`; `.trainingDiverged` and
  ///   `SupportError.interrupted` after a checkpoint was saved.
  public func run(
    _ configuration: DetectionConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> Outcome {
    try configuration.check()
    guard training.objectCounts.contains(where: { $0 > 0 }) else {
      throw RecognitionError.nothingToLearn(path: training.name, reason: "no picture has a box")
    }
    guard configuration.network.classes == training.classes.count else {
      throw RecognitionError.unfitTraining(
        reason: "the network has \(configuration.network.classes) classes, the data set "
          + "\(training.classes.count)"
      )
    }
    if let heldOut, heldOut.classes != training.classes {
      throw RecognitionError.otherClasses(
        path: heldOut.name,
        unknown: heldOut.classes,
        known: training.classes
      )
    }
    if configuration.network.hasMasks { try requireMasks() }
    let learned = try learn(configuration, budget: budget, resumes: resumes)
    var final = configuration
    final.learning = learned.configuration
    let summary = try measured(learned.network, final)
    if let summary {
      // What no picture shows is told as unlikely things are: by the plan's own threshold.
      final.plan.thresholds = summary.classes.map {
        $0.bestScore.map { ($0 * 1000).rounded(.down) / 1000 } ?? configuration.plan.thresholds[0]
      }
    }
    return Outcome(
      configuration: final,
      classes: training.classes,
      network: learned.network,
      weightType: learned.weightType,
      epochs: learned.epochs,
      looks: learned.looks,
      heldOut: summary,
      heldOutNames: heldOut?.cases ?? [],
      trainingCount: training.images.count,
      notes: training.notes + (heldOut?.notes ?? [])
    )
  }

  /// A mask head learns from every object, so that each needs a mask.
  private func requireMasks() throws {
    let counted = training.images.flatMap(\.objects).filter { $0.kind == .counted }
    let missing = counted.count { $0.mask == nil }
    guard missing == 0 else {
      throw RecognitionError.nothingToLearn(
        path: training.name,
        reason:
          "\(missing) of \(counted.count) objects have no outline, which a mask-rcnn learns from; give "
          + "COCO's \"segmentation\" of each, or train a faster-rcnn"
      )
    }
  }

  private func learn(
    _ configuration: DetectionConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> LearningRun.Outcome {
    let looked =
      heldOut ?? DetectionDataset(name: training.name, classes: training.classes, images: [])
    switch configuration.network {
    case .yolo(let network):
      return try run.train(
        DetectionTask(configuration, network: network, training: training, heldOut: looked),
        configuration.learning,
        budget: budget,
        resumes: resumes
      )
    case .regions(let network):
      return try run.train(
        RegionTask(configuration, network: network, training: training, heldOut: looked),
        configuration.learning,
        budget: budget,
        resumes: resumes
      )
    }
  }

  private func measured(
    _ network: any Network,
    _ configuration: DetectionConfiguration
  ) throws -> DetectionMeasurement.Summary? {
    guard let heldOut, !heldOut.images.isEmpty else { return nil }
    let detector = try Detector(
      network,
      configuration: configuration.network,
      plan: configuration.plan,
      classes: training.classes,
      name: "the network"
    )
    return try DetectionMeasurement(
      detector,
      on: heldOut,
      progress: progress,
      interruption: interruption
    ).summary
  }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { run.discardCheckpoints() }
}
