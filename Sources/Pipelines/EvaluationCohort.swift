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

  /// Other predictions of the same cases, or what an earlier evaluation made of them.
  public struct Other: Sendable {
    /// Where their values come from.
    public enum Source: Sendable {
      /// Predictions, which are evaluated.
      case predictions(CasePairing)
      /// Values that an evaluation in the same way has found.
      case evaluation(EvaluationReport)
    }

    /// Their name: the last part of the path.
    public let title: String
    /// The path, as given.
    public let path: String
    /// Where their values come from.
    public let source: Source

    /// Names other predictions.
    /// - Parameters:
    ///   - title: Their name.
    ///   - path: The path, as given.
    ///   - source: Where their values come from.
    public init(title: String, path: String, source: Source) {
      self.title = title
      self.path = path
      self.source = source
    }

    /// Which predictions belong to which references; nil for an evaluation.
    var pairing: CasePairing? {
      if case .predictions(let pairing) = source { pairing } else { nil }
    }
  }

  /// The patients of the cases; without it each case counts by itself.
  public var patients: Table?
  /// The properties by which groups are made.
  public var subgroups: Table?
  /// Groups of fewer cases or patients are marked as small.
  public var minimumGroupSize = SubgroupAnalysis.defaultMinimumGroupSize
  /// Where errors of images count.
  public enum Mask: Sendable {
    /// In one file's labels, for all cases.
    case common(path: String)
    /// In a file's labels for each case; which file belongs to which reference.
    case ofCases(CasePairing)
  }

  /// Where errors of images count; nil for everywhere.
  public var mask: Mask?
  /// Other predictions to compare with.
  public var others: [Other] = []
  /// How confidence intervals are made of resamples.
  public var interval = IntervalMethod.percentile

  /// Creates a cohort of which nothing further is known.
  public init() {}
}
