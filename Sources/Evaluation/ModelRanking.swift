/// The ranks of several sets of predictions, case by case and then averaged: rank, then aggregate.
///
/// In each case the predictions are ranked by each metric of each structure, 1 for the best; equal ones
/// share the mean of their ranks. Ranks do not depend on a metric's scale, so that they may be averaged
/// over structures and metrics, and one bad case weighs no more than any other (Maier-Hein et al. 2018,
/// "Why rankings of biomedical image analysis competitions should be interpreted with care"). Where
/// some predictions have no value, as in cases that failed, these share the last ranks, but a structure
/// that is rightly absent is ranked first. A case in which none has a value is left out.
public struct ModelRanking: Equatable, Sendable, Codable {
  /// The ranks by one metric of one structure.
  public struct Row: Equatable, Sendable, Codable {
    /// The structure's key.
    public let structure: String
    /// The structure's name.
    public let name: String
    /// The metric's key.
    public let metric: String
    /// The number of cases, or patients.
    public let n: Int
    /// The mean rank of each set of predictions, the evaluated ones first, then `others`.
    public let meanRanks: [Double]
  }

  /// The names of the other predictions; those that are evaluated come before them, unnamed.
  public let others: [String]
  /// The rows that have a case, by structure and then by metric.
  public let rows: [Row]
  /// The mean over the rows of the mean ranks: of the evaluated predictions, then of the others.
  public let meanRanks: [Double]

  /// Whether every set of predictions has its mean rank, overall and in each row.
  var isComplete: Bool {
    ([meanRanks] + rows.map(\.meanRanks)).allSatisfy { $0.count == others.count + 1 }
  }

  /// How ranks are made, for readers.
  public static let explanation =
    "Predictions are ranked in each case, 1 for the best, and ranks averaged over the cases; equal "
    + "values share ranks, a structure that is rightly absent is ranked first, and what has no value "
    + "for another reason last."

  /// Ranks a report and others of the same cases; nil when no metric has a better direction.
  /// - Parameters:
  ///   - first: The evaluation whose cases, structures and metrics count.
  ///   - others: At least one other evaluation.
  ///   - patients: The patient of each case by the case's name; empty when the case is the unit.
  package init?(
    _ first: EvaluationReport,
    others: [ModelComparison.Other],
    patients: [String: String] = [:]
  ) {
    let reports = [first] + others.map(\.report)
    // Every case that any side was asked for: one that failed somewhere is ranked last there.
    let ids = first.cases.map(\.id)
    let cohorts = reports.map { report in
      let known = Dictionary(
        report.evaluatedCases.map { ($0.id, $0) },
        uniquingKeysWith: { first, _ in first }
      )
      return CohortUnits(
        ids.map {
          known[$0]
            ?? CaseEvaluation(id: $0, prediction: "", reference: "", labels: [], problems: [])
        },
        patients: patients
      )
    }
    let metrics = first.metrics.filter { $0.better != .neither }
    let rows = first.structures.flatMap { structure in
      metrics.compactMap { metric -> Row? in
        var sums = [Double](repeating: 0, count: cohorts.count)
        var n = 0
        for index in cohorts[0].units.indices {
          let scores = cohorts.map { cohort in
            Score(cohort, cohort.units[index], metric.key, structure.key)
          }
          guard scores.contains(where: { $0.number != nil }) else { continue }
          n += 1
          for (place, rank) in Self.ranks(scores, metric.better).enumerated() {
            sums[place] += rank
          }
        }
        guard n > 0 else { return nil }
        return Row(
          structure: structure.key,
          name: structure.name,
          metric: metric.key,
          n: n,
          meanRanks: sums.map { $0 / Double(n) }
        )
      }
    }
    guard !rows.isEmpty else { return nil }
    self.rows = rows
    self.others = others.map(\.title)
    let count = Double(rows.count)
    meanRanks = reports.indices.map { place in
      rows.reduce(0) { $0 + $1.meanRanks[place] } / count
    }
  }

  /// What a set of predictions reached in one case.
  enum Score: Equatable {
    /// A structure that is in neither map: nothing can be better.
    case absent
    case value(Double)
    case missing

    init(_ cohort: CohortUnits, _ unit: CohortUnits.Unit, _ metric: String, _ structure: String) {
      if let number = cohort.value(metric, structure, unit)?.number {
        self = .value(number)
      } else {
        let count = cohort.count(.absent, structure, [unit])
        self = count == unit.cases.count ? .absent : .missing
      }
    }

    var number: Double? { if case .value(let number) = self { number } else { nil } }

    /// Whether it is better than another one.
    func isAhead(of other: Score, _ better: Metric.Better) -> Bool {
      switch (self, other) {
      case (.value(let own), .value(let theirs)): better.order(own, theirs) == true
      case (.absent, .value), (.absent, .missing), (.value, .missing): true
      default: false
      }
    }
  }

  /// Ranks from 1 for the best; those of which none is ahead of the other share the mean of theirs.
  static func ranks(_ scores: [Score], _ better: Metric.Better) -> [Double] {
    scores.map { score in
      let ahead = scores.count { $0.isAhead(of: score, better) }
      let behind = scores.count { score.isAhead(of: $0, better) }
      return Double(ahead) + Double(scores.count - ahead - behind + 1) / 2
    }
  }
}
