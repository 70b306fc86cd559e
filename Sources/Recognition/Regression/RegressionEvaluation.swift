import Evaluation
import Pipelines
import Support

/// How well a network tells numbers of images that it did not see before.
public struct RegressionEvaluation: Codable, Sendable, Equatable {
  /// One number of one image.
  public struct Value: Codable, Sendable, Equatable {
    /// What belongs to the image.
    public let truth: Double
    /// What was told.
    public let prediction: Double
    /// The standard deviation that was told; nil where none is.
    public let spread: Double?
    /// The interval's lower end; nil without calibration.
    public let low: Double?
    /// Its upper end.
    public let high: Double?
  }

  /// One image.
  public struct Case: Codable, Sendable, Equatable {
    /// The image's name.
    public let id: String
    /// The numbers, in the order of the targets.
    public let values: [Value]
  }

  /// Errors of something simple, to compare with.
  public struct Baseline: Codable, Sendable, Equatable {
    /// What tells the numbers.
    public let name: String
    /// The mean absolute error.
    public let mae: Double
    /// The root of the mean squared error.
    public let rmse: Double
    /// The share of the variance that is told.
    public let r2: Double?
    /// The mean of its absolute errors less the network's, case by case.
    public let gain: Double
    /// Its 95 % interval by the bootstrap over cases.
    public let gainCI95: [Double]
  }

  /// One number over all images; errors are in its unit, prediction less truth.
  public struct TargetResult: Codable, Sendable, Equatable {
    /// What it is.
    public let name: String
    /// Its unit.
    public let unit: String
    /// Images.
    public let count: Int
    /// The mean absolute error.
    public let mae: Double
    /// Its 95 % interval by the bootstrap over cases.
    public let maeCI95: [Double]
    /// The root of the mean squared error.
    public let rmse: Double
    /// The share of the variance that is told: 1 − Σ(y − ŷ)² / Σ(y − ȳ)²; nil where the truth is constant.
    public let r2: Double?
    /// Pearson's correlation.
    public let pearson: Double?
    /// Lin's concordance coefficient (1989).
    public let concordance: Double?
    /// Its 95 % interval by the z-transform.
    public let concordanceCI95: [Double]?
    /// The mean error.
    public let bias: Double
    /// Its 95 % interval by Student's t.
    public let biasCI95: [Double]?
    /// Bland and Altman's limits of agreement (1986): 95 % of errors lie between them.
    public let limits: [Double]?
    /// The 95 % interval of the lower limit.
    public let lowerLimitCI95: [Double]?
    /// That of the upper limit.
    public let upperLimitCI95: [Double]?
    /// The share of intervals that hold the truth; nil without calibration.
    public let coverage: ShareWithInterval?
    /// The mean width of the intervals.
    public let meanWidth: Double?
    /// What is compared with: the mean of the training images, and the linear baseline where it was fitted.
    public let baselines: [Baseline]
  }

  /// Version of this record.
  public private(set) var schema = "lamina.regression/1"
  /// The share of numbers that intervals are made for.
  public let level: Double
  /// Each number over all images.
  public let targets: [TargetResult]
  /// Every image.
  public let cases: [Case]

  private static let resamples = 2000

  /// Measures.
  /// - Parameters:
  ///   - predictions: Of each image its numbers.
  ///   - items: The images.
  ///   - regression: The numbers and their intervals.
  ///   - baselines: What else was told, by name: `[image][target]`.
  /// - Precondition: As many predictions as images, at least one.
  package init(
    _ predictions: [[RegressionScoring.Prediction]],
    items: [LabelledImages.Item],
    regression: RecognitionPlan.Regression,
    baselines: [(name: String, predictions: [[Double]])] = []
  ) {
    precondition(predictions.count == items.count && !items.isEmpty, "predictions of all images")
    level = regression.coverage
    let cases = zip(predictions, items).map { told, item in
      Case(
        id: item.id,
        values: told.indices.map { place in
          let interval = regression.targets[place].interval(told[place])
          return Value(
            truth: item.targets[place],
            prediction: told[place].value,
            spread: told[place].spread,
            low: interval?.lowerBound,
            high: interval?.upperBound
          )
        }
      )
    }
    self.cases = cases
    targets = regression.targets.enumerated().map { place, target in
      let values = cases.map { $0.values[place] }
      let truths = values.map(\.truth)
      let means = (
        name: "mean of the training images",
        told: items.map { _ in target.mean }
      )
      let others = baselines.map { (name: $0.name, told: $0.predictions.map { $0[place] }) }
      return Self.result(
        target,
        values,
        ids: cases.map(\.id),
        baselines: ([means] + others).map { Self.baseline($0.name, $0.told, truths, values) }
      )
    }
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  private static func r2(_ told: [Double], _ truths: [Double]) -> Double? {
    let middle = mean(truths)
    let all = truths.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    guard all > 0 else { return nil }
    return 1 - zip(told, truths).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / all
  }

  private static func interval(of values: [Double]) -> [Double] {
    let found = MeanBootstrap(values, resamples: resamples, random: RandomStream(seed: 1))
      .interval(.percentile)
    return [found.lowerBound, found.upperBound]
  }

  private static func baseline(
    _ name: String,
    _ told: [Double],
    _ truths: [Double],
    _ values: [Value]
  ) -> Baseline {
    let errors = zip(told, truths).map { abs($0 - $1) }
    let gains = zip(errors, values).map { $0 - abs($1.prediction - $1.truth) }
    return Baseline(
      name: name,
      mae: mean(errors),
      rmse: mean(errors.map { $0 * $0 }).squareRoot(),
      r2: r2(told, truths),
      gain: mean(gains),
      gainCI95: interval(of: gains)
    )
  }

  private static func result(
    _ target: RecognitionPlan.Regression.Target,
    _ values: [Value],
    ids: [String],
    baselines: [Baseline]
  ) -> TargetResult {
    let errors = values.map { abs($0.prediction - $0.truth) }
    // Bland-Altman and Lin's coefficient know no unit.
    let agreement = VolumeAgreement(
      structure: target.name,
      name: target.name,
      points: zip(ids, values).map {
        VolumeAgreement.Point(id: $0, predictionML: $1.prediction, referenceML: $1.truth)
      }
    )
    func bounds(_ range: ClosedRange<Double>?) -> [Double]? {
      range.map { [$0.lowerBound, $0.upperBound] }
    }
    let widths = values.compactMap { value in
      value.high.flatMap { high in value.low.map { high - $0 } }
    }
    let held = values.compactMap { value -> Bool? in
      guard let low = value.low, let high = value.high else { return nil }
      return (low...high).contains(value.truth)
    }
    return TargetResult(
      name: target.name,
      unit: target.unit,
      count: values.count,
      mae: mean(errors),
      maeCI95: interval(of: errors),
      rmse: mean(errors.map { $0 * $0 }).squareRoot(),
      r2: r2(values.map(\.prediction), values.map(\.truth)),
      pearson: agreement.pearson,
      concordance: agreement.concordance,
      concordanceCI95: bounds(agreement.concordanceCI95),
      bias: mean(values.map { $0.prediction - $0.truth }),
      biasCI95: bounds(agreement.biasCI95),
      limits: bounds(agreement.limitsML),
      lowerLimitCI95: bounds(agreement.lowerLimitCI95),
      upperLimitCI95: bounds(agreement.upperLimitCI95),
      coverage: ShareWithInterval(held.count { $0 }, of: held.count),
      meanWidth: widths.isEmpty ? nil : mean(widths),
      baselines: baselines
    )
  }
}
