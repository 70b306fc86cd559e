import Evaluation
import Foundation
import Imaging
import Support
import Testing

struct EvaluatorTests {
  @Test func overlapOfAFourByFourTable() throws {
    // TP 3, FP 1, FN 2, TN 10.
    let prediction = try drawn("11..", "11..", "....", "....", spacing: [2, 5, 10])
    let reference = try drawn("1...", "111.", "1...", "....", spacing: [2, 5, 10])
    let found = try values(prediction, reference)
    #expect(found["dice"] == .value(6.0 / 9))
    #expect(found["iou"] == .value(0.5))
    #expect(found["sensitivity"] == .value(0.6))
    #expect(found["precision"] == .value(0.75))
    #expect(found["specificity"] == .value(10.0 / 11))
    #expect(found["volumeSimilarity"] == .value(1 - 1.0 / 9))
    #expect(found["relativeVolumeDifference"] == .value(-0.2))
    // A voxel is 2 x 5 x 10 mm = 0.1 ml.
    #expect(found["volumePredictionML"] == .value(4 * 0.1))
    #expect(found["volumeReferenceML"] == .value(5 * 0.1))
  }

  @Test func everyLabelIsCountedAgainstTheRest() throws {
    let prediction = try drawn("1122", "11.2")
    let reference = try drawn("1112", "1122")
    let report = try Evaluator(metrics: Metric.parse("dice")).evaluate(
      prediction: prediction,
      reference: reference,
      id: "a"
    )
    #expect(report.labels.map(\.key) == ["1", "2"])
    #expect(report.labels.map(\.name) == ["label 1", "label 2"])
    let expected: [[String: MetricValue]] = [["dice": .value(8.0 / 9)], ["dice": .value(4.0 / 6)]]
    #expect(report.labels.map(\.values) == expected)
  }

