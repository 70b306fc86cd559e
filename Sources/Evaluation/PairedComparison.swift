/// Two sets of predictions compared on one metric of one structure, case by case.
///
/// Differences are the first predictions' value less the other's, in the metric's unit. Of metrics
/// that are better closer to 0, magnitudes are compared.
public struct PairedComparison: Equatable, Sendable, Codable {
  /// The values of one case (or the means of one patient's cases).
  public struct Difference: Equatable, Sendable, Codable {
    /// The case's name; a patient's cases are joined by "+".
    public let id: String
    /// The first predictions' value.
    public let first: Double
    /// The other predictions' value.
    public let other: Double

    /// Creates a pair of values.
    /// - Parameters:
    ///   - id: The case's name.
    ///   - first: The first predictions' value.
    ///   - other: The other predictions' value.
    public init(id: String, first: Double, other: Double) {
      self.id = id
      self.first = first
      self.other = other
    }

    /// The first predictions' value less the other's.
    public var difference: Double { first - other }
  }

  /// Which predictions the difference favours.
  public enum Favours: String, Sendable, Codable {
    case first
    case other
    case neither
  }

  /// The structure's key.
  public let structure: String
  /// The structure's name.
  public let name: String
  /// The metric's key.
  public let metric: String
  /// The values of the cases that have one on both sides, in the order of the cases.
  public let differences: [Difference]
  /// The number of cases left out because a value is undefined on either side.
  public let undefined: Int
  /// The mean of the first predictions over the pairs; nil without a pair.
  @NullEncoded public private(set) var firstMean: Double?
  /// The mean of the other predictions over the pairs; nil without a pair.
  @NullEncoded public private(set) var otherMean: Double?
  /// The mean difference; nil without a pair.
  @NullEncoded public private(set) var meanDifference: Double?
  /// Its 95 % bootstrap interval; nil for fewer than two pairs.
  @NullEncoded public private(set) var ci95: ClosedRange<Double>?
  /// The median difference; nil without a pair.
  @NullEncoded public private(set) var medianDifference: Double?
  /// In how many pairs the first predictions are better, the other ones are, and neither is.
  public let firstBetter: Int
  /// In how many pairs the other predictions are better.
  public let otherBetter: Int
  /// In how many pairs the values are equal.
  public let equal: Int
  /// Wilcoxon's signed rank test; nil without a difference that is not 0.
  @NullEncoded public private(set) var wilcoxon: TestResult?
  /// The sign-flip permutation test of the mean difference; nil without a pair.
  @NullEncoded public private(set) var permutation: TestResult?
  /// The matched-pairs rank-biserial correlation, -1 to 1; nil without a difference that is not 0.
  @NullEncoded public private(set) var rankBiserial: Double?
  /// Cohen's dz, the mean difference over the differences' SD; nil for fewer than two pairs or when
  /// the differences do not vary.
  @NullEncoded public private(set) var cohensDz: Double?

  /// Creates a record of statistics that were computed elsewhere.
  package init(
    structure: String,
    name: String,
    metric: String,
    differences: [Difference],
    undefined: Int,
    firstMean: Double?,
    otherMean: Double?,
    meanDifference: Double?,
    ci95: ClosedRange<Double>?,
    medianDifference: Double?,
    firstBetter: Int,
    otherBetter: Int,
    equal: Int,
    wilcoxon: TestResult?,
    permutation: TestResult?,
    rankBiserial: Double?,
    cohensDz: Double?
  ) {
    self.structure = structure
    self.name = name
    self.metric = metric
    self.differences = differences
    self.undefined = undefined
    self.firstBetter = firstBetter
    self.otherBetter = otherBetter
    self.equal = equal
    self.firstMean = firstMean
    self.otherMean = otherMean
    self.meanDifference = meanDifference
    self.ci95 = ci95
    self.medianDifference = medianDifference
    self.wilcoxon = wilcoxon
    self.permutation = permutation
    self.rankBiserial = rankBiserial
    self.cohensDz = cohensDz
  }

  /// The number of pairs.
  public var n: Int { differences.count }

  /// Which predictions have the better mean, by the metric's direction.
  public var favours: Favours {
    guard let firstMean, let otherMean, let metric = Metric.named(metric) else { return .neither }
    switch metric.better.order(firstMean, otherMean) {
    case .some(true): return .first
    case .some(false): return .other
    case nil: return .neither
    }
  }
}

extension Metric.Better {
  /// Whether the first value is better than the second; nil when neither is.
  func order(_ first: Double, _ second: Double) -> Bool? {
    switch self {
    case .higher: first == second ? nil : first > second
    case .lower: first == second ? nil : first < second
    case .closerToZero: abs(first) == abs(second) ? nil : abs(first) < abs(second)
    case .neither: nil
    }
  }
}
