import Evaluation
import Foundation
import Imaging
import Support
import TestSupport
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
    #expect(
      ["schema", "emptyPolicy", "cases", "summary", "foregroundMean"].allSatisfy(root.keys.contains)
    )
    #expect(root["schema"] as? String == "lamina.evaluation/1")
    #expect(root["emptyPolicy"] as? String == "lamina")
    let cases = try #require(root["cases"] as? [[String: Any]])
    #expect(cases.count == 3)
    #expect(Set(cases[0].keys) == ["id", "prediction", "reference", "labels", "problems"])
    #expect(cases[0]["prediction"] as? String == "p/a.nii")
    let labels = try #require(cases[2]["labels"] as? [String: [String: Any]])
    #expect(Set(labels.keys) == ["1", "2"])
    #expect(Set(labels["1", default: [:]].keys) == ["name", "state", "dice", "iou"])
    #expect(labels["1"]?["state"] as? String == "absent")
    #expect(labels["1"]?["dice"] is NSNull)
    let problems = try #require(cases[2]["problems"] as? [String])
    #expect(problems.contains("label 1 dice: undefined, both masks are empty"))
    let summary = try #require(root["summary"] as? [String: [String: [String: Any]]])
    let keys = try #require(summary["1"]?["dice"]?.keys)
    #expect(
      ["mean", "sd", "median", "iqr", "min", "n", "undefined", "ci95"].allSatisfy(keys.contains)
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
      text
        == "case,label,name,dice,state,emptyPolicy,problem\n\"a,b\",1,\"the \"\"left\"\"\",0.5,,lamina,\n"
        + "\"a,b\",2,right,,,lamina,dice: empty\n"
    )
  }

  @Test func filesOfEarlierVersionsAreRead() throws {
    let text = """
      {"schema": "lamina.evaluation/1", "emptyPolicy": "lamina", "toleranceMM": 1,
       "cases": [{"id": "a", "prediction": "p", "reference": "r", "problems": [],
         "labels": {"1": {"name": "one", "dice": 0.5}}}],
       "summary": {"1": {"dice": {"mean": 0.5, "sd": null, "median": 0.5, "iqr": 0, "min": 0.5,
         "n": 1, "undefined": 0, "ci95": null}}},
       "foregroundMean": {"dice": 0.5}}
      """
    let report = try EvaluationReport(json: Data(text.utf8))
    #expect(report.cases[0].labels[0].state == nil && report.cases[0].labels[0].values.count == 1)
    #expect(report.summary["1"]?["dice"]?.max == nil)
    #expect(report.unit == .case && report.comparisons.isEmpty && report.pairing == nil)
  }

  @Test func statisticsAreThoseOfNumPyAndCountMissesAndFalseAlarms() throws {
    for stored in try StoredStatistics.read().summaries {
      let found = SummaryStatistics(
        stored.values.map(MetricValue.value),
        random: RandomStream(seed: 1),
        missed: 2,
        falseAlarms: 1
      )
      expectClose(
        [found.mean, found.sd, found.median, found.q1, found.q3, found.min, found.max]
          .map { $0 ?? .nan },
        [
          stored.mean, stored.sd, stored.median, stored.q1, stored.q3, stored.min, stored.max,
        ],
        Tolerance(absolute: 0, relative: 1e-12)
      )
      #expect(found.missed == 2 && found.falseAlarms == 1)
    }
    let evaluator = try Evaluator(metrics: Metric.parse("dice"))
    let report = EvaluationReport(
      cases: try [
        evaluator.evaluate(prediction: drawn("1."), reference: drawn(".."), id: "a"),
        evaluator.evaluate(prediction: drawn(".."), reference: drawn("1."), id: "b"),
        evaluator.evaluate(prediction: drawn("1."), reference: drawn("1."), id: "c"),
        evaluator.evaluate(prediction: drawn(".."), reference: drawn(".."), id: "d"),
      ],
      evaluator: evaluator
    )
    let dice = try #require(report.summary["1"]?["dice"])
    #expect(dice.n == 3 && dice.undefined == 1 && dice.missed == 1 && dice.falseAlarms == 1)
    #expect(
      report.cases.map { $0.labels[0].state } == [.falseAlarm, .missed, .present, .absent]
    )
  }

  @Test func failedCasesAreRowsAndLeaveTheStatisticsAlone() throws {
    var report = try Self.report()
    report.problems = ["something"]
    let failed = CaseEvaluation(
      id: "b2",
      prediction: "",
      reference: "",
      labels: [],
      problems: ["It is damaged."]
    )
    let all = report.adding(failed: [failed])
    #expect(all.cases.map(\.id) == ["a", "b", "b2", "c"])
    #expect(all.summary == report.summary && all.problems == ["something"])
    #expect(all.failedCases == [failed] && all.evaluatedCases == report.cases)
    #expect(all.csv().contains("\nb2,,,,,,lamina,It is damaged.\n"))
    #expect(all.markdown().contains("| b2 | It is damaged. |"))
  }

  /// Whichever metric uses it, the tolerance is told; without one it is not.
  @Test(arguments: [("nsd", true), ("nsdSurface", true), ("boundaryIoU", true), ("dice", false)])
  func theToleranceIsToldWhereItIsUsed(metric: String, isUsed: Bool) throws {
    let evaluator = try Evaluator(
      metrics: try Metric.parse(metric),
      toleranceMM: 2.5,
      tolerances: ["one": 4]
    )
    let item = CaseEvaluation(
      id: "a",
      prediction: "",
      reference: "",
      labels: [LabelEvaluation(key: "1", name: "one", values: [metric: .value(0.5)])],
      problems: []
    )
    let report = EvaluationReport(cases: [item], evaluator: evaluator)
    #expect(report.toleranceMM == (isUsed ? 2.5 : nil))
    #expect(report.toleranceText { "\($0)" } == (isUsed ? "2.5 mm; one 4.0 mm" : nil))
    #expect(report.markdown().contains("boundary IoU: 2.5 mm; one 4 mm") == isUsed)
  }

  @Test func tolerancesOfStructuresWinAndUnknownNamesAreSaid() throws {
    let evaluator = try Evaluator(
      metrics: Metric.parse("nsd"),
      toleranceMM: 1,
      tolerances: ["label 1": 5, "nothing": 2]
    )
    let prediction = try drawn("1...2...")
    let reference = try drawn("...1...2")
    let report = EvaluationReport(
      cases: [try evaluator.evaluate(prediction: prediction, reference: reference, id: "a")],
      evaluator: evaluator
    )
    // Both structures are 3 mm off: within 5 mm, and beyond 1 mm.
    #expect(report.cases[0].labels.map { $0.values["nsd"] } == [.value(1), .value(0)])
    #expect(report.tolerancesMM == ["label 1": 5] && report.toleranceMM == 1)
    #expect(report.problems.count == 1)
    #expect(try EvaluationReport(json: report.json()) == report)
    #expect(throws: EvaluationError.invalidTolerance(-1)) {
      try Evaluator(tolerances: ["x": -1])
    }
  }

  @Test func everyOutputHasTheNumbersOfTheJSON() throws {
    let report = try Self.report()
    let root = try #require(
      try JSONSerialization.jsonObject(with: report.json()) as? [String: Any]
    )
    let cases = try #require(root["cases"] as? [[String: Any]])
    let rows = report.csv().split(separator: "\n").dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let markdown = report.markdown()
    var count = 0
    for item in cases {
      let labels = try #require(item["labels"] as? [String: [String: Any]])
      for (key, entry) in labels {
        let row = try #require(rows.first { $0[0] == item["id"] as? String ?? "" && $0[1] == key })
        #expect(Double(row[3]) == entry["dice"] as? Double)
        #expect(Double(row[4]) == entry["iou"] as? Double)
        if let dice = entry["dice"] as? Double {
          #expect(markdown.contains("| \(String(format: "%.5g", dice)) |"))
          count += 1
        }
      }
    }
    #expect(count == 3)
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
