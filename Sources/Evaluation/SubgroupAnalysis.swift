/// The results of the groups that one property divides a cohort into, such as sites.
public struct SubgroupAnalysis: Equatable, Sendable, Codable {
  /// The cases that share a value of the property.
  public struct Group: Equatable, Sendable, Codable {
    /// The shared value, such as a site's name or "40 to 64".
    public let name: String
    /// The names of the cases.
    public let cases: [String]
    /// The number of cases, or of patients where they are the unit.
    public let count: Int
    /// Whether the group has fewer units than `minimumGroupSize`.
    public let isSmall: Bool
    /// The statistics by structure key, then by metric key.
    public let summary: [String: [String: SummaryStatistics]]

    /// Creates a group.
    package init(
      name: String,
      cases: [String],
      count: Int,
      isSmall: Bool,
      summary: [String: [String: SummaryStatistics]]
    ) {
      self.name = name
      self.cases = cases
      self.count = count
      self.isSmall = isSmall
      self.summary = summary
    }
  }

  /// How far the means of two groups are apart.
  public struct Gap: Equatable, Sendable, Codable {
    /// The structure's key.
    public let structure: String
    /// The structure's name.
    public let name: String
    /// The metric's key.
    public let metric: String
    /// The group with the better mean; for metrics whose means are equal the first.
    public let better: String
    /// The group with the worse mean.
    public let worse: String
    /// The better group's mean less the worse group's, in the metric's unit.
    public let difference: Double
    /// Its 95 % interval, both groups resampled on their own; nil when either has fewer than two
    /// values.
    @NullEncoded public private(set) var ci95: ClosedRange<Double>?
    /// Whether either group has fewer values than `minimumGroupSize`.
    public let isSmall: Bool

    /// Creates a gap.
    package init(
      structure: String,
      name: String,
      metric: String,
      better: String,
      worse: String,
      difference: Double,
      ci95: ClosedRange<Double>?,
      isSmall: Bool
    ) {
      self.structure = structure
      self.name = name
      self.metric = metric
      self.better = better
      self.worse = worse
      self.difference = difference
      self.isSmall = isSmall
      self.ci95 = ci95
    }

    /// Whether the interval leaves out 0.
    public var isClear: Bool { ci95.map { !$0.contains(0) } ?? false }
  }

  /// The name of a group whose cases state no value.
  public static let unstated = "not stated"
  /// Groups of fewer units are marked: their intervals hold less often than they say.
  public static let defaultMinimumGroupSize = 10

  /// The property: the name of the table's column.
  public let property: String
  /// Groups of fewer units are marked as small.
  public let minimumGroupSize: Int
  /// The groups, by name; bands by their bounds; cases without a value last.
  public let groups: [Group]
  /// The gap of every pair of groups that state a value, by structure, metric and groups.
  public let gaps: [Gap]

  /// Creates a record.
  package init(property: String, minimumGroupSize: Int, groups: [Group], gaps: [Gap]) {
    self.property = property
    self.minimumGroupSize = minimumGroupSize
    self.groups = groups
    self.gaps = gaps
  }

  /// The widest gap of a structure's metric.
  /// - Parameters:
  ///   - metric: The metric's key.
  ///   - structure: The structure's key.
  /// - Returns: The gap, or nil when fewer than two groups have a mean.
  public func widestGap(of metric: String, structure: String) -> Gap? {
    gaps.filter { $0.metric == metric && $0.structure == structure }
      .max { abs($0.difference) < abs($1.difference) }
  }
}
