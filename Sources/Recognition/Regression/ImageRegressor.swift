import Foundation
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// Tells numbers of images, with a model of Lamina's or several.
public struct ImageRegressor: Sendable {
  /// A number that is told.
  public struct Measurement: Codable, Sendable, Equatable {
    /// What it is.
    public let name: String
    /// Its unit.
    public let unit: String
    /// The number.
    public let value: Double
    /// The interval's lower end; nil without calibration, and where several networks are averaged.
    public let low: Double?
    /// Its upper end.
    public let high: Double?
    /// The standard deviation that is told, of several networks together; nil where none is.
    public let spread: Double?
    /// The standard deviation of the members' numbers; nil with one member.
    public let disagreement: Double?
    /// Whether it lies outside what the training images had.
    public let isOutsideTraining: Bool
  }

  /// The result for one input.
  public struct Result: Codable, Sendable, Equatable {
    /// The input's name.
    public let id: String
    /// The numbers.
    public let values: [Measurement]
    /// Networks, or draws of their dropout, whose numbers were averaged.
    public let members: Int
  }

  private struct Member: Sendable {
    let plan: RecognitionPlan
    let network: PlannedNetwork
    let name: String
  }

  /// All models.
  public let models: [ModelPackage]
  /// The numbers; without intervals where several networks are averaged, as these were found for one.
  public let regression: RecognitionPlan.Regression
  private let members: [Member]

  /// The models' names.
  public var name: String { models.map(\.description.name).joined(separator: " + ") }
  /// The models' versions.
  public var version: String { models.map(\.description.version).joined(separator: " + ") }
  /// Whether there is something to compare.
  public var isCompared: Bool { members.count > 1 }

  /// Loads models whose numbers are averaged.
  ///
  /// Spreads are joined as those of a mixture (Lakshminarayanan, Pritzel and Blundell 2017, section 2.4).
  /// - Parameters:
  ///   - models: At least one, of the same numbers.
  ///   - samples: How often the dropout of each network is drawn; nil for the networks as they are.
  ///   - seed: The seed of the draws.
  /// - Throws: `RecognitionError.otherTask`, `.unfitEnsemble`; `PipelinesError.damagedModel`,
  ///   `.noDropout`; `LayersError`.
  /// - Precondition: There is a model.
  public init(_ models: [ModelPackage], samples: Int? = nil, seed: UInt64 = 1) throws {
    precondition(!models.isEmpty, "no model")
    let plans = try models.map(Self.plan)
    func titles(_ plan: RecognitionPlan) -> [String] {
      plan.regression?.targets.map(\.title) ?? []
    }
    for (other, own) in zip(models, plans).dropFirst() where titles(own) != titles(plans[0]) {
      throw RecognitionError.unfitEnsemble(
        reason: "\(other.description.name) and \(models[0].description.name) do not tell the same "
          + "numbers"
      )
    }
    var members: [Member] = []
    let stream = RandomStream(seed: seed)
    for (index, package) in models.enumerated() {
      if samples != nil, !package.description.network.hasDropout {
        throw PipelinesError.noDropout(model: package.description.name)
      }
      let planned = try PlannedNetwork(try package.makeNetwork())
      let drawn = (0..<(samples ?? 0)).map { number in
        var part = stream.split(number)
        return planned.sampled(seed: part.next())
      }
      members += (samples == nil ? [planned] : drawn).map {
        Member(plan: plans[index], network: $0, name: package.description.name)
      }
    }
    guard var regression = plans[0].regression else {
      preconditionFailure("a plan without numbers")
    }
    if members.count > 1 {
      for place in regression.targets.indices { regression.targets[place].quantile = nil }
    }
    self.models = models
    self.regression = regression
    self.members = members
  }

