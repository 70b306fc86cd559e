/// The first predictions of an evaluation against other predictions of the same cases.
public struct ModelComparison: Equatable, Sendable, Codable {
  /// The other predictions' name: the last part of their path.
  public let title: String
  /// Where the other predictions came from, as given.
  public let path: String
  /// The number of cases that were evaluated on both sides.
  public let cases: Int
  /// Cases that only one side has, one sentence each; they are left out of the comparison.
  public let problems: [String]
  /// The comparisons, by structure and then by metric; metrics without a better direction are left
  /// out.
  public let rows: [PairedComparison]
  /// The statistics of the other predictions, by structure key, then by metric key.
  public let otherSummary: [String: [String: SummaryStatistics]]
  /// How many tests of a kind Holm's correction counts: structures x metrics x comparisons.
  public let tests: Int
  /// The number of random permutations where the exact test would be too long.
  public let permutations: Int

  /// Creates a record.
  package init(
    title: String,
    path: String,
    cases: Int,
    problems: [String],
    rows: [PairedComparison],
    otherSummary: [String: [String: SummaryStatistics]],
    tests: Int,
    permutations: Int
  ) {
    self.title = title
    self.path = path
    self.cases = cases
    self.problems = problems
    self.rows = rows
    self.otherSummary = otherSummary
    self.tests = tests
    self.permutations = permutations
  }

  /// The same with further problems.
  /// - Parameter further: One sentence each.
  /// - Returns: The changed comparison.
  package func adding(problems further: [String]) -> ModelComparison {
    ModelComparison(
      title: title,
      path: path,
      cases: cases,
      problems: problems + further,
      rows: rows,
      otherSummary: otherSummary,
      tests: tests,
      permutations: permutations
    )
  }
}
