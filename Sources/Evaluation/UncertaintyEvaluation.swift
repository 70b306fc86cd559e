/// Whether the uncertainty of segmentations goes with their errors.
public struct UncertaintyEvaluation: Equatable, Sendable, Codable {
  /// One case.
  public struct Case: Equatable, Sendable, Codable {
    /// The case's name.
    public let id: String
    /// How unsure the model was of it, 0 to 1: `meanEntropy` of its statistics.
    public let score: Double
    /// The mean Dice over the labels that either map has.
    public let dice: Double

    /// Creates a case.
    /// - Parameters:
    ///   - id: The case's name.
    ///   - score: How unsure the model was of it.
    ///   - dice: The mean Dice over the labels that either map has.
    public init(id: String, score: Double, dice: Double) {
      self.id = id
      self.score = score
      self.dice = dice
    }
  }

  /// What remains when the least certain cases are left to people.
  public struct Retained: Equatable, Sendable, Codable {
    /// The share of the cases that are kept.
    public let coverage: Double
    /// The mean Dice of the most certain cases.
    public let dice: Double
    /// The mean Dice if those with the largest Dice were kept.
    public let bestDice: Double
  }

  /// One bin of the reliability diagram.
  public struct Bin: Equatable, Sendable, Codable {
    /// Voxels.
    public let count: Int
    /// The mean probability of the labels that were chosen.
    public let confidence: Double
    /// The share of them that are the reference's.
    public let accuracy: Double
  }

  /// The cases, in the order of the evaluation.
  public let cases: [Case]
  /// Spearman's correlation of score and 1 − Dice; nil for fewer than three cases.
  public let rankCorrelation: Double?
  /// The curve from one case to all.
  public let retained: [Retained]
  /// The area under the curve of risk, 1 − Dice, against coverage; lower is better.
  ///
  /// AURC of Geifman and El-Yaniv 2017: the mean over all shares of the mean risk of what is kept.
  public let riskArea: Double?
  /// The same for the best order that there is.
  public let bestRiskArea: Double?
  /// The mean risk of all cases, which any order gets on average.
  public let meanRisk: Double?
  /// Voxels near the structures, over all cases, and how many of them have another label than the
  /// reference.
  public let voxels: Int
  /// Voxels of them with another label than the reference.
  public let wrongVoxels: Int
  /// The area under the receiver's operating curve of the entropy for wrong voxels.
  public let voxelArea: Double?
  /// The expected calibration error of the chosen labels' probabilities; nil without probabilities.
  public let expectedCalibrationError: Double?
  /// The bins of the reliability diagram; empty without probabilities.
  public let reliability: [Bin]
  /// What the numbers are.
  public let definition: String

  /// Evaluates.
  /// - Parameters:
  ///   - cases: The cases.
  ///   - doubt: The counts of voxels.
  ///   - reliability: Counts of probabilities, or nil.
  ///   - margin: Voxels around the structures that were counted.
  public init(
    cases: [Case],
    doubt: VoxelDoubt,
    reliability: ReliabilityCounts?,
    margin: Int
  ) {
    self.cases = cases
    rankCorrelation = RankCorrelation.spearman(cases.map(\.score), cases.map { 1 - $0.dice })
    // Names decide between equal scores, so that the order is one.
    let certain = cases.sorted { ($0.score, $0.id) < ($1.score, $1.id) }.map(\.dice)
    let best = cases.map(\.dice).sorted(by: >)
    var sums = (certain: 0.0, best: 0.0)
    retained = cases.indices.map { index in
      sums.certain += certain[index]
      sums.best += best[index]
      let kept = Double(index + 1)
      return Retained(
        coverage: kept / Double(cases.count),
        dice: sums.certain / kept,
        bestDice: sums.best / kept
      )
    }
    let count = Double(cases.count)
    riskArea = cases.isEmpty ? nil : retained.reduce(0) { $0 + 1 - $1.dice } / count
    bestRiskArea = cases.isEmpty ? nil : retained.reduce(0) { $0 + 1 - $1.bestDice } / count
    meanRisk = cases.isEmpty ? nil : cases.reduce(0) { $0 + 1 - $1.dice } / count
    voxels = doubt.count
    wrongVoxels = doubt.errors
    voxelArea = doubt.area
    expectedCalibrationError = reliability?.expectedError
    self.reliability = (reliability?.bins ?? []).map {
      Bin(count: $0.count, confidence: $0.confidence, accuracy: $0.accuracy)
    }
    definition =
      "score: mean entropy over labelled voxels; Dice: mean over the labels that either map has; voxels: "
      + "the box around both maps' labels and \(margin) voxels more on each side"
  }
}
