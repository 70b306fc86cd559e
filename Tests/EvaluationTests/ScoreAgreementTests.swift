import Evaluation
import Foundation
import TestSupport
import Testing

/// Scores and boxes with what scikit-learn and pycocotools make of them; see
/// Fixtures/evaluation/README.md.
struct ScoreAgreementTests {
  struct Stored: Decodable {
    struct Calibrated: Decodable {
      let classCount: Int
      let probabilities: [Double]
      let truth: [Int]
      let expectedError, brierScore, negativeLogLikelihood: Double
    }
    struct Ranked: Decodable {
      let scores: [Double]
      let isPositive: [Bool]
      let area, averagePrecision, areaVariance: Double
    }
    struct Classified: Decodable {
      let truth, prediction: [Int]
      let accuracy, balancedAccuracy, macroF1, kappa: Double
    }
    struct Detected: Decodable {
      let truths, detections: [[Double]]
      let expected: [String: Double]
    }
    let calibration: [Calibrated]
    let ranking: [Ranked]
    let classes: [Classified]
    let detection: [Detected]

    static func read() throws -> Stored {
      let path = Fixtures.path("evaluation/scores.json")
      return try JSONDecoder().decode(
        Stored.self,
        from: Data(contentsOf: URL(fileURLWithPath: path))
      )
    }
  }

  /// Both sides compute in double precision.
  private func isNear(_ a: Double?, _ b: Double) -> Bool { abs((a ?? .nan) - b) <= 1e-9 }

  @Test func calibrationIsThatOfTheDefinition() throws {
    for item in try Stored.read().calibration {
      let found = try #require(
        Calibration(
          probabilities: item.probabilities,
          classCount: item.classCount,
          truth: item.truth
        )
      )
      #expect(isNear(found.expectedError, item.expectedError))
      #expect(isNear(found.brierScore, item.brierScore))
      #expect(isNear(found.negativeLogLikelihood, item.negativeLogLikelihood))
      #expect(found.bins.reduce(0) { $0 + $1.count } == item.truth.count)
      #expect(found.maximumError >= found.expectedError)
    }
  }

  @Test func rankingsAgreeWithScikitLearn() throws {
    for item in try Stored.read().ranking {
      let found = try #require(
        ReceiverOperatingCurve(scores: item.scores, isPositive: item.isPositive)
      )
      #expect(isNear(found.area, item.area))
      #expect(isNear(found.averagePrecision, item.averagePrecision))
      #expect(isNear(found.areaVariance, item.areaVariance))
      let interval = try #require(found.areaInterval)
      #expect(interval.contains(found.area))
    }
  }

  @Test func classesAgreeWithScikitLearn() throws {
    for item in try Stored.read().classes {
      let found = ConfusionMatrix(truth: item.truth, prediction: item.prediction, classCount: 4)
      #expect(isNear(found.accuracy, item.accuracy))
      #expect(isNear(found.balancedAccuracy, item.balancedAccuracy))
      #expect(isNear(found.macroF1, item.macroF1))
      #expect(isNear(found.kappa, item.kappa))
    }
  }

  @Test func detectionsAgreeWithPycocotools() throws {
    for item in try Stored.read().detection {
      func box(_ row: [Double]) -> DetectionEvaluation.Box {
        DetectionEvaluation.Box(
          image: Int(row[0]),
          label: Int(row[1]),
          x: row[2],
          y: row[3],
          width: row[4],
          height: row[5],
          score: row.count > 6 ? row[6] : 1
        )
      }
      let found = DetectionEvaluation(
        detections: item.detections.map(box),
        truths: item.truths.map(box)
      )
      let values: [String: Double?] = [
        "map": found.meanAveragePrecision(),
        "map50": found.meanAveragePrecision(thresholds: [0.5]),
        "map75": found.meanAveragePrecision(thresholds: [0.75]),
        "small": found.meanAveragePrecision(size: .small),
        "medium": found.meanAveragePrecision(size: .medium),
        "large": found.meanAveragePrecision(size: .large),
        "recall": found.meanAverageRecall(),
      ]
      for (key, expected) in item.expected {
        let value = values[key] ?? nil
        // pycocotools says -1 where nothing counts.
        #expect(expected == -1 ? value == nil : isNear(value, expected), "\(key)")
      }
    }
  }
}
