import Support
import Synchronization

extension ModelComparison {
  /// Other predictions of the cases of a report, evaluated in the same way.
  package struct Other: Sendable {
    /// The other predictions' name.
    package let title: String
    /// Where they came from, as given.
    package let path: String
    /// Their evaluation, with the same metrics, structures and conventions.
    package let report: EvaluationReport

    /// Names other predictions.
    package init(title: String, path: String, report: EvaluationReport) {
      self.title = title
      self.path = path
      self.report = report
    }
  }

  /// Compares a report with others case by case, or patient by patient.
  ///
  /// Holm's correction counts the structures x metrics of all the comparisons together, apart for
  /// each kind of test.
  /// - Parameters:
  ///   - first: The evaluation to compare.
  ///   - others: The evaluations to compare it with.
  ///   - patients: The patient of each case by the case's name; empty when the case is the unit.
  /// - Returns: One comparison for each of the others, in their order.
  package static func compare(
    _ first: EvaluationReport,
    with others: [Other],
    patients: [String: String] = [:]
  ) -> [ModelComparison] {
    let drafts = others.map { draft(first, $0, patients) }
    let rows = drafts.flatMap(\.rows)
    let wilcoxon = corrected(rows.map(\.wilcoxon))
    let permutation = corrected(rows.map(\.permutation))
    let tests = rows.count { $0.wilcoxon != nil }
    var at = 0
    return drafts.map { draft in
      let corrected = draft.rows.map { row in
        defer { at += 1 }
        return row.with(wilcoxon: wilcoxon[at], permutation: permutation[at])
      }
      return ModelComparison(
        title: draft.title,
        path: draft.path,
        cases: draft.cases,
        problems: draft.problems,
        rows: corrected,
        otherSummary: draft.otherSummary,
        tests: tests,
        permutations: draft.permutations
      )
    }
  }

  private static func corrected(_ results: [TestResult?]) -> [TestResult?] {
    var adjusted = HolmCorrection.adjusted(results.compactMap { $0?.p })[...]
    return results.map { result in result?.corrected(adjusted.removeFirst()) }
  }

  private static func draft(
    _ first: EvaluationReport,
    _ other: Other,
    _ patients: [String: String]
  ) -> ModelComparison {
    let known = Dictionary(
      other.report.evaluatedCases.map { ($0.id, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    let cases = first.evaluatedCases
    let common = cases.filter { known[$0.id] != nil }
    let ids = Set(common.map(\.id))
    let problems =
      cases.filter { !ids.contains($0.id) }
      .map { "\($0.id): not among the evaluated cases of \(other.title)" }
      + other.report.evaluatedCases.filter { !ids.contains($0.id) }
      .map { "\($0.id): only among the evaluated cases of \(other.title)" }
    let firstUnits = CohortUnits(common, patients: patients)
    let otherUnits = CohortUnits(common.compactMap { known[$0.id] }, patients: patients)
    let metrics = first.metrics.filter { $0.better != .neither }
    let jobs = first.structures.flatMap { structure in metrics.map { (structure, $0) } }
    let random = RandomStream(seed: first.bootstrap.seed)
    let found = Mutex<[Int: PairedComparison]>([:])
    Parallelism.forEach(jobs.count) { index in
      let (structure, metric) = jobs[index]
      var pairs: [PairedComparison.Difference] = []
      var undefined = 0
      for (unit, otherUnit) in zip(firstUnits.units, otherUnits.units) {
        guard let a = firstUnits.value(metric.key, structure.key, unit)?.number,
          let b = otherUnits.value(metric.key, structure.key, otherUnit)?.number
        else {
          undefined += 1
          continue
        }
        // A signed value that should be 0 is compared by how far it is from there.
        let isSigned = metric.better == .closerToZero
        pairs.append(
          .init(id: unit.id, first: isSigned ? abs(a) : a, other: isSigned ? abs(b) : b)
        )
      }
      let row = PairedComparison(
        structure: structure,
        metric: metric,
        pairs: pairs,
        undefined: undefined,
        method: first.bootstrap.method,
        random: CohortSummary.stream(random, structure.key, metric.key, "comparison")
      )
      found.withLock { $0[index] = row }
    }
    let rows = found.withLock { $0 }
    return ModelComparison(
      title: other.title,
      path: other.path,
      cases: common.count,
      problems: problems,
      rows: jobs.indices.compactMap { rows[$0] },
      otherSummary: other.report.summary,
      tests: 0,
      permutations: SignFlipTest.permutations
    )
  }
}
