import Foundation
import Layers
import Networks
import Pipelines
import Support

/// Trains a network for whole images, calibrates it, and measures it on images that were kept back.
public struct ClassificationTrainer: Sendable {
  /// A finished run.
  public struct Outcome: Sendable {
    /// The values, with the temperature and the conformal threshold that were found.
    public let configuration: ClassificationConfiguration
    /// The numbers of the run, steps as taken.
    public let learning: LearningConfiguration
    /// The network with its averaged weights.
    package let network: any Network
    /// How the weights are stored.
    package let weightType: Safetensors.ScalarType
    /// The learning curve.
    public let epochs: [SegmentationTrainer.Epoch]
    /// Looks at validation images on the way.
    public let looks: [LearningLook]
    /// Images of each split.
    public let counts: [LabelledImages.Split: Int]
    /// Results on test images, or validation images where there are no others; nil for embeddings.
    public let evaluation: ClassificationEvaluation?
    /// The same before the temperature was found.
    public let uncalibrated: ClassificationEvaluation?
    /// Results of an embedding.
    public let verification: VerificationEvaluation?
    /// The names of the images that it was measured on.
    public let measuredIDs: [String]
    /// Whether these were looked at on the way.
    public let measuredOnValidation: Bool
    /// Oddities of the images.
    public let notes: [String]
  }

  private let images: LabelledImages
  private let request: ClassificationRequest
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - images: The images.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    images: LabelledImages,
    request: ClassificationRequest,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.images = images
    self.request = request
    run = LearningRun(
      checkpointFolder: checkpointFolder,
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
  ///   - initial: Weights to start from: those of the same names and shapes are taken.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The finished run.
  /// - Throws: `RecognitionError`; what `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    initial: InitialWeights? = nil,
    resumes: Bool
  ) throws -> Outcome {
    var configuration = try request.configuration(for: images)
    let divided = images.divided(
      testShare: request.testShare,
      validationShare: request.validationShare,
      seed: learning.seed
    )
    func fitted(_ split: LabelledImages.Split) throws -> FittedImages {
      try FittedImages(
        divided.part(split),
        plan: configuration.plan,
        progress: progress,
        interruption: interruption
      )
    }
    let (training, validation, test) = (
      try fitted(.training), try fitted(.validation), try fitted(.test)
    )
    progress.warnOfLeftOut(training.problems + validation.problems + test.problems)
    guard training.count > 0 else {
      throw RecognitionError.noImages(path: images.name, reason: "none is left to train on")
    }
    (configuration.plan.means, configuration.plan.deviations) = training.statistics
    configuration.imagesHash = try Self.hash(training.items)
    try check(initial, for: configuration)
    let outcome = try run.train(
      ClassificationTask(configuration, training: training, validation: validation),
      learning,
      budget: budget,
      initial: { initial?.load(into: $0, plan: .recognition(configuration.plan)) },
      resumes: resumes
    )
    let measured = (test.count > 0 ? test : validation).with(configuration.plan)
    var evaluations: (ClassificationEvaluation?, ClassificationEvaluation?) = (nil, nil)
    var verification: VerificationEvaluation?
    if configuration.plan.task == .embedding {
      verification = try calibrateEmbedding(&configuration, outcome.network, validation, measured)
    } else {
      let before = configuration.plan
      try calibrate(&configuration, outcome.network, validation)
      let scores = try RecognitionScoring.scores(
        of: outcome.network,
        measured,
        interruption: interruption
      )
      func evaluation(_ plan: RecognitionPlan) -> ClassificationEvaluation? {
        guard measured.count > 0 else { return nil }
        return ClassificationEvaluation(
          scores.map(plan.probabilities),
          items: measured.items,
          plan: plan,
          classNames: configuration.classNames
        )
      }
      evaluations = (evaluation(configuration.plan), evaluation(before))
    }
    return Outcome(
      configuration: configuration,
      learning: outcome.configuration,
      network: outcome.network,
      weightType: outcome.weightType,
      epochs: outcome.epochs,
      looks: outcome.looks,
      counts: [.training: training.count, .validation: validation.count, .test: test.count],
      evaluation: evaluations.0,
      uncalibrated: evaluations.1,
      verification: verification,
      measuredIDs: measured.items.map(\.id),
      measuredOnValidation: test.count == 0,
      notes: images.problems + training.problems + validation.problems + test.problems
        + (test.count > 0
          ? []
          : validation.count > 0
            ? ["No image was kept for the test; looks on the way are told."]
            : ["No image was kept for the test, and nothing was measured."])
    )
  }

  /// Finds temperature and conformal threshold on images that were not trained on.
  private func calibrate(
    _ configuration: inout ClassificationConfiguration,
    _ network: any Network,
    _ validation: FittedImages
  ) throws {
    guard validation.count > 0 else {
      progress.note("No image is left for calibration: probabilities stay as they are.")
      return
    }
    let images = validation.with(configuration.plan)
    let scores = try RecognitionScoring.scores(of: network, images, interruption: interruption)
    let areFindings = configuration.plan.task == .findings
    let temperature = TemperatureScaling.temperature(
      scores: scores,
      classes: images.items.map(\.classes),
      areFindings: areFindings
    )
    configuration.plan.temperature = (temperature * 1e4).rounded() / 1e4
    guard !areFindings else { return }
    let own = zip(scores, images.items).map { row, item in
      configuration.plan.probabilities(row)[item.classes.first ?? 0]
    }
    configuration.plan.conformal = RecognitionPlan.Conformal(
      coverage: request.coverage,
      leastProbability: ConformalSets.leastProbability(own, coverage: request.coverage),
      images: own.count
    )
  }

  /// Finds the similarity from which on two images are the same, and measures.
  private func calibrateEmbedding(
    _ configuration: inout ClassificationConfiguration,
    _ network: any Network,
    _ validation: FittedImages,
    _ measured: FittedImages
  ) throws -> VerificationEvaluation? {
    func result(_ images: FittedImages) throws -> VerificationEvaluation? {
      guard images.count > 1 else { return nil }
      return VerificationEvaluation(
        try RecognitionScoring.embeddings(
          of: network,
          images.with(configuration.plan),
          interruption: interruption
        ),
        identities: images.items.map { $0.classes.first ?? -1 }
      )
    }
    configuration.plan.sameThreshold =
      try result(validation.count > 1 ? validation : measured)?.equalErrorThreshold ?? 0.5
    return try result(measured)
  }

  private static func hash(_ items: [LabelledImages.Item]) throws -> String {
    let text = items.map { "\($0.id)=\($0.classes)" }.joined(separator: "\n")
    return try SHA256.hexDigest(of: Data(text.utf8))
  }

  /// Refuses weights of which the network could take nothing.
  private func check(
    _ initial: InitialWeights?,
    for configuration: ClassificationConfiguration
  ) throws {
    guard let initial else { return }
    let network = try TrainedWeights.network(configuration.network, seed: 1)
    let coverage = initial.coverage(of: network, plan: .recognition(configuration.plan))
    guard coverage.taken > 0 else {
      throw RecognitionError.unfitTraining(
        reason:
          "\(initial.source) has no weights that suit a \(configuration.network.name); choose its "
          + "own network with --network"
      )
    }
    progress.note(
      "\(initial.source) gives \(coverage.taken) of the network's \(coverage.all) values."
    )
  }
}
