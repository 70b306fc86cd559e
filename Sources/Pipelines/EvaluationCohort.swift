import Evaluation

/// What an evaluation knows about its cases beside the images, and what it is compared with.
public struct EvaluationCohort: Sendable {
  /// A table of cases with the name of its file.
  public struct Table: Sendable {
    /// The file's name, for messages.
    public let name: String
    /// The table.
    public let content: CohortTable

    /// Names a table.
    /// - Parameters:
    ///   - name: The file's name, for messages.
    ///   - content: The table.
    public init(name: String, content: CohortTable) {
      self.name = name
      self.content = content
    }
  }

  /// Other predictions of the same cases.
  public struct Other: Sendable {
    /// Their name: the last part of the path.
    public let title: String
    /// The path, as given.
    public let path: String
    /// Which of them belong to which references.
    public let pairing: CasePairing

    /// Names other predictions.
    /// - Parameters:
    ///   - title: Their name.
    ///   - path: The path, as given.
    ///   - pairing: Which of them belong to which references.
    public init(title: String, path: String, pairing: CasePairing) {
      self.title = title
      self.path = path
      self.pairing = pairing
    }
  }

  /// The patients of the cases; without it each case counts by itself.
  public var patients: Table?
  /// The properties by which groups are made.
  public var subgroups: Table?
  /// Groups of fewer cases or patients are marked as small.
  public var minimumGroupSize = SubgroupAnalysis.defaultMinimumGroupSize
  /// Other predictions to compare with.
  public var others: [Other] = []
  /// How confidence intervals are made of resamples.
  public var interval = IntervalMethod.percentile

  /// Creates a cohort of which nothing further is known.
  public init() {}
}
