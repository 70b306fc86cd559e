import Evaluation
import Testing

struct ScoreMetricTests {
  @Test func perfectAndOppositeScoresHaveAreasOneAndZero() throws {
    let truth = [true, true, false, false]
    let right = try #require(ReceiverOperatingCurve(scores: [4, 3, 2, 1], isPositive: truth))
    #expect(right.area == 1 && right.averagePrecision == 1)
    #expect(right.areaVariance == 0)
    let wrong = try #require(ReceiverOperatingCurve(scores: [1, 2, 3, 4], isPositive: truth))
    #expect(wrong.area == 0)
    let tied = try #require(ReceiverOperatingCurve(scores: [5, 5, 5, 5], isPositive: truth))
    #expect(tied.area == 0.5 && tied.averagePrecision == 0.5)
    #expect(tied.points.count == 2)
    #expect(ReceiverOperatingCurve(scores: [1, 2], isPositive: [true, true]) == nil)
  }

  @Test func certaintyThatIsRightIsCalibrated() throws {
    let found = try #require(
      Calibration(probabilities: [1, 0, 0, 1], classCount: 2, truth: [0, 1])
    )
    #expect(found.expectedError == 0 && found.brierScore == 0)
    #expect(found.negativeLogLikelihood == 0)
    // Certain and wrong half of the time.
    let half = try #require(
      Calibration(probabilities: [1, 0, 1, 0], classCount: 2, truth: [0, 1])
    )
    #expect(half.expectedError == 0.5 && half.brierScore == 1)
    #expect(Calibration(probabilities: [], classCount: 2, truth: []) == nil)
  }

  @Test func freeResponseCurveOfAFewMarks() throws {
    // Two scans, three lesions; marks by falling score: hit 0, false, hit 1, hit 1 again, false.
    let rows: [(Double, Int?)] = [(0.9, 0), (0.8, nil), (0.7, 1), (0.6, 1), (0.5, nil)]
    let marks = rows.map { FreeResponseCurve.Mark(score: $0.0, lesion: $0.1) }
    let found = try #require(FreeResponseCurve(marks: marks, lesionCount: 3, scanCount: 2))
    #expect(found.falseAlarms == [0, 0, 0.5, 0.5, 0.5, 1])
    let (one, two) = (1.0 / 3, 2.0 / 3)
    #expect(found.sensitivities == [0, one, one, two, two, two])
    #expect(found.sensitivity(atFalseAlarms: 0.25) == one)
    #expect(found.sensitivity(atFalseAlarms: 0.5) == two)
    #expect(found.sensitivity(atFalseAlarms: 8) == two)
    // 1/3 at 1/8 and 1/4, 2/3 at the five other rates.
    #expect(abs(found.score - 4.0 / 7) < 1e-12)
    #expect(FreeResponseCurve(marks: marks, lesionCount: 0, scanCount: 2) == nil)
  }

  @Test func classesThatNeverOccurHaveNoRecall() {
    let found = ConfusionMatrix(truth: [0, 0, 1], prediction: [0, 1, 1], classCount: 3)
    #expect(found.counts == [[1, 1, 0], [0, 1, 0], [0, 0, 0]])
    #expect(found.recall(of: 2) == nil && found.precision(of: 2) == nil && found.f1(of: 2) == nil)
    #expect(found.balancedAccuracy == 0.75)
    #expect(ConfusionMatrix(truth: [], prediction: [], classCount: 2).accuracy == nil)
  }

  @Test func aDetectionTakesOneBox() throws {
    func box(_ x: Double, score: Double = 1) -> DetectionEvaluation.Box {
      DetectionEvaluation.Box(image: 0, label: 1, x: x, y: 0, width: 10, height: 10, score: score)
    }
    // The second detection of the same box is a false alarm, of lower score: precision stays 1 up
    // to recall 1/2.
    let found = DetectionEvaluation(
      detections: [box(0, score: 0.9), box(0, score: 0.8)],
      truths: [box(0), box(40)]
    )
    let value = try #require(found.averagePrecision(label: 1, threshold: 0.5))
    #expect(value.recall == 0.5)
    #expect(abs(value.precision - 51.0 / 101) < 1e-12)
    #expect(found.averagePrecision(label: 2, threshold: 0.5) == nil)
    #expect(found.meanAveragePrecision(size: .large) == nil)
  }
}
