import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support

/// Trains a network on clips, calibrates it, and measures it on clips that were kept back.
public struct ClipTrainer: Sendable {
  /// What is asked for; nil is chosen from the clips.
  public struct Request: Sendable {
    /// Rows and columns that the network sees; those of the frames, but at most 112, when nil.
    public var imageSize: [Int]?
    /// 1 for grey frames, 3 for colours; 3 when nil and the first clip has colours.
    public var channels: Int?
    /// Which intensities become 0 and 1; 0 to 255 for pictures and percentiles for volumes when nil.
    public var intensity: IntensityRange?
    /// Longer clips are thinned out evenly to so many frames.
    public var maximumFrames = 32
    /// Channels of the encoder's stages.
    public var features = [16, 32, 64]
    /// What joins the frames.
    public var joining = ClipClassifierConfiguration.Joining.recurrent
    /// Which recurrence.
    public var cell = RecurrentConfiguration.Cell.lstm
    /// The length of a direction's state.
    public var width = 128
    /// How many recurrent layers.
    public var layers = 1
    /// Whether clips are also read backwards.
    public var isBidirectional = false
    /// How far clips are changed.
    public var augmentation = RecognitionAugmentation()
    /// Share of the clips that is kept for the test, if the data set has none.
    public var testShare = 0.2
    /// Share of the others that is looked at on the way, if the data set has none.
    public var validationShare = 0.1

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// The largest side that is chosen.
  private static let usualSide = 112

  private let data: ClipDataset
  private let request: Request
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - data: The clips.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    data: ClipDataset,
    request: Request,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.data = data
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
  /// - Throws: `SequencesError`; what `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> SequenceOutcome {
    let divided = data.divided(
      testShare: request.testShare,
      validationShare: request.validationShare,
      seed: learning.seed
    )
    var clips = try plan()
    func fitted(_ split: LabelledImages.Split) throws -> FittedClips {
      try FittedClips(
        divided.items(split),
        plan: clips,
        name: data.name,
        progress: progress,
        interruption: interruption
      )
    }
    let (training, validation, test) = (
      try fitted(.training), try fitted(.validation), try fitted(.test)
    )
    progress.warnOfLeftOut(training.problems + validation.problems + test.problems)
    let measured = test.clips.isEmpty ? validation : test
    guard !training.clips.isEmpty, !measured.clips.isEmpty else {
      throw SequencesError.nothingToUse(
        path: data.name,
        reason: "no clip is left to train on or to measure"
      )
    }
    (clips.frames.means, clips.frames.deviations) = training.statistics(
      channels: clips.frames.channels,
      area: clips.frames.height * clips.frames.width
    )
    let text = training.clips.map { "\($0.item.id)=\($0.item.label)" }.joined(separator: "\n")
    let configuration = ClipConfiguration(
      network: network(clips),
      plan: SequencePlan(clips: clips),
      augmentation: request.augmentation,
      classNames: data.classNames,
      clipsHash: try SHA256.hexDigest(of: Data(text.utf8))
    )
    let task = ClipTask(values: configuration, training: training, validation: validation)
    let outcome = try run.train(task, learning, budget: budget, resumes: resumes)
    var plan = configuration.plan
    if !validation.clips.isEmpty {
      let temperature = TemperatureScaling.temperature(
        scores: try task.scores(
          of: outcome.network,
          on: validation,
          interruption: interruption
        ),
        classes: validation.clips.map { [$0.item.label] },
        areFindings: false
      )
      plan.temperature = (temperature * 1e4).rounded() / 1e4
    }
    let scores = try task.scores(of: outcome.network, on: measured, interruption: interruption)
    return SequenceOutcome(
      configuration: configuration.network,
      plan: plan,
      classNames: data.classNames,
      learning: outcome.configuration,
      network: outcome.network,
      weightType: outcome.weightType,
      epochs: outcome.epochs,
      looks: outcome.looks,
      counts: [
        .training: training.clips.count, .validation: validation.clips.count,
        .test: test.clips.count,
      ],
      evaluation: task.evaluation(scores, measured, temperature: plan.temperature),
      detection: nil,
      notes: data.problems + training.problems + validation.problems + test.problems
        + (test.clips.isEmpty ? ["No clip was kept for the test; looks on the way are told."] : [])
    )
  }

  private func plan() throws -> SequencePlan.Clips {
    guard
      let (first, isVolume) = data.items.lazy.compactMap({ item -> ([ImagePlanes], Bool)? in
        guard let frames = try? ClipReader.read(item.path, maximum: request.maximumFrames),
          let pictures = try? ClipReader.frames(item.path)
        else { return nil }
        return (frames, pictures.isEmpty)
      }).first
    else {
      throw SequencesError.nothingToUse(path: data.name, reason: "none of its clips can be read")
    }
    let (height, width) = (first[0].height, first[0].width)
    let ratio = min(1, Double(Self.usualSide) / Double(max(height, width)))
    let size =
      request.imageSize ?? [height, width].map { max(8, Int((Double($0) * ratio).rounded())) }
    var frames = RecognitionPlan(
      task: .classification,
      imageSize: size,
      channels: request.channels ?? (first.contains(where: \.hasColours) ? 3 : 1)
    )
    frames.intensity =
      request.intensity
      ?? (isVolume ? .percentiles(low: 0.5, high: 99.5) : .fixed(low: 0, high: 255))
    frames.takesColours = request.channels == 1 ? true : nil
    let plan = SequencePlan.Clips(frames: frames, maximumFrames: request.maximumFrames)
    try SequencePlan(clips: plan).check()
    return plan
  }

  private func network(_ plan: SequencePlan.Clips) -> NetworkConfiguration {
    var values = ClipClassifierConfiguration(
      inputChannels: plan.frames.channels,
      outputChannels: data.classNames.count
    )
    values.features = request.features
    values.joining = request.joining
    values.recurrence = RecurrentConfiguration(width: request.width)
    values.recurrence.cell = request.cell
    values.recurrence.layers = request.layers
    values.recurrence.isBidirectional = request.isBidirectional
    return .clipClassifier(values)
  }
}
