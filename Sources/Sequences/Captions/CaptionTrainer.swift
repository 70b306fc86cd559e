import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import Tensors

/// Trains a network that writes sentences about images, and measures it on images that were kept back.
public struct CaptionTrainer: Sendable {
  /// What is asked for; nil is chosen from the images.
  public struct Request: Sendable {
    /// Rows and columns that the network sees; the median of the images', with `pad` the largest, but at
    /// most 224, when nil.
    public var imageSize: [Int]?
    /// 1 for grey images, 3 for colours; 3 when nil and one of the first images has colours.
    public var channels: Int?
    /// How images of another size are brought to the network's.
    public var fitting = RecognitionPlan.Fitting.stretch
    /// Which intensities become 0 and 1; 0 to 255 for pictures and percentiles for scans when nil.
    public var intensity: IntensityRange?
    /// Slices of a volume, which are the channels of the network's input; with `pad` at fixed distances in
    /// mm about its middle, else spread over all of it.
    public var slices = 8
    /// Channels of the encoder's stages.
    public var features = [32, 64, 96, 128]
    /// Rows and columns of places that attention chooses from.
    public var gridSize = [8, 8]
    /// Values of the decoder's state.
    public var width = 192
    /// A word that occurs less often is unknown.
    public var leastCount = 2
    /// Sentences that are kept side by side while one is written.
    public var beams = 4
    /// How far images are changed.
    public var augmentation = RecognitionAugmentation()
    /// Share of the images that is kept for the test, if the data set has none.
    public var testShare = 0.2
    /// Share of the others that is looked at on the way, if the data set has none.
    public var validationShare = 0.1

    /// Creates the defaults that the properties show; images are not scaled at random, as that would
    /// change sizes that sentences tell.
    public init() { augmentation.scaling = 0 }
  }

  /// A finished run.
  public struct Outcome: Sendable {
    /// The architecture.
    public let configuration: CaptionConfiguration
    /// What stands between an image and the network.
    public let plan: SequencePlan.Captions
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
    /// Results on the test, or on what was looked at where there is none.
    public let evaluation: CaptionEvaluation
    /// Oddities of the data.
    public let notes: [String]
  }

  /// The largest side that is chosen.
  private static let usualSide = 224
  /// Label maps that are looked at for their numbers, at most.
  private static let lookedAt = 200
  /// The smallest side that is chosen.
  private static let leastSide = 16

