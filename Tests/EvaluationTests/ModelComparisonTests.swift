import Evaluation
import Foundation
import TestSupport
import Testing

struct ModelComparisonTests {
  /// A report of stated values of structure 1.
  static func report(
    _ metric: String,
    _ values: [(id: String, value: Double?)],
    patients: [String: String] = [:]
  ) throws -> EvaluationReport {
    let cases = values.map { id, value in
      CaseEvaluation(
        id: id,
        prediction: "",
        reference: "",
        labels: [
          LabelEvaluation(
            key: "1",
            name: "one",
            values: [metric: value.map(MetricValue.value) ?? .undefined(reason: "none")],
            state: .present
          )
        ],
        problems: []
      )
    }
    return EvaluationReport(
      cases: cases,
      evaluator: try Evaluator(metrics: Metric.parse(metric)),
      patients: patients
    )
  }

  static func compare(
    _ first: EvaluationReport,
    _ others: EvaluationReport...,
    patients: [String: String] = [:]
  ) -> [ModelComparison] {
    ModelComparison.compare(
      first,
      with: others.enumerated().map {
        .init(title: "other \($0)", path: "o\($0)", report: $1)
      },
      patients: patients
    )
  }

  @Test func differencesAreTheFirstLessTheOtherCaseByCase() throws {
    let first = try Self.report("dice", [("a", 0.9), ("b", 0.8), ("c", nil), ("d", 0.7)])
    let other = try Self.report("dice", [("b", 0.75), ("a", 0.95), ("c", 0.5), ("e", 0.1)])
    let comparison = try #require(Self.compare(first, other).first)
    #expect(comparison.cases == 3)
    #expect(comparison.problems.count == 2)
    let row = try #require(comparison.rows.first)
    #expect(row.differences.map(\.id) == ["a", "b"] && row.undefined == 1)
    expectClose(
      row.differences.map(\.difference),
      [-0.05, 0.05],
      Tolerance(absolute: 1e-12, relative: 0)
    )
    #expect(row.firstBetter == 1 && row.otherBetter == 1 && row.equal == 0)
  }

  @Test func lowerDistancesAreBetter() throws {
    let first = try Self.report("hd95", [("a", 2), ("b", 3), ("c", 4)])
    let other = try Self.report("hd95", [("a", 3), ("b", 5), ("c", 4)])
    let row = try #require(Self.compare(first, other).first?.rows.first)
    #expect(row.favours == .first && row.meanDifference == -1)
    #expect(row.firstBetter == 2 && row.otherBetter == 0 && row.equal == 1)
    #expect(row.rankBiserial == -1)
  }

  @Test func valuesThatShouldBeZeroAreComparedByMagnitude() throws {
    let first = try Self.report("relativeVolumeDifference", [("a", -0.1), ("b", 0.1)])
    let other = try Self.report("relativeVolumeDifference", [("a", 0.3), ("b", -0.2)])
    let row = try #require(Self.compare(first, other).first?.rows.first)
    #expect(row.firstBetter == 2 && row.favours == .first)
    expectClose(
      row.differences.map(\.difference),
      [-0.2, -0.1],
      Tolerance(absolute: 1e-12, relative: 0)
    )
  }

  @Test func cohensDzIsThatOfNumPy() throws {
    for stored in try StoredStatistics.read().effects {
      let row = PairedComparison(
        structure: ("1", "one"),
        metric: try #require(Metric.named("dice")),
        pairs: zip(stored.first, stored.other).map { .init(id: "", first: $0, other: $1) },
        undefined: 0,
        method: .percentile,
        random: .init(seed: 1)
      )
      #expect(abs((row.cohensDz ?? 0) - stored.dz) < 1e-12)
      #expect(row.ci95?.contains(row.meanDifference ?? .nan) == true)
    }
  }

  @Test func holmCountsTheTestsOfAllComparisons() throws {
    let names = ["a", "b", "c", "d", "e", "f"]
    let first = try Self.report("dice", names.enumerated().map { ($1, 0.9 + 0.01 * Double($0)) })
    let low = try Self.report("dice", names.enumerated().map { ($1, 0.5 + 0.02 * Double($0)) })
    let comparisons = Self.compare(first, low, low)
    #expect(comparisons.map(\.tests) == [2, 2])
    for comparison in comparisons {
      let test = try #require(comparison.rows.first?.wilcoxon)
      // All six of one sign: 2 of 64 assignments.
      #expect(test.p == 2.0 / 64 && test.holmP == 4.0 / 64)
    }
    #expect(comparisons.map(\.title) == ["other 0", "other 1"])
  }

  @Test func thePatientIsTheUnitOfTheTest() throws {
    let patients = ["a": "p", "b": "p", "c": "q"]
    let first = try Self.report("dice", [("a", 0.9), ("b", 0.7), ("c", 0.6)], patients: patients)
    let other = try Self.report("dice", [("a", 0.5), ("b", 0.5), ("c", 0.5)], patients: patients)
    let row = try #require(Self.compare(first, other, patients: patients).first?.rows.first)
    #expect(row.differences.map(\.id) == ["a+b", "c"])
    expectClose(
      row.differences.map(\.difference),
      [0.3, 0.1],
      Tolerance(absolute: 1e-12, relative: 0)
    )
  }

  @Test func equalPredictionsHaveNoEffectAndNoWilcoxonTest() throws {
    let report = try Self.report("dice", [("a", 0.9), ("b", 0.8)])
    let row = try #require(Self.compare(report, report).first?.rows.first)
    #expect(row.wilcoxon == nil && row.rankBiserial == nil && row.cohensDz == nil)
    #expect(row.permutation?.p == 1 && row.favours == .neither && row.equal == 2)
  }

  @Test func comparisonsSurviveJSON() throws {
    var report = try Self.report("dice", [("a", 0.9), ("b", 0.8), ("c", nil)])
    let other = try Self.report("dice", [("a", 0.7), ("b", 0.8), ("c", 0.3)])
    report.comparisons = Self.compare(report, other)
    #expect(try EvaluationReport(json: report.json()) == report)
    let text = String(decoding: try report.json(), as: UTF8.self)
    #expect(text.contains("\"cohensDz\"") && text.contains("\"holmP\""))
    let same = Self.compare(report, report)
    report.comparisons = same
    // What is undefined is null, and read as nil.
    #expect(String(decoding: try report.json(), as: UTF8.self).contains("\"wilcoxon\" : null"))
    #expect(try EvaluationReport(json: report.json()).comparisons == same)
  }
}
