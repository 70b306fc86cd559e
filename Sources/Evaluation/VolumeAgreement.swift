/// How well the predicted volumes of one structure agree with the reference's over a cohort.
///
/// Differences are prediction less reference, ml. A case whose two maps lack the structure is left
/// out and counted: it would only flatter the agreement.
public struct VolumeAgreement: Equatable, Sendable, Codable {
  /// The two volumes of one case (or the means of one patient's cases).
  public struct Point: Equatable, Sendable, Codable {
    /// The case's name; a patient's cases are joined by "+".
    public let id: String
    /// The predicted volume, ml.
    public let predictionML: Double
    /// The reference's volume, ml.
    public let referenceML: Double

    /// Creates a point.
    /// - Parameters:
    ///   - id: The case's name.
    ///   - predictionML: The predicted volume, ml.
    ///   - referenceML: The reference's volume, ml.
    public init(id: String, predictionML: Double, referenceML: Double) {
      self.id = id
      self.predictionML = predictionML
      self.referenceML = referenceML
    }

    /// The predicted volume less the reference's, ml.
    public var differenceML: Double { predictionML - referenceML }
    /// The mean of the two volumes, ml.
    public var meanML: Double { (predictionML + referenceML) / 2 }
  }

  /// The structure's key.
  public let structure: String
  /// The structure's name.
  public let name: String
  /// The volumes, in the order of the cases.
  public let points: [Point]
  /// The number of cases left out because neither map has the structure.
  public let absent: Int
  /// The mean difference, ml; nil without a point.
  @NullEncoded public private(set) var biasML: Double?
  /// The standard deviation of the differences (n - 1), ml; nil for fewer than two points.
  @NullEncoded public private(set) var sdML: Double?
  /// The 95 % confidence interval of the bias by Student's t, ml; nil for fewer than two points.
  @NullEncoded public private(set) var biasCI95: ClosedRange<Double>?
  /// The limits of agreement, bias -+ 1.96 SD, ml; nil for fewer than two points.
  @NullEncoded public private(set) var limitsML: ClosedRange<Double>?
  /// The 95 % confidence interval of the lower limit, ml; nil for fewer than two points.
  @NullEncoded public private(set) var lowerLimitCI95: ClosedRange<Double>?
  /// The 95 % confidence interval of the upper limit, ml; nil for fewer than two points.
  @NullEncoded public private(set) var upperLimitCI95: ClosedRange<Double>?
  /// Pearson's correlation; nil for fewer than three points or when one side does not vary.
  @NullEncoded public private(set) var pearson: Double?
  /// Its 95 % confidence interval by Fisher's z; nil for fewer than four points or at -+1.
  @NullEncoded public private(set) var pearsonCI95: ClosedRange<Double>?
  /// Lin's concordance correlation coefficient; nil for fewer than three points or when all volumes
  /// are equal.
  @NullEncoded public private(set) var concordance: Double?
  /// Its 95 % confidence interval by Lin's z-transform; nil for fewer than four points or at -+1.
  @NullEncoded public private(set) var concordanceCI95: ClosedRange<Double>?

  /// Creates a record of statistics that were computed elsewhere.
  package init(
    structure: String,
    name: String,
    points: [Point],
    absent: Int,
    biasML: Double?,
    sdML: Double?,
    biasCI95: ClosedRange<Double>?,
    limitsML: ClosedRange<Double>?,
    lowerLimitCI95: ClosedRange<Double>?,
    upperLimitCI95: ClosedRange<Double>?,
    pearson: Double?,
    pearsonCI95: ClosedRange<Double>?,
    concordance: Double?,
    concordanceCI95: ClosedRange<Double>?
  ) {
    self.structure = structure
    self.name = name
    self.points = points
    self.absent = absent
    self.biasML = biasML
    self.sdML = sdML
    self.biasCI95 = biasCI95
    self.limitsML = limitsML
    self.lowerLimitCI95 = lowerLimitCI95
    self.upperLimitCI95 = upperLimitCI95
    self.pearson = pearson
    self.pearsonCI95 = pearsonCI95
    self.concordance = concordance
    self.concordanceCI95 = concordanceCI95
  }
}
