import Evaluation
import Foundation
import TestSupport
import Testing

struct DetectionCrowdTests {
  private struct Stored: Decodable {
    let truths, detections: [[Double]]
    let expected: [String: Double]
  }

  private static func box(
    _ row: [Double],
    score: Double,
    kind: DetectionEvaluation.Box.Kind
  ) -> DetectionEvaluation.Box {
    DetectionEvaluation.Box(
      image: Int(row[0]),
      label: Int(row[1]),
      x: row[2],
      y: row[3],
      width: row[4],
      height: row[5],
      score: score,
      kind: kind
    )
  }

  @Test func valuesAreThoseOfPycocotools() throws {
    let path = Fixtures.path("detection/crowds.json")
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    let stored = try JSONDecoder().decode(Stored.self, from: data)
    #expect(stored.truths.contains { $0[6] == 1 })
    let found = DetectionEvaluation(
      detections: stored.detections.map { Self.box($0, score: $0[6], kind: .counted) },
      truths: stored.truths.map { Self.box($0, score: 1, kind: $0[6] == 1 ? .crowd : .counted) }
    )
    let values: [String: Double?] = [
      "map": found.meanAveragePrecision(),
      "map50": found.meanAveragePrecision(thresholds: [0.5]),
      "map75": found.meanAveragePrecision(thresholds: [0.75]),
      "small": found.meanAveragePrecision(size: .small),
      "medium": found.meanAveragePrecision(size: .medium),
      "large": found.meanAveragePrecision(size: .large),
      "recall": found.meanAverageRecall(),
      "class1": found.averagePrecision(label: 1, threshold: 0.5)?.precision,
      "class2": found.averagePrecision(label: 2, threshold: 0.5)?.precision,
    ]
    #expect(stored.expected.count == values.count)
    for (key, expected) in stored.expected {
      let value = try #require(values[key] ?? nil, "\(key)")
      // Both add a hundred numbers in double precision.
      #expect(abs(value - expected) < 1e-9, "\(key): \(value) for \(expected)")
    }
  }

  /// One object and a crowd beside it; two findings lie in the crowd, one on the object.
  @Test func findingsInCrowdsNeitherCountNorHarm() throws {
    let truths = [
      Self.box([0, 1, 0, 0, 10, 10], score: 1, kind: .counted),
      Self.box([0, 1, 20, 0, 40, 40], score: 1, kind: .crowd),
    ]
    let found = DetectionEvaluation(
      detections: [
        Self.box([0, 1, 22, 2, 5, 5], score: 0.9, kind: .counted),
        Self.box([0, 1, 42, 20, 5, 5], score: 0.8, kind: .counted),
        Self.box([0, 1, 0, 0, 10, 10], score: 0.7, kind: .counted),
      ],
      truths: truths
    )
    let curve = try #require(found.curve(label: 1, threshold: 0.5))
    #expect(curve.map(\.score) == [0.7])
    #expect(curve.map(\.precision) == [1] && curve.map(\.recall) == [1])
  }

  /// A hit, a false alarm, a hit: precision 1, 1/2, 2/3 at recalls of 1/2, 1/2, 1.
  @Test func theCurveFollowsTheScores() throws {
    let found = DetectionEvaluation(
      detections: [
        Self.box([0, 1, 0, 0, 10, 10], score: 0.9, kind: .counted),
        Self.box([0, 1, 50, 0, 10, 10], score: 0.8, kind: .counted),
        Self.box([1, 1, 0, 0, 10, 10], score: 0.7, kind: .counted),
      ],
      truths: [
        Self.box([0, 1, 0, 0, 10, 10], score: 1, kind: .counted),
        Self.box([1, 1, 0, 0, 10, 10], score: 1, kind: .counted),
      ]
    )
    let curve = try #require(found.curve(label: 1, threshold: 0.5))
    #expect(curve.map(\.recall) == [0.5, 0.5, 1])
    #expect(curve.map(\.precision) == [1, 0.5, 2.0 / 3])
    #expect(found.curve(label: 2, threshold: 0.5) == nil)
  }
}
