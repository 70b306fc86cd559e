import Evaluation
import Foundation
import Imaging
import Support
import Testing

struct EvaluationReportTests {
  /// Dice 1, 2/3 and undefined for label 1; label 2 occurs in the first case only.
  static func report() throws -> EvaluationReport {
    let evaluator = try Evaluator(metrics: Metric.parse("dice,iou"))
    let cases = try [
      evaluator.evaluate(
        prediction: drawn("11.2"),
        reference: drawn("11.2"),
        id: "a",
        predictionSource: "p/a.nii",
        referenceSource: "r/a.nii"
      ),
      evaluator.evaluate(prediction: drawn("1..."), reference: drawn("11.."), id: "b"),
      evaluator.evaluate(prediction: drawn("...."), reference: drawn("...."), id: "c"),
    ]
    return EvaluationReport(cases: cases, evaluator: evaluator)
  }

  @Test func summaryCountsUndefinedValuesApart() throws {
    let report = try Self.report()
    let dice = try #require(report.summary["1"]?["dice"])
    #expect(dice.n == 2 && dice.undefined == 1)
    let mean = (1 + 2.0 / 3) / 2
    #expect(dice.mean == mean)
    #expect(dice.median == dice.mean)
    #expect(dice.min == 2.0 / 3)
    // Two values a apart: sd = a / sqrt(2), quartiles a / 4 from either.
    #expect(abs((dice.sd ?? 0) - (1.0 / 3) / 2.0.squareRoot()) < 1e-12)
    #expect(abs((dice.iqr ?? 0) - 1.0 / 6) < 1e-12)
    #expect(dice.ci95 == (2.0 / 3)...1)
    let second = try #require(report.summary["2"]?["dice"])
    #expect(second.n == 1 && second.undefined == 2)
    #expect(second.sd == nil && second.ci95 == nil)
    let means: [String: Double?] = report.foregroundMean
    #expect(means["dice"] == .some((mean + 1) / 2))
  }

  @Test func jsonHasTheContractsKeys() throws {
    let data = try Self.report().json()
    let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(Set(root.keys) == ["schema", "emptyPolicy", "cases", "summary", "foregroundMean"])
    #expect(root["schema"] as? String == "lamina.evaluation/1")
    #expect(root["emptyPolicy"] as? String == "lamina")
    let cases = try #require(root["cases"] as? [[String: Any]])
    #expect(cases.count == 3)
    #expect(Set(cases[0].keys) == ["id", "prediction", "reference", "labels", "problems"])
    #expect(cases[0]["prediction"] as? String == "p/a.nii")
    let labels = try #require(cases[2]["labels"] as? [String: [String: Any]])
    #expect(Set(labels.keys) == ["1", "2"])
    #expect(Set(labels["1", default: [:]].keys) == ["name", "dice", "iou"])
    #expect(labels["1"]?["dice"] is NSNull)
    let problems = try #require(cases[2]["problems"] as? [String])
    #expect(problems.contains("label 1 dice: undefined, both masks are empty"))
    let summary = try #require(root["summary"] as? [String: [String: [String: Any]]])
    let keys = summary["1"]?["dice"]?.keys
    #expect(
      Set(try #require(keys))
        == ["mean", "sd", "median", "iqr", "min", "n", "undefined", "ci95"]
    )
    #expect((summary["1"]?["dice"]?["ci95"] as? [Double])?.count == 2)
    #expect(summary["2"]?["dice"]?["sd"] is NSNull)
    #expect((root["foregroundMean"] as? [String: Double])?.count == 2)
  }

  @Test func jsonRoundTripKeepsEverything() throws {
    let report = try Self.report()
    #expect(try EvaluationReport(json: report.json()) == report)
    #expect(try report.json() == Self.report().json())
  }

  @Test(arguments: [
    "", "{}", "[1]", #"{"schema":"other/1"}"#, #"{"schema":"lamina.evaluation/1"}"#,
    #"{"schema":"lamina.evaluation/1","emptyPolicy":"lamina","cases":7,"summary":{},"foregroundMean":{}}"#,
  ])
  func otherJSONIsRefused(json: String) {
    #expect(throws: EvaluationError.self) { try EvaluationReport(json: Data(json.utf8)) }
  }

  @Test func csvHasARowForEachCaseAndStructure() throws {
    let evaluator = try Evaluator(metrics: Metric.parse("dice"))
    let item = CaseEvaluation(
      id: "a,b",
      prediction: "",
      reference: "",
      labels: [
        LabelEvaluation(key: "1", name: "the \"left\"", values: ["dice": .value(0.5)]),
        LabelEvaluation(key: "2", name: "right", values: ["dice": .undefined(reason: "empty")]),
      ],
      problems: []
    )
    let text = EvaluationReport(cases: [item], evaluator: evaluator).csv()
    #expect(
      text == "case,label,name,dice\n\"a,b\",1,\"the \"\"left\"\"\",0.5\n\"a,b\",2,right,\n"
    )
  }

  @Test func theIntervalIsReproducibleAndCoversTheMean() {
    var random = RandomStream(seed: 1)
    let values = (0..<40).map { _ in MetricValue.value(0.8 + 0.05 * random.normal()) }
    let one = SummaryStatistics(values, random: RandomStream(seed: 2))
    #expect(one == SummaryStatistics(values, random: RandomStream(seed: 2)))
    #expect(one == SummaryStatistics(values.reversed(), random: RandomStream(seed: 2)))
    let interval = one.ci95 ?? 0...0
    #expect(interval.contains(one.mean ?? 0))
    // The normal interval's half width is 1.96 sd / sqrt(n); the bootstrap's must be near.
    let half = 1.96 * (one.sd ?? 0) / 40.0.squareRoot()
    #expect(abs((interval.upperBound - interval.lowerBound) / 2 - half) < 0.15 * half)
  }
}
