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
  }

  /// The model.
  public let model: ModelPackage
  /// What stands between an image and the network.
  public let plan: RecognitionPlan
  /// The network.
  package let network: any Network
  private let planned: PlannedNetwork
  private let slicesPerVolume: Int

  /// The classes.
  public var classNames: [String] { model.description.labels.map(\.name) }

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameters:
  ///   - model: The model.
  ///   - slicesPerVolume: Slices of a volume whose probabilities are averaged.
  /// - Throws: `RecognitionError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage, slicesPerVolume: Int = 8) throws {
    guard let plan = model.description.plan.recognition,
      plan.task == .classification || plan.task == .findings
    else {
      throw RecognitionError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "telling classes of images"
      )
    }
    self.model = model
    self.plan = plan
    self.slicesPerVolume = slicesPerVolume
    network = try model.makeNetwork()
    planned = try PlannedNetwork(network)
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
    var mean = [Double](repeating: 0, count: classNames.count)
    for image in images {
      let row = try probabilities(of: image)
      for (index, value) in row.enumerated() { mean[index] += value / Double(images.count) }
    }
    return result(mean, id: id, slices: images.count)
  }

  /// The images of an input, each checked.
  package func images(of path: String) throws -> [ImagePlanes] {
    let images = try ImageReader.images(of: path, slices: slicesPerVolume)
    for image in images { try plan.check(image, path: path, model: model.description.name) }
    return images
  }

  /// The classes' probabilities of one image.
  package func probabilities(of image: ImagePlanes) throws -> [Double] {
    let input = Tensor(
      plan.fitted(image).values,
      shape: [1, plan.channels, plan.height, plan.width]
    )
    let scores = planned(input).values
    guard scores.allSatisfy(\.isFinite) else {
      throw RecognitionError.infiniteScores(model: model.description.name)
    }
    return plan.probabilities(scores)
  }

  private func result(_ probabilities: [Double], id: String, slices: Int) -> Result {
    let told = Set(plan.told(probabilities))
    let entropy = probabilities.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
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
      uncertainty: plan.task == .findings
        ? nil : (1e6 * entropy / log(Double(max(2, probabilities.count)))).rounded() / 1e6
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
    let fitted = try FittedImages(
      matched,
      plan: plan,
      progress: progress,
      interruption: interruption
    ).with(plan)
    let probabilities = try RecognitionScoring.probabilities(
      of: network,
      fitted,
      interruption: interruption
    )
    return (
      ClassificationEvaluation(
        probabilities,
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