  private let data: CaptionDataset
  private let request: Request
  private let run: LearningRun
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - data: The images with their sentences.
  ///   - request: What is asked for.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    data: CaptionDataset,
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
  /// - Throws: `SequencesError`; `RecognitionError.noImages`; what `LearningRun.train` throws.
  public func train(
    _ learning: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> Outcome {
    var images = try imagePlan()
    let divided = data.with(images.stack, images.labelMap).divided(
      testShare: request.testShare,
      validationShare: request.validationShare,
      seed: learning.seed
    )
    func fitted(_ split: LabelledImages.Split) throws -> FittedImages {
      try FittedImages(
        divided.part(split),
        plan: images,
        progress: progress,
        interruption: interruption
      )
    }
    let (training, validation, test) = (
      try fitted(.training), try fitted(.validation), try fitted(.test)
    )
    progress.warnOfLeftOut(training.problems + validation.problems + test.problems)
    let measured = test.count > 0 ? test : validation
    guard training.count > 0, measured.count > 0 else {
      throw SequencesError.nothingToUse(
        path: data.name,
        reason: "no image is left to train on or to measure"
      )
    }
    (images.means, images.deviations) = training.statistics
    let sentences = training.items.flatMap { data.captions[$0.id] ?? [] }
    let words = CaptionWords.vocabulary(sentences, least: request.leastCount)
    guard words.count > SequencePlan.Captions.marks.count else {
      throw SequencesError.noCaptions(
        path: data.name,
        reason: "no word occurs \(request.leastCount) times; lower --min-count"
      )
    }
    var plan = SequencePlan.Captions(
      images: images,
      words: words,
      maximumWords: min(
        CaptionDataset.mostWords,
        (sentences.map(\.count).max() ?? 1) + 5
      )
    )
    plan.beams = request.beams
    var configuration = CaptionConfiguration(
      inputChannels: images.channels,
      outputChannels: words.count
    )
    (configuration.features, configuration.gridSize) = (request.features, request.gridSize)
    configuration.width = request.width
    let text = training.items.map { "\($0.id)=\(data.captions[$0.id] ?? [])" }
      .joined(separator: "\n")
    let task = CaptionTask(
      CaptionTrainingValues(
        network: configuration,
        plan: plan,
        augmentation: request.augmentation,
        imagesHash: try SHA256.hexDigest(of: Data(text.utf8))
      ),
      training: training,
      validation: validation,
      captions: data.captions
    )
    let outcome = try run.train(task, learning, budget: budget, resumes: resumes)
    let unknown = Set(measured.items.flatMap { (data.captions[$0.id] ?? []).joined() })
      .subtracting(words)
    return Outcome(
      configuration: configuration,
      plan: plan,
      learning: outcome.configuration,
      network: outcome.network,
      weightType: outcome.weightType,
      epochs: outcome.epochs,
      looks: outcome.looks,
      counts: [.training: training.count, .validation: validation.count, .test: test.count],
      evaluation: try evaluation(plan, outcome.network, training, measured.with(images)),
      notes: data.problems + training.problems + validation.problems + test.problems
        + (images.labelMap == nil && !data.labelMaps.isEmpty
          ? ["The label maps have no label, and the network does not see them."] : [])
        + (test.count == 0 ? ["No image was kept for the test; looks on the way are told."] : [])
        + (unknown.isEmpty
          ? [] : ["\(unknown.count) words of the measured sentences are not known."])
    )
  }

  private func imagePlan() throws -> RecognitionPlan {
    let stack =
      data.areVolumes
      ? try data.images.stack(slices: request.slices, fitting: request.fitting) : nil
    let maps = data.labelMaps.sorted { $0.key < $1.key }.map(\.value)
    let labels = LabelPlanes.channels(for: Array(maps.prefix(Self.lookedAt)))
    let set = data.with(stack, nil)
    let step = max(1, set.count / 32)
    let sample = stride(from: 0, to: set.count, by: step).compactMap { place in
      try? set.items[place].read()
    }
    guard !sample.isEmpty else {
      throw SequencesError.nothingToUse(path: data.name, reason: "none of its images can be read")
    }
    func side(_ sides: [Int]) -> Int { min(Self.usualSide, sides.sorted()[sides.count / 2]) }
    let usual =
      request.fitting == .pad
      ? ImagePlanes.paddedSize(of: sample)
      : [side(sample.map(\.height)), side(sample.map(\.width))]
    let channels =
      stack?.slices ?? request.channels ?? (sample.contains(where: \.hasColours) ? 3 : 1)
    var plan = RecognitionPlan(
      task: .embedding,
      imageSize: request.imageSize ?? usual.map { max(Self.leastSide, $0) },
      channels: channels + (labels?.count ?? 0) * (stack?.slices ?? 1)
    )
    plan.labelMap = labels
    plan.fitting = request.fitting
    plan.stack = stack
    plan.intensity =
      request.intensity
      ?? (data.areVolumes ? .percentiles(low: 0.5, high: 99.5) : .fixed(low: 0, high: 255))
    plan.takesColours = request.channels == 1 ? true : nil
    return plan
  }

  /// Writes sentences about images that were kept back, beside what is simple.
  private func evaluation(
    _ plan: SequencePlan.Captions,
    _ network: any Network,
    _ training: FittedImages,
    _ measured: FittedImages
  ) throws -> CaptionEvaluation {
    guard let network = network as? CaptionNetwork else {
      preconditionFailure("a network that writes no sentences")
    }
    let search = BeamSearch(network: network, plan: plan)
    var captions: [[String]] = []
    for index in 0..<measured.count {
      try interruption.check()
      guard let found = search.sentence(measured.batch([index])) else {
        throw SequencesError.infiniteScores(model: "the network")
      }
      captions.append(found.words.map { plan.words[$0] })
    }
    let known = training.items.map { (data.captions[$0.id] ?? [[]])[0] }
    let own = try Self.vectors(network, training.with(plan.images), interruption)
    let nearest = try Self.vectors(network, measured, interruption).map { vector in
      let likeness = own.map { zip($0, vector).reduce(Float(0)) { $0 + $1.0 * $1.1 } }
      return known[likeness.indices.max { likeness[$0] < likeness[$1] } ?? 0]
    }
    return CaptionEvaluation(
      ids: measured.items.map(\.id),
      captions: captions,
      references: measured.items.map { data.captions[$0.id] ?? [] },
      baselines: [
        (
          "majority: the sentence that training images have most often",
          [[String]](repeating: Self.majority(known), count: measured.count)
        ), ("retrieval: the sentence of the most alike training image", nearest),
      ]
    )
  }

  /// The most frequent sentence; of equally frequent ones the first by the alphabet.
  static func majority(_ sentences: [[String]]) -> [String] {
    let counts = Dictionary(grouping: sentences) { $0 }.mapValues(\.count)
    return counts.max {
      $0.value != $1.value
        ? $0.value < $1.value : $0.key.joined(separator: " ") > $1.key.joined(separator: " ")
    }?.key ?? []
  }

  /// The mean place of each image by the network's own encoder, of length 1.
  private static func vectors(
    _ network: CaptionNetwork,
    _ images: FittedImages,
    _ interruption: Interruption
  ) throws -> [[Float]] {
    var result: [[Float]] = []
    for start in stride(from: 0, to: images.count, by: RecognitionScoring.batchSize) {
      try interruption.check()
      let range = Array(start..<min(images.count, start + RecognitionScoring.batchSize))
      let means = network.places(of: images.batch(range), in: .inference).mean(axes: [1])
      let (values, width) = (means.values, means.shape[1])
      result += range.indices.map {
        RecognitionScoring.unit(Array(values[$0 * width..<($0 + 1) * width]))
      }
    }
    return result
  }
}
