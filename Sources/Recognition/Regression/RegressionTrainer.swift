import Evaluation
import Foundation
import Layers
import Networks
import Pipelines
import Support

/// Trains a network for numbers, calibrates its intervals, and measures it on images that were kept back.
public struct RegressionTrainer: Sendable {
  /// A finished run.
  public struct Outcome: Sendable {
    /// The values, with the intervals that were found.
    public let configuration: RegressionConfiguration
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
    /// Results on test images, or validation images where there are no others, without intervals then, as
    /// these were calibrated on them; nil without either.
    public let evaluation: RegressionEvaluation?
    /// The names of the images that it was measured on.
    public let measuredIDs: [String]
    /// Whether these were looked at on the way.
    public let measuredOnValidation: Bool
    /// Oddities of the images.
    public let notes: [String]
  }

  private let data: MeasuredImages
  private let request: RegressionRequest
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - data: The images with their numbers.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    data: MeasuredImages,
    request: RegressionRequest,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.data = data
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
  /// - Throws: `RecognitionError`, `.unfitTraining` where there are too few validation images for the
  ///   intervals; what `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    initial: InitialWeights? = nil,
    resumes: Bool
  ) throws -> Outcome {
    var configuration = try request.configuration(for: data)
    let divided = data.with(configuration.plan.stack).divided(
      testShare: request.images.testShare,
      validationShare: request.images.validationShare,
      seed: learning.seed
    )
    try checkCount(divided.part(.validation).items)
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
      throw RecognitionError.noImages(path: data.name, reason: "none is left to train on")
    }
    try checkCount(validation.items)
    (configuration.plan.means, configuration.plan.deviations) = training.statistics
    try standardise(&configuration, training)
    configuration.imagesHash = try Self.hash(training.items)
    let outcome = try run.train(
      RegressionTask(configuration, training: training, validation: validation),
      learning,
      budget: budget,
      initial: { initial?.load(into: $0, plan: .recognition(configuration.plan)) },
      resumes: resumes
    )
    try calibrate(&configuration, outcome.network, validation)
    let measuresValidation = test.count == 0
    let measured = (measuresValidation ? validation : test).with(configuration.plan)
    return Outcome(
      configuration: configuration,
      learning: outcome.configuration,
      network: outcome.network,
      weightType: outcome.weightType,
      epochs: outcome.epochs,
      looks: outcome.looks,
      counts: [.training: training.count, .validation: validation.count, .test: test.count],
      evaluation: try evaluation(
        configuration,
        outcome.network,
        training: training,
        // Validation images that are measured may not choose; the test has none then.
        choosing: measuresValidation ? test : validation,
        measured: measured,
        checksIntervals: !measuresValidation
      ),
      measuredIDs: measured.items.map(\.id),
      measuredOnValidation: measuresValidation,
      notes: data.problems + training.problems + validation.problems + test.problems
        + (test.count > 0
          ? []
          : validation.count > 0
            ? ["No image was kept for the test; looks on the way are told."]
            : ["No image was kept for the test, and nothing was measured."])
    )
  }

  /// The places of the images that intervals are calibrated on: of a patient or group the first, as its
  /// images are not drawn by themselves.
  private static func calibrating(_ items: [LabelledImages.Item]) -> [Int] {
    var seen: Set<String> = []
    return items.indices.filter { place in
      items[place].group.map { seen.insert($0).inserted } ?? true
    }
  }

  /// Refuses a level for which there are too few images to calibrate on.
  private func checkCount(_ items: [LabelledImages.Item]) throws(RecognitionError) {
    let needed = ConformalIntervals.fewestCases(coverage: request.coverage)
    let count = Self.calibrating(items).count
    guard count == 0 || count >= needed else {
      let grouped = count < items.count ? ", of each patient or group one" : ""
      throw .unfitTraining(
        reason: "intervals that hold \(request.coverage) of the numbers need \(needed) validation "
          + "images, there are \(count)\(grouped); choose a larger --validation-share, a smaller "
          + "--coverage, or --validation-share 0 for no intervals"
      )
    }
  }

  /// Notes what the network's 0 and 1 stand for.
  private func standardise(
    _ configuration: inout RegressionConfiguration,
    _ training: FittedImages
  ) throws(RecognitionError) {
    guard var regression = configuration.plan.regression else { return }
    for place in regression.targets.indices {
      let values = training.items.map { $0.targets[place] }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance =
        values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, values.count))
      guard let low = values.min(), let high = values.max(), low < high, variance > 0 else {
        throw .unfitTraining(
          reason: "\(regression.targets[place].name) is the same in all training images"
        )
      }
      regression.targets[place].mean = mean
      regression.targets[place].deviation = variance.squareRoot()
      regression.targets[place].range = [low, high]
    }
    configuration.plan.regression = regression
  }

  /// Finds the intervals on images that were not trained on.
  private func calibrate(
    _ configuration: inout RegressionConfiguration,
    _ network: any Network,
    _ validation: FittedImages
  ) throws {
    guard var regression = configuration.plan.regression, validation.count > 0 else {
      progress.note("No image is left for calibration: numbers come without intervals.")
      return
    }
    let told = try RegressionScoring.predictions(
      of: network,
      validation.with(configuration.plan),
      interruption: interruption
    )
    let images = Self.calibrating(validation.items)
    for place in regression.targets.indices {
      let errors = images.map { image in
        abs(told[image][place].value - validation.items[image].targets[place])
          / (told[image][place].spread ?? 1)
      }
      regression.targets[place].quantile = ConformalIntervals.halfWidth(
        errors,
        coverage: regression.coverage
      )
    }
    regression.calibrationImages = images.count
    configuration.plan.regression = regression
  }

  /// Measures the network and what is simple.
  /// - Parameters:
  ///   - configuration: The values, with the intervals.
  ///   - network: The network.
  ///   - training: The images trained on.
  ///   - choosing: Those that choose the linear baseline's penalty; may be none.
  ///   - measured: Those that are measured.
  ///   - checksIntervals: Whether these had no part in the intervals, so that coverage means something.
  /// - Returns: The results; nil without images.
  /// - Throws: `RecognitionError.infiniteScores`; `SupportError.interrupted`.
  private func evaluation(
    _ configuration: RegressionConfiguration,
    _ network: any Network,
    training: FittedImages,
    choosing: FittedImages,
    measured: FittedImages,
    checksIntervals: Bool
  ) throws -> RegressionEvaluation? {
    guard measured.count > 0, var regression = configuration.plan.regression else { return nil }
    if !checksIntervals {
      for place in regression.targets.indices { regression.targets[place].quantile = nil }
    }
    let linear = try LinearBaseline(
      training,
      validation: choosing,
      test: measured,
      interruption: interruption
    )
    return RegressionEvaluation(
      try RegressionScoring.predictions(of: network, measured, interruption: interruption),
      items: measured.items,
      regression: regression,
      baselines: linear.map {
        [("ridge regression on \($0.side) x \($0.side) cells a plane", $0.predictions)]
      } ?? []
    )
  }

  private static func hash(_ items: [LabelledImages.Item]) throws -> String {
    let text = items.map { "\($0.id)=\($0.targets)" }.joined(separator: "\n")
    return try SHA256.hexDigest(of: Data(text.utf8))
  }
}
