import Evaluation
import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support

/// Whether made images help a classifier that has few labelled ones.
///
/// Of the training images a share of each class keeps its labels. A generator that is told classes learns
/// from these alone and makes more; then two classifiers are trained alike, one with the labelled images, one
/// with the made images too (Frid-Adar et al. 2018, "GAN-based synthetic medical image augmentation for
/// increased CNN performance in liver lesion classification"). Both are measured on the same test images,
/// which neither they nor the generator ever saw. This is repeated with other shares and seeds.
public struct AugmentationStudy: Sendable {
  /// What is compared.
  public struct Request: Codable, Sendable, Equatable {
    /// Share of the labelled training images of each class that is used, above 0 and at most 1.
    public var share = 0.05
    /// How often, each time with other images and seeds.
    public var repeats = 3
    /// Made images of each class.
    public var made = 100
    /// Leaps of a diffusion model.
    public var leaps = 50
    /// Which generator, its steps, channels and batches; classes, sizes and seeds are put in.
    public var generator: GenerationConfiguration
    /// The classifier's architecture.
    public var classifier = "resnet18"
    /// The classifier's numbers, the same with and without made images; the seed is put in.
    public var learning = LearningConfiguration()
    /// Of the images, if the data set has no test images.
    public var testShare = 0.2
    /// Of those to train on, if the data set has no such images.
    public var validationShare = 0.1
    /// Rows and columns to bring images to for the generator; nil as they are.
    public var side: Int?
    /// Seed of the splits, and the first of the repeats' seeds.
    public var seed: UInt64 = 1

    /// Creates a request; every other property has the default that its declaration shows.
    /// - Parameter generator: Which generator.
    public init(generator: GenerationConfiguration) { self.generator = generator }
  }

  /// One repeat.
  public struct Round: Codable, Sendable, Equatable {
    /// Its seed.
    public let seed: UInt64
    /// Labelled images that were trained on.
    public let labelled: Int
    /// Made images.
    public let made: Int
    /// Share of the test images told rightly after training on the labelled images.
    public let accuracy: Double
    /// The same with made images too.
    public let accuracyWithMade: Double
    /// Test images that only the classifier with made images tells rightly.
    public let gained: Int
    /// Test images that only the classifier without tells rightly.
    public let lost: Int
    /// Exact two-sided p of McNemar's test of these two numbers.
    public let p: Double
  }

  /// What all repeats came to.
  public struct Result: Codable, Sendable, Equatable {
    /// Version of this record.
    public var schema = "lamina.augmentation/1"
    /// What the numbers are.
    public var definition =
      "accuracy: share of test images told rightly; gain: accuracy with made images less accuracy without, "
      + "mean over the repeats; interval: 95 %, percentiles of 2000 resamples of test images and of repeats"
    /// The data set's name.
    public let dataset: String
    /// The share of labels.
    public let share: Double
    /// Images that both classifiers are measured on.
    public let test: Int
    /// The repeats.
    public let rounds: [Round]
    /// Mean of the accuracies without made images.
    public let accuracy: Double
    /// Mean of the accuracies with them.
    public let accuracyWithMade: Double
    /// The mean gain.
    public let gain: Double
    /// Its 95 % interval.
    public let gainCI95: [Double]
    /// One sentence.
    public let verdict: String
  }

  /// A finished study.
  public struct Outcome: Sendable {
    /// The numbers.
    public let result: Result
    /// Of the last repeat, −1 to 1: labelled images and made ones, class by class.
    public let samples: (labelled: [[Float]], made: [[Float]])
    /// Rows, columns and channels of the samples.
    public let size: [Int]
  }

  private let images: LabelledImages
  private let request: Request
  private let folder: String
  private let outputs: OutputGuard
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a study.
  /// - Parameters:
  ///   - images: Images of one class each.
  ///   - request: What is compared.
  ///   - folder: Where what is done is kept until all is; a killed study goes on from there.
  ///   - outputs: Writes it.
  ///   - progress: Told about the trainings.
  ///   - interruption: Looked at before every step.
  /// - Throws: `GenerationError.unfit`, `.unsuitableImages`.
  public init(
    images: LabelledImages,
    request: Request,
    folder: String,
    outputs: OutputGuard,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    func require(_ holds: Bool, _ reason: String) throws {
      if !holds { throw GenerationError.unfit(reason: reason) }
    }
    try require(request.share > 0 && request.share <= 1, "a share of \(request.share)")
    try require((1...100).contains(request.repeats), "\(request.repeats) repeats, not 1 to 100")
    try require((1...100_000).contains(request.made), "\(request.made) made images of a class")
    try require(
      images.classNames.count > 1 && !images.areFindings,
      "a study of made images needs images of two or more classes, one class each"
    )
    (self.images, self.request) = (images, request)
    (self.folder, self.outputs) = (folder, outputs)
    (self.progress, self.interruption) = (progress, interruption)
  }

  /// Removes what a study kept; for when its result is safely written.
  public func discardCheckpoints() { try? FileManager.default.removeItem(atPath: folder) }

