import Foundation
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// Says what images show, with a model of Lamina's.
public struct ImageRecognizer: Sendable {
  /// What a model says of an image.
  public struct Finding: Codable, Sendable, Equatable {
    /// The class.
    public let name: String
    /// Its probability, 0 to 1.
    public let probability: Double
    /// Whether it is told: the most probable class, or a finding above its threshold.
    public let isTold: Bool
    /// Whether it is in the conformal set; nil without one.
    public let isInSet: Bool?
  }

  /// The result for one input.
  public struct Result: Codable, Sendable, Equatable {
    /// The input's name.
    public let id: String
    /// The classes, most probable first.
    public let findings: [Finding]
    /// Slices that were averaged; 1 for pictures.
    public let slices: Int
    /// How unsure the model is: the entropy over its largest value, 0 to 1; nil where findings are told.
    public let uncertainty: Double?
    /// The part of `uncertainty` that the members disagree about (mutual information, 0 to 1); nil with
    /// one member and where findings are told.
    public let disagreement: Double?
    /// Networks, or draws of their dropout, whose probabilities were averaged.
    public let members: Int
  }

  /// One of the networks whose probabilities are averaged.
  private struct Member: Sendable {
    let plan: RecognitionPlan
    let network: PlannedNetwork
    let name: String
  }

  /// The model; the first of several.
  public let model: ModelPackage
  /// All models.
  public let models: [ModelPackage]
  /// What stands between an image and the network of the first model; without the conformal threshold
  /// where several are averaged, as it was found for that network alone.
  public let plan: RecognitionPlan
  /// The network of the first model.
  package let network: any Network
  private let members: [Member]
  private let slicesPerVolume: Int

  /// The models' names.
  public var name: String { models.map(\.description.name).joined(separator: " + ") }
  /// The models' versions.
  public var version: String { models.map(\.description.version).joined(separator: " + ") }
  /// Whether there is something to compare.
  public var isCompared: Bool { members.count > 1 }

