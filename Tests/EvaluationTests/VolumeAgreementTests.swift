import Evaluation
import TestSupport
import Testing

struct VolumeAgreementTests {
  static let tolerance = Tolerance(absolute: 1e-12, relative: 1e-10)

  @Test func agreementIsThatOfSciPyAndOfLinsFormulas() throws {
    for stored in try StoredStatistics.read().volumes {
      let points = zip(stored.prediction, stored.reference).enumerated().map { index, pair in
        VolumeAgreement.Point(id: "\(index)", predictionML: pair.0, referenceML: pair.1)
      }
      let found = VolumeAgreement(structure: "1", name: "one", points: points)
      func bounds(_ range: ClosedRange<Double>?) -> [Double] {
        range.map { [$0.lowerBound, $0.upperBound] } ?? []
      }
      expectClose(
        [found.biasML, found.sdML, found.pearson, found.concordance].map { $0 ?? .nan },
        [stored.bias, stored.sd, stored.pearson, stored.concordance],
        Self.tolerance,
        stored.name
      )
      for (actual, expected) in [
        (found.biasCI95, stored.biasCI95), (found.limitsML, stored.limits),
        (found.lowerLimitCI95, stored.lowerLimitCI95),
        (found.upperLimitCI95, stored.upperLimitCI95), (found.pearsonCI95, stored.pearsonCI95),
        (found.concordanceCI95, stored.concordanceCI95),
      ] {
        expectClose(bounds(actual), expected, Self.tolerance, stored.name)
      }
    }
  }

  @Test func aConstantShiftIsBiasWithoutSpreadAndCostsConcordance() throws {
    let points = [10.0, 20, 30].map {
      VolumeAgreement.Point(id: "", predictionML: $0 + 5, referenceML: $0)
    }
    let found = VolumeAgreement(structure: "1", name: "one", points: points)
    #expect(found.biasML == 5 && found.sdML == 0)
    #expect(found.limitsML == 5...5)
    #expect(abs((found.pearson ?? 0) - 1) < 1e-12)
    // 2 s^2 / (2 s^2 + 25) with s^2 = 200/3 over n.
    #expect(abs((found.concordance ?? 0) - (400.0 / 3) / (400.0 / 3 + 25)) < 1e-12)
  }

  @Test func fewOrEqualVolumesLeaveUndefinedWhatTheyDoNotDetermine() {
    let none = VolumeAgreement(structure: "1", name: "one", points: [])
    #expect(none.biasML == nil && none.limitsML == nil && none.pearson == nil)
    let point = VolumeAgreement.Point(id: "a", predictionML: 2, referenceML: 2)
    let one = VolumeAgreement(structure: "1", name: "one", points: [point])
    #expect(one.biasML == 0 && one.sdML == nil)
    let equal = VolumeAgreement(structure: "1", name: "one", points: [point, point, point])
    #expect(equal.limitsML == 0...0 && equal.pearson == nil && equal.concordance == nil)
  }

  @Test func casesWithoutTheStructureOnBothSidesAreCountedApart() throws {
    let evaluator = try Evaluator(
      metrics: Metric.parse("volumePredictionML,volumeReferenceML"),
      labels: LabelSet([.init(name: "one", ids: [1])])
    )
    let cases = try [
      evaluator.evaluate(prediction: drawn("11.."), reference: drawn("1..."), id: "a"),
      evaluator.evaluate(prediction: drawn("...."), reference: drawn("...."), id: "b"),
      evaluator.evaluate(prediction: drawn("...."), reference: drawn("1..."), id: "c"),
    ]
    let report = EvaluationReport(cases: cases, evaluator: evaluator)
    let found = try #require(report.volumeAgreement.first)
    #expect(found.points.map(\.id) == ["a", "c"] && found.absent == 1)
    #expect(found.points.map(\.differenceML) == [0.001, -0.001])
    #expect(found.biasML == 0)
  }
}
