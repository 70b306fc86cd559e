import Evaluation
import Foundation
import Recognition
import Support

/// How well unusual images are told from normal ones.
public struct AnomalyEvaluation: Codable, Sendable, Equatable {
  /// One way of scoring.
  public struct Measure: Codable, Sendable, Equatable {
    /// The area under the receiver operating curve; nil unless both kinds of images are there.
    @NullEncoded public var area: Double?
    /// Its 95 % interval (DeLong, DeLong and Clarke-Pearson 1988).
    @NullEncoded public var areaCI95: [Double]?
    /// The threshold that is stored with the model.
    public let threshold: Double
    /// Share of the unusual images above the threshold.
    public let sensitivity: ShareWithInterval?
    /// Share of the normal images not above the threshold.
    public let specificity: ShareWithInterval?
  }

  /// One image.
  public struct Case: Codable, Sendable, Equatable {
    /// The image's name.
    public let id: String
    /// Its class.
    public let truth: String
    /// Whether the class counts as normal.
    public let isNormal: Bool
    /// What was found.
    public let result: AnomalyDetector.Result
  }

  /// Version of this record.
  public private(set) var schema = "lamina.anomaly/1"
  /// The model's name.
  public let model: String
  /// Its network.
  public let network: String
  /// The class that counts as normal.
  public let normalClass: String
  /// What the score is.
  public let definition: String
  /// The share of normal images that thresholds should leave below them.
  public let quantile: Double
  /// Normal images measured.
  public let normalCount: Int
  /// Unusual images measured.
  public let unusualCount: Int
  /// The model.
  public let own: Measure
  /// Principal components, on the same images.
  public let baseline: Measure
  /// The model's area less the baseline's; nil unless both kinds of images are there.
  @NullEncoded public var areaDifference: Double?
  /// Its 95 % interval: percentiles of 2000 resamples of normal and unusual images, the same for both.
  @NullEncoded public var areaDifferenceCI95: [Double]?
  /// Every image.
  public let cases: [Case]
  /// Said in every record.
  public private(set) var notice = Version.disclaimer

  private static let resamples = 2000

  /// Measures.
  /// - Parameters:
  ///   - detector: What scored the images.
  ///   - cases: The images with their classes.
  ///   - normalClass: The class that counts as normal.
  public init(_ detector: AnomalyDetector, cases: [Case], normalClass: String) {
    let plan = detector.plan
    model = detector.model.description.name
    network = detector.model.description.network.name
    self.normalClass = normalClass
    definition = detector.definition
    quantile = plan.quantile
    unusualCount = cases.count { !$0.isNormal }
    normalCount = cases.count - unusualCount
    self.cases = cases
    func measure(
      _ score: (AnomalyDetector.Result) -> Double,
      _ isUnusual: (AnomalyDetector.Result) -> Bool,
      threshold: Double
    ) -> Measure {
      let curve = ReceiverOperatingCurve(
        scores: cases.map { score($0.result) },
        isPositive: cases.map { !$0.isNormal }
      )
      func share(ofNormal: Bool) -> ShareWithInterval? {
        let own = cases.filter { $0.isNormal == ofNormal }
        return ShareWithInterval(own.count { isUnusual($0.result) != ofNormal }, of: own.count)
      }
      return Measure(
        area: curve?.area,
        areaCI95: curve?.areaInterval.map { [$0.lowerBound, $0.upperBound] },
        threshold: threshold,
        sensitivity: share(ofNormal: false),
        specificity: share(ofNormal: true)
      )
    }
    own = measure(\.score, \.isUnusual, threshold: plan.threshold)
    baseline = measure(
      \.baselineScore,
      \.baselineIsUnusual,
      threshold: plan.baselineThreshold
    )
    (areaDifference, areaDifferenceCI95) = (nil, nil)
    if let first = own.area, let second = baseline.area {
      areaDifference = first - second
      areaDifferenceCI95 = Self.interval(cases)
    }
  }

  /// The receiver operating curve; nil unless both kinds of images are there.
  /// - Parameter ofBaseline: Whether of the baseline.
  /// - Returns: The curve.
  public func curve(ofBaseline: Bool) -> ReceiverOperatingCurve? {
    ReceiverOperatingCurve(
      scores: cases.map { ofBaseline ? $0.result.baselineScore : $0.result.score },
      isPositive: cases.map { !$0.isNormal }
    )
  }

  /// Percentiles of the difference of areas over resamples.
  private static func interval(_ cases: [Case]) -> [Double]? {
    let (normal, unusual) = (cases.filter(\.isNormal), cases.filter { !$0.isNormal })
    guard normal.count > 1, unusual.count > 1 else { return nil }
    let random = RandomStream(seed: 0x6175_63)
    let found = AlignedBuffer<Double>(repeating: 0, count: resamples)
    Parallelism.forEach(resamples) { number in
      var stream = random.split(number)
      let drawn = [normal, unusual].flatMap { group in
        group.map { _ in group[Int(stream.uniform() * Double(group.count))] }
      }
      func area(_ score: (AnomalyDetector.Result) -> Double) -> Double {
        ReceiverOperatingCurve(
          scores: drawn.map { score($0.result) },
          isPositive: drawn.map { !$0.isNormal }
        )?.area ?? 0.5
      }
      found.mutableElements[number] = area(\.score) - area(\.baselineScore)
    }
    let sorted = found.elements.sorted()
    func percentile(_ share: Double) -> Double {
      sorted[Int((share * Double(resamples - 1)).rounded())]
    }
    return [percentile(0.025), percentile(0.975)]
  }
}

extension AnomalyDetector {
  /// Measures on labelled images.
  /// - Parameters:
  ///   - data: The images with their classes.
  ///   - path: Their folder or file, for messages.
  ///   - normalClass: The class that counts as normal; the one that was trained on when nil.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  ///   - shown: Given each image with its heat map and whether it is normal.
  /// - Returns: The results, and images that were left out, one sentence each.
  /// - Throws: `AutoencodersError.noNormalClass`, `.nothingToUse`; `SupportError.interrupted`.
  public func evaluate(
    _ data: LabelledImages,
    path: String,
    normalClass: String?,
    progress: any ProgressReporter,
    interruption: Interruption,
    shown: (Scored, Bool) -> Void = { _, _ in }
  ) throws -> (evaluation: AnomalyEvaluation, problems: [String]) {
    guard let normal = try data.normalClass(normalClass ?? plan.normalClass, path: path) else {
      throw AutoencodersError.noNormalClass(path: path, wanted: nil, known: [])
    }
    var cases: [AnomalyEvaluation.Case] = []
    var problems = data.problems
    try score(data, progress: progress, interruption: interruption) { index, outcome in
      let item = data.items[index]
      switch outcome {
      case .scored(let scored):
        let isNormal = item.classes == [normal]
        shown(scored, isNormal)
        cases.append(
          AnomalyEvaluation.Case(
            id: item.id,
            truth: item.classes.map { data.classNames[$0] }.joined(separator: ";"),
            isNormal: isNormal,
            result: scored.result
          )
        )
      case .failed(let error):
        problems.append("\(item.id) was left out. \(error.description)")
      }
    }
    guard !cases.isEmpty else {
      throw AutoencodersError.nothingToUse(
        path: path,
        reason: problems.first ?? "it has no images of the split"
      )
    }
    return (
      AnomalyEvaluation(self, cases: cases, normalClass: data.classNames[normal]), problems
    )
  }
}
