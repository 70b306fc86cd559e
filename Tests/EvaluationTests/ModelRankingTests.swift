import Evaluation
import Foundation
import Testing

/// Ranks in each case, averaged afterwards.
struct ModelRankingTests {
  private static func ranking(
    _ metric: String,
    _ first: [(id: String, value: Double?)],
    _ others: [(id: String, value: Double?)]...,
    patients: [String: String] = [:]
  ) throws -> ModelRanking? {
    ModelRanking(
      try ModelComparisonTests.report(metric, first),
      others: try others.enumerated().map { number, values in
        .init(
          title: "other \(number)",
          path: "",
          report: try ModelComparisonTests.report(metric, values)
        )
      },
      patients: patients
    )
  }

  /// Case a: ranks 1, 2, 3; case b: 3, 1.5, 1.5.
  @Test func ranksAreAveragedOverTheCases() throws {
    let found = try #require(
      try Self.ranking(
        "dice",
        [("a", 0.9), ("b", 0.1)],
        [("a", 0.8), ("b", 0.7)],
        [("a", 0.2), ("b", 0.7)]
      )
    )
    #expect(found.others == ["other 0", "other 1"])
    #expect(found.rows.map(\.n) == [2])
    #expect(found.rows[0].meanRanks == [2, 1.75, 2.25])
    #expect(found.meanRanks == found.rows[0].meanRanks)
  }

  @Test func incompleteRanksAreNoReport() throws {
    var report = try ModelComparisonTests.report("dice", [("a", 0.9)])
    report.ranking = try Self.ranking("dice", [("a", 0.9)], [("a", 0.8)])
    let text = String(decoding: try report.json(), as: UTF8.self)
    #expect(try EvaluationReport(json: Data(text.utf8)).ranking == report.ranking)
    let damaged = text.replacingOccurrences(of: "\"others\" : [", with: "\"others\" : [ \"x\",")
    #expect(damaged != text)
    #expect(throws: EvaluationError.self) { try EvaluationReport(json: Data(damaged.utf8)) }
  }

  @Test func theBetterDirectionCounts() throws {
    let distances = try Self.ranking("hd95", [("a", 2)], [("a", 5)])
    #expect(distances?.meanRanks == [1, 2])
    let signed = try Self.ranking("relativeVolumeDifference", [("a", 0.3)], [("a", -0.1)])
    #expect(signed?.meanRanks == [2, 1])
    #expect(try Self.ranking("volumePredictionML", [("a", 1)], [("a", 2)]) == nil)
  }

  /// b is missing on one side, c is undefined on the other, d on both, e is only among the others.
  @Test func whatHasNoValueIsLast() throws {
    let found = try #require(
      try Self.ranking(
        "dice",
        [("a", 0.5), ("b", 0.5), ("c", nil), ("d", nil)],
        [("a", 0.6), ("c", 0.1), ("d", nil), ("e", 0.9)]
      )
    )
    #expect(found.rows.map(\.n) == [3])
    // Ranks 2, 1, 2 against 1, 2, 1.
    #expect(found.meanRanks == [5.0 / 3, 4.0 / 3])
  }

  /// The one that rightly finds nothing has no Dice, and the false alarm has one of 0.
  @Test func whatIsRightlyAbsentIsFirst() throws {
    func report(_ value: MetricValue, _ state: StructureState) throws -> EvaluationReport {
      EvaluationReport(
        cases: [
          CaseEvaluation(
            id: "a",
            prediction: "",
            reference: "",
            labels: [
              LabelEvaluation(key: "1", name: "one", values: ["dice": value], state: state)
            ],
            problems: []
          )
        ],
        evaluator: try Evaluator(metrics: Metric.parse("dice"))
      )
    }
    let found = ModelRanking(
      try report(.undefined(reason: "both are empty"), .absent),
      others: [.init(title: "o", path: "", report: try report(.value(0), .falseAlarm))]
    )
    #expect(found?.meanRanks == [1, 2])
  }

  /// Patient p: means 0.5 and 0.6; patient q: 0.9 and 0.1.
  @Test func thePatientIsTheUnit() throws {
    let found = try #require(
      try Self.ranking(
        "dice",
        [("a", 0.4), ("b", 0.6), ("c", 0.9)],
        [("a", 0.3), ("b", 0.9), ("c", 0.1)],
        patients: ["a": "p", "b": "p", "c": "q"]
      )
    )
    #expect(found.rows.map(\.n) == [2])
    #expect(found.meanRanks == [1.5, 1.5])
  }
}