  private static func plan(of model: ModelPackage) throws -> RecognitionPlan {
    guard let plan = model.description.plan.recognition, plan.regression != nil else {
      throw RecognitionError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "telling numbers of images"
      )
    }
    return plan
  }

  /// Tells the numbers of an input.
  /// - Parameters:
  ///   - path: A picture, or a volume where the model sees volumes.
  ///   - id: The input's name in the result.
  /// - Returns: The numbers.
  /// - Throws: `RecognitionError.unsuitableImage` for what is no image of the kind or constant;
  ///   `.infiniteScores`; what reading throws.
  public func measure(_ path: String, id: String) throws -> Result {
    var rows: [[RegressionScoring.Prediction]] = []
    var seen: (plan: RecognitionPlan, values: [Float])?
    for member in members {
      let plan = member.plan
      let values: [Float]
      if let seen, Self.seesAlike(seen.plan, plan) {
        values = seen.values
      } else {
        let image = try Self.image(path, plan)
        try plan.check(image, path: path, model: member.name)
        values = plan.fitted(image).values
        seen = (plan, values)
      }
      let output = member.network(
        Tensor(values, shape: [1, plan.channels, plan.height, plan.width])
      ).values
      guard output.allSatisfy(\.isFinite), let own = plan.regression else {
        throw RecognitionError.infiniteScores(model: member.name)
      }
      rows.append(RegressionScoring.predictions(output, own))
    }
    return Result(
      id: id,
      values: regression.targets.enumerated().map { place, target in
        let parts = rows.map { $0[place] }
        let told = Self.mixture(parts)
        let interval = target.interval(told)
        return Measurement(
          name: target.name,
          unit: target.unit,
          value: told.value,
          low: interval?.lowerBound,
          high: interval?.upperBound,
          spread: told.spread,
          disagreement: isCompared ? Self.deviation(parts.map(\.value)) : nil,
          isOutsideTraining: told.value < target.range[0] || told.value > target.range[1]
        )
      },
      members: members.count
    )
  }

  /// Whether two networks are given the same values of an image; what they tell of it may differ.
  private static func seesAlike(_ one: RecognitionPlan, _ other: RecognitionPlan) -> Bool {
    var (one, other) = (one, other)
    (one.regression, other.regression) = (nil, nil)
    return one == other
  }

  private static func image(_ path: String, _ plan: RecognitionPlan) throws -> ImagePlanes {
    if let stack = plan.stack { return try ImageReader.stacked(path, stack) }
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    guard case .some(.picture) = LabelledImages.sources(path, slicesPerVolume: 1).first?.source
    else {
      throw RecognitionError.unsuitableImage(
        path: path,
        reason: "it is no picture, and the model sees pictures"
      )
    }
    return try ImagePlanes(picture: path)
  }

  private static func deviation(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
      .squareRoot()
  }

  /// The mean, and the spread of the mixture.
  private static func mixture(
    _ parts: [RegressionScoring.Prediction]
  ) -> RegressionScoring.Prediction {
    let count = Double(parts.count)
    let mean = parts.reduce(0) { $0 + $1.value } / count
    guard parts.count > 1 else { return parts[0] }
    guard parts.allSatisfy({ $0.spread != nil }) else {
      return RegressionScoring.Prediction(value: mean)
    }
    let squares = parts.reduce(0) { sum, part in
      let spread = part.spread ?? 0
      return sum + spread * spread + part.value * part.value
    }
    return RegressionScoring.Prediction(
      value: mean,
      spread: max(0, squares / count - mean * mean).squareRoot()
    )
  }

  /// Measures the models on images whose numbers are known.
  /// - Parameters:
  ///   - data: The images; read with the models' numbers as targets.
  ///   - progress: Told about each.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The results, and what could not be read.
  /// - Throws: `RecognitionError.notATable` for images of the other kind; `.noImages`,
  ///   `.infiniteScores`; `SupportError.interrupted`.
  public func evaluate(
    _ data: MeasuredImages,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (evaluation: RegressionEvaluation, problems: [String]) {
    var rows: [[[RegressionScoring.Prediction]]] = []
    var seen: FittedImages?
    for member in members {
      guard data.areVolumes == (member.plan.stack != nil) else {
        throw RecognitionError.notATable(
          path: data.name,
          reason:
            "it names \(data.areVolumes ? "volumes" : "pictures"), and \(member.name) sees the "
            + "others"
        )
      }
      let fitted: FittedImages
      if let seen, Self.seesAlike(seen.plan, member.plan) {
        fitted = seen.with(member.plan)
      } else {
        fitted = try FittedImages(
          data.with(member.plan.stack),
          plan: member.plan,
          progress: progress,
          interruption: interruption
        ).with(member.plan)
        if let seen, seen.items.map(\.id) != fitted.items.map(\.id) {
          throw RecognitionError.unfitEnsemble(reason: "they do not take the same images")
        }
        seen = fitted
      }
      rows.append(
        try RegressionScoring.predictions(
          of: member.network,
          fitted,
          interruption: interruption
        )
      )
    }
    guard let fitted = seen else { preconditionFailure("a regressor without a network") }
    let told = fitted.items.indices.map { image in
      regression.targets.indices.map { place in Self.mixture(rows.map { $0[image][place] }) }
    }
    return (
      RegressionEvaluation(told, items: fitted.items, regression: regression),
      data.problems + fitted.problems
    )
  }
}
