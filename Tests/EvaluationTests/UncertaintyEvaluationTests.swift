import Evaluation
import Testing

@Suite("Uncertainty against errors")
struct UncertaintyEvaluationTests {
  @Test("ranks share their mean where values are equal")
  func ranks() {
    #expect(RankCorrelation.ranks([3, 1, 3, 2]) == [3.5, 1, 3.5, 2])
  }

  @Test("the rank correlation is 1, -1, that of a table, or undefined")
  func correlation() throws {
    #expect(RankCorrelation.spearman([1, 2, 3], [10, 100, 1000]) == 1)
    #expect(RankCorrelation.spearman([1, 2, 3], [3, 2, 1]) == -1)
    // Differences of ranks 1, 1, 0, 0 of n = 4: 1 - 6 * 2 / (4 * 15) = 0.8.
    let found = try #require(RankCorrelation.spearman([1, 2, 3, 4], [2, 1, 3, 4]))
    #expect(abs(found - 0.8) < 1e-12)
    #expect(RankCorrelation.spearman([1, 2], [1, 2]) == nil)
    #expect(RankCorrelation.spearman([1, 1, 1], [1, 2, 3]) == nil)
  }

  @Test("the area counts pairs of a wrong and a right voxel, ties by half")
  func area() throws {
    var doubt = VoxelDoubt()
    #expect(doubt.area == nil)
    for value: Float in [0.1, 0.5, 0.5] { doubt.add(value, isWrong: false) }
    #expect(doubt.area == nil)
    var other = VoxelDoubt()
    for value: Float in [0.5, 0.9] { other.add(value, isWrong: true) }
    doubt.add(other)
    // 0.5 beats 0.1 and ties twice: 2 of 3; 0.9 beats all: 3 of 3.
    let found = try #require(doubt.area)
    #expect(abs(found - 5.0 / 6) < 1e-12)
    #expect(doubt.count == 5 && doubt.errors == 2)
  }

  @Test("values that are no share count as the nearer end")
  func oddValues() {
    var doubt = VoxelDoubt()
    doubt.add(.nan, isWrong: false)
    doubt.add(-1, isWrong: false)
    doubt.add(7, isWrong: true)
    #expect(doubt.area == 1)
  }

  @Test("counts of reliability equal those of single samples")
  func reliability() throws {
    let samples: [(Double, Bool)] = [
      (0.95, true), (0.9, false), (0.55, true), (0.6, false), (1, true), (0.51, true),
    ]
    var counts = ReliabilityCounts()
    #expect(counts.expectedError == nil)
    for (confidence, isRight) in samples { counts.add(Float(confidence), isRight: isRight) }
    let wanted = try #require(
      Calibration(
        probabilities: samples.flatMap { [$0.0, 1 - $0.0] },
        classCount: 2,
        truth: samples.map { $0.1 ? 0 : 1 }
      )
    )
    let found = try #require(counts.expectedError)
    // Confidences are in single precision and steps of 2^-24.
    #expect(abs(found - wanted.expectedError) < 1e-6)
    #expect(counts.bins.map(\.count) == wanted.bins.map(\.count))
    #expect(counts.bins.map(\.accuracy) == wanted.bins.map(\.accuracy))
  }

  @Test("the curve keeps the most certain cases first")
  func retained() throws {
    let evaluation = UncertaintyEvaluation(
      cases: [
        .init(id: "a", score: 0.3, dice: 0.5), .init(id: "b", score: 0.1, dice: 0.9),
        .init(id: "c", score: 0.2, dice: 1),
      ],
      doubt: VoxelDoubt(),
      reliability: nil,
      margin: 4
    )
    let dice = [0.9, 0.95, 0.8]
    for (a, b) in zip(evaluation.retained.map(\.dice), dice) { #expect(abs(a - b) < 1e-12) }
    #expect(evaluation.retained.map(\.coverage) == [1.0 / 3, 2.0 / 3, 1])
    let risk = try #require(evaluation.riskArea)
    #expect(abs(risk - (0.1 + 0.05 + 0.2) / 3) < 1e-12)
    let best = try #require(evaluation.bestRiskArea)
    #expect(abs(best - (0 + 0.05 + 0.2) / 3) < 1e-12)
    let mean = try #require(evaluation.meanRisk)
    #expect(abs(mean - 0.2) < 1e-12)
    #expect(evaluation.rankCorrelation == 0.5)
    #expect(evaluation.voxelArea == nil && evaluation.expectedCalibrationError == nil)
  }

  @Test("the variation of volumes is their deviation over their mean")
  func variation() throws {
    // Mean 2, squares 2 over n - 1 = 2: deviation 1.
    #expect(UncertaintyStatistics.Structure.variation([1, 2, 3]) == 0.5)
    #expect(UncertaintyStatistics.Structure.variation([1]) == nil)
    #expect(UncertaintyStatistics.Structure.variation([0, 0]) == nil)
  }
}
