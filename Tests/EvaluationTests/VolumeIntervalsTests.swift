import Evaluation
import Foundation
import Support
import Testing

struct VolumeIntervalsTests {
  private typealias Volumes = (found: Double, wanted: Double)

  /// Cases of 100 ml found and a true volume for each.
  private static func found100(_ wanted: [Double]) -> [Volumes] { wanted.map { (100, $0) } }

  /// An evaluation with a case for each pair of a found and a true volume of "one".
  private static func report(
    _ volumes: [Volumes],
    patients: [String: String] = [:],
    scores: [Double]? = nil
  ) throws -> EvaluationReport {
    let cases = volumes.enumerated().map { index, pair in
      CaseEvaluation(
        id: "case\(index)",
        prediction: "p\(index)",
        reference: "r\(index)",
        labels: [
          LabelEvaluation(
            key: "1",
            name: "one",
            values: [
              "volumePredictionML": .value(pair.found),
              "volumeReferenceML": .value(pair.wanted),
            ]
          )
        ],
        problems: []
      )
    }
    var result = EvaluationReport(cases: cases, evaluator: try Evaluator(), patients: patients)
    result.uncertainty = scores.map { scores in
      UncertaintyEvaluation(
        cases: scores.enumerated().map {
          .init(id: "case\($0.offset)", score: $0.element, dice: 1)
        },
        doubt: VoxelDoubt(),
        reliability: nil,
        margin: 0
      )
    }
    return result
  }

  @Test func theIntervalIsThatOfTheRankByHand() throws {
    // Residuals of 1 to 9 percent: of nine cases the ninth for a level of 0.9, the eighth for 0.8.
    let report = try Self.report(Self.found100([99, 102, 97, 104, 95, 106, 93, 108, 91]))
    let ninth = try VolumeIntervals(report, structures: ["one"])
    let found = try #require(ninth.interval(of: "one", volumeML: 50, uncertainty: nil))
    #expect(abs(found.lowML - 45.5) < 1e-9 && abs(found.highML - 54.5) < 1e-9)
    #expect(found.cases == 9 && found.level == 0.9 && found.scale == .volume)
    let eighth = try VolumeIntervals(report, structures: nil, level: 0.8)
    #expect(
      try abs(#require(eighth.interval(of: "one", volumeML: 50, uncertainty: nil)).lowML - 46)
        < 1e-9
    )
    #expect(ninth.interval(of: "two", volumeML: 50, uncertainty: nil) == nil)
    #expect(ninth.interval(of: "one", volumeML: 0, uncertainty: nil) == nil)
  }

  @Test func residualsCanBeScaledByTheUncertaintyOfTheCase() throws {
    // Twice as unsure cases are twice as wrong, so that one factor serves all.
    let scores = (1...9).map { Double($0) / 20 }
    let report = try Self.report(Self.found100(scores.map { 100 + 40 * $0 }), scores: scores)
    let intervals = try VolumeIntervals(report, structures: ["one"], scale: .uncertainty)
    let found = try #require(intervals.interval(of: "one", volumeML: 10, uncertainty: 0.5))
    #expect(abs(found.highML - 12) < 1e-9 && abs(found.lowML - 8) < 1e-9)
    #expect(intervals.interval(of: "one", volumeML: 10, uncertainty: nil) == nil)
    #expect(throws: EvaluationError.self) {
      try VolumeIntervals(
        Self.report(Self.found100(scores)),
        structures: ["one"],
        scale: .uncertainty
      )
    }
  }

  @Test func anEndBelowNothingIsNothing() throws {
    let report = try Self.report([Volumes](repeating: (1, 4), count: 9))
    let found = try VolumeIntervals(report, structures: nil)
      .interval(of: "one", volumeML: 2, uncertainty: nil)
    #expect(found?.lowML == 0 && found?.highML == 8)
  }

  @Test func tooFewCasesUnknownStructuresAndMissingVolumesAreRefused() throws {
    let fewest = [0.9, 0.95].map(ConformalIntervals.fewestCases)
    #expect(fewest == [9, 19])
    let eight = try Self.report(Self.found100([101, 102, 103, 104, 105, 106, 107, 108]))
    #expect(throws: EvaluationError.self) { try VolumeIntervals(eight, structures: nil) }
    do {
      _ = try VolumeIntervals(eight, structures: ["one"])
    } catch {
      #expect(error.failure == .damagedInput)
      #expect(
        error.description.contains("8 cases have \"one\"")
          && error.description.contains("takes 9 or more")
      )
    }
    #expect(throws: EvaluationError.self) {
      try VolumeIntervals(eight, structures: ["two"], level: 0.5)
    }
    #expect(throws: EvaluationError.self) {
      try VolumeIntervals(Self.report([]), structures: nil, level: 0.5)
    }
    // Cases in which nothing was found do not count.
    #expect(throws: EvaluationError.self) {
      try VolumeIntervals(
        Self.report([(0, 100)] + [Volumes](repeating: (100, 100), count: 8)),
        structures: ["one"]
      )
    }
  }

  @Test func ofAPatientOneCaseCounts() throws {
    let patients = Dictionary(
      uniqueKeysWithValues: (0..<18).map { ("case\($0)", "patient\($0 / 2)") }
    )
    let wanted: [Double] = (0..<18).map { $0.isMultiple(of: 2) ? 101 : 150 }
    let report = try Self.report(Self.found100(wanted), patients: patients)
    let found = try VolumeIntervals(report, structures: nil)
      .interval(of: "one", volumeML: 100, uncertainty: nil)
    #expect(found?.cases == 9)
    #expect(abs((found?.highML ?? 0) - 101) < 1e-9)
  }

  /// Of cases drawn alike, as many lie within as the theory says: a share of 0.9 or a little more.
  @Test func theShareOfNewCasesWithinIsTheLevel() throws {
    var random = RandomStream(seed: 5)
    func draw() -> Volumes {
      let found = 5 + 20 * random.uniform()
      return (found, found * (1 + 0.2 * random.normal()))
    }
    var (inside, all) = (0, 0)
    for _ in 0..<200 {
      let intervals = try VolumeIntervals(
        Self.report((0..<19).map { _ in draw() }),
        structures: nil
      )
      for _ in 0..<20 {
        let new = draw()
        let own = intervals.interval(of: "one", volumeML: new.found, uncertainty: nil)
        let interval = try #require(own)
        all += 1
        if new.wanted >= interval.lowML, new.wanted <= interval.highML { inside += 1 }
      }
    }
    // 18 of 20 by theory; the mean of 200 calibrations of 19 cases has a deviation of about 0.006.
    #expect(abs(Double(inside) / Double(all) - 0.9) < 0.02, "\(inside) of \(all)")
  }
}