  /// What a classifier told rightly, kept between runs.
  private struct Answers: Codable {
    let request: Request
    /// Tells the images, their classes and their splits apart from others.
    let images: String
    let ids: [String]
    let isRight: [Bool]
  }

  /// Trains and measures.
  /// - Parameter resumes: Whether to go on from what is kept.
  /// - Returns: The finished study.
  /// - Throws: What the trainings throw; `GenerationError.unsuitableImages` without test images.
  public func run(resumes: Bool) throws -> Outcome {
    let divided = images.divided(
      testShare: request.testShare,
      validationShare: request.validationShare,
      seed: request.seed
    )
    var rounds: [Round] = []
    var gains: [[Double]] = []
    var samples: (labelled: [[Float]], made: [[Float]]) = ([], [])
    var size: [Int] = []
    for number in 0..<request.repeats {
      let seed = request.seed &+ UInt64(number)
      progress.note("Repeat \(number + 1) of \(request.repeats), seed \(seed).")
      let part = Self.part(of: divided, share: request.share, seed: seed)
      let place = folder + "/\(number + 1)"
      let pictures = try GenerationPictures(
        part.part(.training),
        side: request.side,
        path: images.name
      )
      let (made, labels) = try madeImages(pictures, seed: seed, place, resumes: resumes)
      // Found once: with made images among them the usual size could be another.
      let wanted = try classifier(for: part)
      let without = try told(part, wanted, seed: seed, place, "labelled", resumes: resumes)
      let with = try told(
        Self.joined(part, made, labels, size: pictures.size),
        wanted,
        seed: seed,
        place,
        "with-made",
        resumes: resumes
      )
      guard !without.isRight.isEmpty, without.ids == with.ids else {
        throw GenerationError.unsuitableImages(
          path: images.name,
          reason: "no test image is left to measure on"
        )
      }
      rounds.append(
        Self.round(
          without.isRight,
          with.isRight,
          seed: seed,
          labelled: pictures.count,
          made: made.count
        )
      )
      gains.append(zip(without.isRight, with.isRight).map { ($1 ? 1.0 : 0) - ($0 ? 1 : 0) })
      samples = Self.samples(pictures, made, labels)
      size = pictures.size
      progress.note(Self.sentence(rounds[number]))
    }
    let result = Self.result(rounds, gains, images.name, request)
    return Outcome(result: result, samples: samples, size: size)
  }

  /// The made images of a repeat, and their classes.
  private func madeImages(
    _ pictures: GenerationPictures,
    seed: UInt64,
    _ place: String,
    resumes: Bool
  ) throws -> (images: [[Float]], labels: [Int]) {
    var values = request.generator
    values.classNames = pictures.classNames
    values.seed = seed
    let trainer = GenerationTrainer(
      pictures: pictures,
      checkpointFolder: place + "/generator",
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
    let outcome = try trainer.train(values, resumes: resumes)
    let made = try outcome.model.pictures(
      count: request.made * pictures.classNames.count,
      seed: seed,
      leaps: request.leaps,
      interruption: interruption
    )
    return (made.values, made.labels ?? [])
  }

  /// The classifier that labelled images ask for.
  private func classifier(for images: LabelledImages) throws -> ClassificationRequest {
    var wanted = ClassificationRequest()
    wanted.network = request.classifier
    let plan = try wanted.configuration(for: images).plan
    (wanted.imageSize, wanted.channels) = ([plan.height, plan.width], plan.channels)
    wanted.intensity = plan.intensity
    return wanted
  }

  private static func hash(_ images: LabelledImages) throws -> String {
    let lines = images.items.map { "\($0.id) \($0.classes) \($0.split?.rawValue ?? "")" }
    return try SHA256.hexDigest(of: Data(lines.joined(separator: "\n").utf8))
  }

  /// Trains a classifier and tells the test images.
  private func told(
    _ images: LabelledImages,
    _ wanted: ClassificationRequest,
    seed: UInt64,
    _ place: String,
    _ name: String,
    resumes: Bool
  ) throws -> Answers {
    let file = place + "/\(name).json"
    let hash = try Self.hash(images)
    if resumes, let data = FileManager.default.contents(atPath: file),
      let kept = try? JSONDecoder().decode(Answers.self, from: data)
    {
      guard kept.request == request, kept.images == hash else {
        throw PipelinesError.checkpointMismatch(
          path: file,
          reason: "it belongs to a study of other values"
        )
      }
      return kept
    }
    var learning = request.learning
    learning.seed = seed
    let trainer = ClassificationTrainer(
      images: images,
      request: wanted,
      checkpointFolder: place + "/\(name)",
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
    let outcome = try trainer.train(learning, budget: .steps, resumes: resumes)
    let cases = outcome.measuredOnValidation ? [] : outcome.evaluation?.cases ?? []
    let result = Answers(
      request: request,
      images: hash,
      ids: cases.map(\.id),
      isRight: cases.map { $0.truth == $0.prediction }
    )
    try outputs.write(try JSONEncoder().encode(result), to: file)
    trainer.discardCheckpoints()
    return result
  }
}