  @Test func anUnionIsOneStructureAndMayOverlapAnother() throws {
    let prediction = try drawn("12..")
    let reference = try drawn("21..")
    let labels = try LabelSet(json: Data(#"{"whole": [1, 2], "core": 2, "background": 0}"#.utf8))
    let report = try Evaluator(metrics: Metric.parse("dice"), labels: labels).evaluate(
      prediction: prediction,
      reference: reference,
      id: "a"
    )
    #expect(report.labels.map(\.key) == ["1+2", "2"])
    let expected: [[String: MetricValue]] = [["dice": .value(1)], ["dice": .value(0)]]
    #expect(report.labels.map(\.values) == expected)
    #expect(report.problems.isEmpty)
  }

  @Test func theReferenceMayCountOtherwise() throws {
    let labels = try LabelSet(json: Data(#"{"hippocampus": [1, 2]}"#.utf8))
    let reference = try LabelSet(json: Data(#"{"hippocampus": 37, "amygdala": 41}"#.utf8))
    let evaluator = try Evaluator(
      metrics: Metric.parse("dice"),
      labels: labels,
      referenceLabels: reference
    )
    var atlas = try drawn("....", "....")
    atlas.labels = [37, 37, 0, 41, 0, 0, 0, 0]
    let report = try evaluator.evaluate(
      prediction: drawn("12..", "...."),
      reference: atlas,
      id: "a"
    )
    #expect(report.labels[0].values == ["dice": .value(1)])
    #expect(
      report.problems == [
        "labels 41 of the reference belong to no structure and count as background"
      ]
    )
    #expect(throws: EvaluationError.missingReferenceLabel(name: "hippocampus")) {
      try Evaluator(
        labels: labels,
        referenceLabels: LabelSet(json: Data(#"{"other": 1}"#.utf8))
      )
    }
  }

  @Test func ignoredVoxelsAreLeftOutOfEverything() throws {
    let evaluator = try Evaluator(
      metrics: Metric.parse("dice,hd,specificity"),
      ignoredReferenceLabel: 9
    )
    let report = try evaluator.evaluate(
      prediction: drawn("11.1"),
      reference: drawn("11.9"),
      id: "a"
    )
    #expect(
      report.labels.map(\.values)
        == [["dice": .value(1), "hd": .value(0), "specificity": .value(1)]]
    )
  }

  @Test func ignoredVoxelsAreLeftOutOfShapesToo() throws {
    let evaluator = try Evaluator(ignoredReferenceLabel: 9)
    let report = try evaluator.evaluate(
      prediction: drawn("11.11", "11...", "....1"),
      reference: drawn("11.99", "11...", "....9"),
      id: "a"
    )
    let found = report.labels[0].values
    #expect(report.labels.map(\.key) == ["1"])
    // The one lesion is a small one.
    let others = ["lesionSensitivityMedium", "lesionSensitivityLarge"]
    for metric in Metric.segmentation
    where metric.better == .higher && !others.contains(metric.key) {
      #expect(found[metric.key] == .value(1), "\(metric.key)")
    }
    #expect(others.allSatisfy { found[$0]?.number == nil })
    #expect(found["lesionFalsePositives"] == .value(0))
    #expect(found["volumePredictionML"] == found["volumeReferenceML"])
  }

  @Test func aStructureMayHaveItsOwnTolerance() throws {
    let prediction = try drawn("1...2...", "1...2...")
    let reference = try drawn("..1...2.", "..1...2.")
    let evaluator = try Evaluator(
      metrics: Metric.parse("nsd,nsdSurface"),
      toleranceMM: 1,
      tolerances: ["label 2": 2]
    )
    let report = try evaluator.evaluate(prediction: prediction, reference: reference, id: "a")
    #expect(report.labels[0].values["nsd"] == .value(0))
    #expect(report.labels[1].values["nsd"] == .value(1))
    #expect(report.labels[1].values["nsdSurface"] == .value(1))
    #expect(throws: EvaluationError.invalidTolerance(-1)) {
      try Evaluator(tolerances: ["label 2": -1])
    }
  }

  @Test func otherGridsAreRefusedWithTheDifference() throws {
    let small = try drawn("11..")
    let large = try drawn("11...")
    let error = #expect(throws: EvaluationError.self) {
      try Evaluator().evaluate(prediction: small, reference: large, id: "case 7")
    }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("4 x 1 x 1 voxels against 5 x 1 x 1") == true)
  }

  @Test func missedStructuresAndFalseAlarmsAreSaid() throws {
    let report = try Evaluator(metrics: Metric.parse("dice")).evaluate(
      prediction: drawn("2..."),
      reference: drawn("1..."),
      id: "a"
    )
    #expect(report.problems == ["label 1 (label 1): missed", "label 2 (label 2): false alarm"])
  }

  @Test(arguments: [1, 2, 5]) func theNumberOfThreadsChangesNothing(threads: Int) throws {
    var random = RandomStream(seed: 3)
    let geometry = try grid([61, 53, 47], spacing: [0.7, 1.1, 2.5])
    func noise() -> LabelMap {
      LabelMap(
        geometry: geometry,
        labels: (0..<geometry.voxelCount).map { _ in UInt16(random.uniform() * 4) * 40 },
        table: []
      )
    }
    let (a, b) = (noise(), noise())
    let evaluator = try Evaluator()
    let alone = try Parallelism.$threadCount.withValue(1) {
      try evaluator.evaluate(prediction: a, reference: b, id: "a")
    }
    let many = try Parallelism.$threadCount.withValue(threads) {
      try evaluator.evaluate(prediction: a, reference: b, id: "a")
    }
    #expect(alone == many)
    #expect(alone.labels.map(\.key) == ["40", "80", "120"])
  }
}

struct SurfaceMetricTests {
  @Test func shiftedBoxesHaveTheShiftAsDistance() throws {
    // Two 4x4x4 boxes, 3 voxels apart along x with a spacing of 2 mm.
    let a = try box(in: [12, 6, 6], from: [1, 1, 1], through: [4, 4, 4], spacing: [2, 1, 3])
    let b = try box(in: [12, 6, 6], from: [4, 1, 1], through: [7, 4, 4], spacing: [2, 1, 3])
    let found = try values(a, b)
    #expect(found["hd"] == .value(6))
    #expect(found["hd95"] == .value(6))
    #expect(found["hd95Pooled"] == .value(6))
    // By symmetry both directed means are equal, so both averages are.
    #expect(found["assd"] == found["masd"])
  }

  @Test func singleVoxelsAreAsFarApartAsTheirCentres() throws {
    let a = try box(in: [9, 9, 9], from: [1, 2, 3], through: [1, 2, 3], spacing: [0.5, 0.5, 5])
    let b = try box(in: [9, 9, 9], from: [7, 2, 4], through: [7, 2, 4], spacing: [0.5, 0.5, 5])
    let distance = MetricValue.value(Double(Float(9 + 25)).squareRoot())
    let found = try values(a, b)
    for key in ["hd", "hd95", "hd95Pooled", "assd", "masd"] { #expect(found[key] == distance) }
    #expect(found["nsd"] == .value(0))
    #expect(try values(a, b, toleranceMM: 6)["nsd"] == .value(1))
  }

  @Test func theTwoAveragesDifferWhenTheSurfacesDoInSize() throws {
    // A voxel against a row of three with the voxel at its end: distances 0 and 0, 1, 2.
    let found = try values(drawn("1..."), drawn("111."))
    #expect(found["assd"] == .value(3.0 / 4))
    #expect(found["masd"] == .value(0.5))
    #expect(found["hd"] == .value(2))
    // Directed: 0 and the point 0.95 * 2 of (0, 1, 2); pooled: the point 0.95 * 3 of (0, 0, 1, 2).
    #expect(abs((found["hd95"]?.number ?? 0) - 1.9) < 1e-12)
    #expect(abs((found["hd95Pooled"]?.number ?? 0) - 1.85) < 1e-12)
    #expect(found["nsd"] == .value(3.0 / 4))
  }

  @Test func distancesAreThoseOfTheDefinition() throws {
    // Against brute force over all pairs of border voxels, on scattered anisotropic masks.
    var random = RandomStream(seed: 11)
    for trial in 0..<20 {
      let size = SIMD3(4 + trial % 5, 5 + trial % 3, 1 + trial % 6)
      let spacing = SIMD3(0.5 + Double(trial % 3), 1.25, 3.0)
      let geometry = try grid(size, spacing: spacing)
      func scattered() -> LabelMap {
        LabelMap(
          geometry: geometry,
          labels: (0..<geometry.voxelCount).map { _ in random.chance(0.4) ? 1 : 0 },
          table: []
        )
      }
      let (a, b) = (scattered(), scattered())
      let (fromA, fromB) = (directed(a, b), directed(b, a))
      guard !fromA.isEmpty, !fromB.isEmpty else { continue }
      let found = try values(a, b)
      let all = fromA + fromB
      let hd = try #require(found["hd"]?.number)
      let assd = try #require(found["assd"]?.number)
      let nsd = try #require(found["nsd"]?.number)
      #expect(abs(hd - (all.max() ?? 0)) <= 1e-6 * (1 + hd))
      #expect(abs(assd - all.reduce(0, +) / Double(all.count)) <= 1e-6 * (1 + assd))
      #expect(nsd == Double(all.count { $0 <= 1 }) / Double(all.count))
    }
  }

  /// From each border voxel of a mask to the nearest of another, by trying all.
  private func directed(_ from: LabelMap, _ to: LabelMap) -> [Double] {
    let targets = border(to)
    guard !targets.isEmpty else { return [] }
    return border(from).map { a in
      targets.map { b in dot(a - b, a - b).squareRoot() }.min() ?? 0
    }
  }

  private func border(_ map: LabelMap) -> [SIMD3<Double>] {
    let size = map.geometry.size
    var points: [SIMD3<Double>] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x where map[x, y, z] == 1 {
          var neighbours: [SIMD3<Int>] = [
            [x - 1, y, z], [x + 1, y, z], [x, y - 1, z], [x, y + 1, z],
          ]
          // One slice is a 2-D image.
          if size.z > 1 { neighbours += [[x, y, z - 1], [x, y, z + 1]] }
          let isBorder = neighbours.contains { n in
            any(n .< 0) || any(n .>= size) || map[n.x, n.y, n.z] == 0
          }
          if isBorder {
            points.append(map.geometry.position(ofIndex: [Double(x), Double(y), Double(z)]))
          }
        }
      }
    }
    return points
  }
}

struct PlanarSurfaceTests {
  @Test func theBorderOfATwoDimensionalMaskIsItsOutline() throws {
    // A square of 5 within a frame one pixel wider: the outlines are 1 apart, at the corners sqrt(2).
    let inner = try box(in: [9, 9, 1], from: [2, 2, 0], through: [6, 6, 0])
    let outer = try box(in: [9, 9, 1], from: [1, 1, 0], through: [7, 7, 0])
    let found = try values(inner, outer, toleranceMM: 1)
    #expect(abs((found["hd"]?.number ?? 0) - 2.0.squareRoot()) < 1e-6)
    // 16 inner pixels at 1; of 24 outer ones 20 at 1 and 4 at sqrt(2).
    let mean = (16 + 20 + 4 * 2.0.squareRoot()) / 40
    #expect(abs((found["assd"]?.number ?? 0) - mean) < 1e-6)
    #expect(found["nsd"] == .value(36.0 / 40))
  }
}