  /// The classes.
  public var classNames: [String] { model.description.labels.map(\.name) }

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameters:
  ///   - model: The model.
  ///   - slicesPerVolume: Slices of a volume whose probabilities are averaged.
  /// - Throws: `RecognitionError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage, slicesPerVolume: Int = 8) throws {
    try self.init([model], slicesPerVolume: slicesPerVolume)
  }

  /// Loads models whose probabilities are averaged, each at its own temperature.
  ///
  /// Lakshminarayanan, Pritzel and Blundell 2017, "Simple and scalable predictive uncertainty estimation
  /// using deep ensembles".
  /// - Parameters:
  ///   - models: At least one, of the same classes.
  ///   - samples: How often the dropout of each network is drawn (Gal and Ghahramani 2016); nil for the
  ///     networks as they are.
  ///   - seed: The seed of the draws.
  ///   - slicesPerVolume: Slices of a volume whose probabilities are averaged.
  /// - Throws: `RecognitionError.otherTask`, `.unfitEnsemble`; `PipelinesError.damagedModel`,
  ///   `.noDropout`; `LayersError`.
  /// - Precondition: There is a model.
  public init(
    _ models: [ModelPackage],
    samples: Int? = nil,
    seed: UInt64 = 1,
    slicesPerVolume: Int = 8
  ) throws {
    precondition(!models.isEmpty, "no model")
    let plans = try models.map(Self.plan)
    for (other, own) in zip(models, plans).dropFirst() {
      guard other.description.labels.map(\.name) == models[0].description.labels.map(\.name),
        own.task == plans[0].task, own.channels == plans[0].channels
      else {
        throw RecognitionError.unfitEnsemble(
          reason: "\(other.description.name) and \(models[0].description.name) do not tell the "
            + "same classes of the same kind of images"
        )
      }
    }
    var networks: [any Network] = []
    var members: [Member] = []
    let stream = RandomStream(seed: seed)
    for (index, package) in models.enumerated() {
      if samples != nil, !package.description.network.hasDropout {
        throw PipelinesError.noDropout(model: package.description.name)
      }
      let own = try package.makeNetwork()
      let planned = try PlannedNetwork(own)
      networks.append(own)
      let drawn = (0..<(samples ?? 0)).map { number in
        var part = stream.split(number)
        return planned.sampled(seed: part.next())
      }
      members += (samples == nil ? [planned] : drawn).map {
        Member(plan: plans[index], network: $0, name: package.description.name)
      }
    }
    var plan = plans[0]
    if members.count > 1 { plan.conformal = nil }
    self.models = models
    self.model = models[0]
    self.plan = plan
    self.slicesPerVolume = slicesPerVolume
    self.members = members
    network = networks[0]
  }

  private static func plan(of model: ModelPackage) throws -> RecognitionPlan {
    guard let plan = model.description.plan.recognition,
      plan.task == .classification || plan.task == .findings
    else {
      throw RecognitionError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "telling classes of images"
      )
    }
    return plan
  }

  /// Says what an input shows; of a volume the mean over slices from its middle half.
  /// - Parameters:
  ///   - path: A picture, or a volume.
  ///   - id: The input's name in the result.
  /// - Returns: The classes with their probabilities.
  /// - Throws: `RecognitionError.unsuitableImage` for what is no image, is constant, or has colours that a
  ///   model of grey images would not see; `.infiniteScores`; what reading throws.
  public func recognize(_ path: String, id: String) throws -> Result {
    let images = try images(of: path)
    var rows = members.map { _ in [Double](repeating: 0, count: classNames.count) }
    for image in images {
      for (place, member) in members.enumerated() {
        let row = try Self.probabilities(of: image, member)
        for (index, value) in row.enumerated() {
          rows[place][index] += value / Double(images.count)
        }
      }
    }
    return result(rows, id: id, slices: images.count)
  }

  /// The mean of the members' probabilities.
  private static func mean(_ rows: [[Double]]) -> [Double] {
    rows[0].indices.map { index in
      rows.reduce(0) { $0 + $1[index] } / Double(rows.count)
    }
  }

  /// The entropy over its largest value.
  private static func entropy(_ probabilities: [Double]) -> Double {
    probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
      / log(Double(max(2, probabilities.count)))
  }

  /// The images of an input, each checked.
  package func images(of path: String) throws -> [ImagePlanes] {
    let images = try ImageReader.images(of: path, slices: slicesPerVolume)
    for image in images { try plan.check(image, path: path, model: model.description.name) }
    return images
  }

  /// The classes' probabilities of one image, the mean over the members.
  package func probabilities(of image: ImagePlanes) throws -> [Double] {
    Self.mean(try members.map { try Self.probabilities(of: image, $0) })
  }

  private static func probabilities(of image: ImagePlanes, _ member: Member) throws -> [Double] {
    let plan = member.plan
    let input = Tensor(
      plan.fitted(image).values,
      shape: [1, plan.channels, plan.height, plan.width]
    )
    let scores = member.network(input).values
    guard scores.allSatisfy(\.isFinite) else {
      throw RecognitionError.infiniteScores(model: member.name)
    }
    return plan.probabilities(scores)
  }

  private func result(_ rows: [[Double]], id: String, slices: Int) -> Result {
    let probabilities = Self.mean(rows)
    let told = Set(plan.told(probabilities))
    let entropy = Self.entropy(probabilities)
    let own = rows.reduce(0) { $0 + Self.entropy($1) } / Double(rows.count)
    func rounded(_ value: Double) -> Double { (1e6 * value).rounded() / 1e6 }
    let isClass = plan.task == .classification
    let findings = probabilities.indices.map { index in
      Finding(
        name: classNames[index],
        probability: (probabilities[index] * 1e6).rounded() / 1e6,
        isTold: told.contains(index),
        isInSet: plan.conformal.map { probabilities[index] >= $0.leastProbability }
      )
    }
    return Result(
      id: id,
      findings: findings.sorted { $0.probability > $1.probability },
      slices: slices,
      uncertainty: isClass ? rounded(entropy) : nil,
      disagreement: isClass && isCompared ? rounded(max(0, entropy - own)) : nil,
      members: members.count
    )
  }

  /// Measures the model on labelled images.
  /// - Parameters:
  ///   - images: The images; their classes are matched by name.
  ///   - progress: Told about each.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The results, and what could not be read.
  /// - Throws: `RecognitionError.otherTask` for findings where the model tells one class; `.otherClasses`,
  ///   `.noImages`, `.infiniteScores`; `SupportError.interrupted`.
  public func evaluate(
    _ images: LabelledImages,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (evaluation: ClassificationEvaluation, problems: [String]) {
    guard !images.areFindings || plan.task == .findings else {
      throw RecognitionError.otherTask(
        model: model.description.name,
        task: plan.task.rawValue,
        wanted: "several findings in one image"
      )
    }
    let numbers = try classNumbers(of: images)
    var matched = images
    for index in matched.items.indices {
      matched.items[index].classes = matched.items[index].classes.map { numbers[$0] }.sorted()
    }
    var sums: [[Double]] = []
    var seen: (plan: RecognitionPlan, images: FittedImages)?
    for member in members {
      let fitted: FittedImages
      if let seen, seen.plan == member.plan {
        fitted = seen.images
      } else {
        fitted = try FittedImages(
          matched,
          plan: member.plan,
          progress: progress,
          interruption: interruption
        ).with(member.plan)
        if let seen, seen.images.items.map(\.id) != fitted.items.map(\.id) {
          throw RecognitionError.unfitEnsemble(reason: "they do not take the same images")
        }
        seen = (member.plan, fitted)
      }
      let rows = try RecognitionScoring.scores(
        of: member.network,
        fitted,
        interruption: interruption
      ).map { member.plan.probabilities($0) }
      sums = sums.isEmpty ? rows : zip(sums, rows).map { zip($0, $1).map(+) }
    }
    guard let fitted = seen?.images else { preconditionFailure("a recogniser without a network") }
    let share = Double(members.count)
    return (
      ClassificationEvaluation(
        sums.map { $0.map { $0 / share } },
        items: fitted.items,
        plan: plan,
        classNames: classNames
      ), images.problems + fitted.problems
    )
  }

  /// The model's number of each of the data set's classes.
  private func classNumbers(of images: LabelledImages) throws -> [Int] {
    let unknown = images.classNames.filter { !classNames.contains($0) }
    guard unknown.isEmpty else {
      throw RecognitionError.otherClasses(
        path: images.name,
        unknown: unknown,
        known: classNames
      )
    }
    return images.classNames.compactMap { classNames.firstIndex(of: $0) }
  }
}
