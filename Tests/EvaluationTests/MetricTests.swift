import Evaluation
import Imaging
import Support
import Testing

struct MetricTests {
  @Test func keysAreUniqueAndEverythingIsDocumented() {
    #expect(Set(Metric.all.map(\.key)).count == Metric.all.count)
    for metric in Metric.all {
      #expect(!metric.name.isEmpty && !metric.definition.isEmpty, "\(metric.key)")
    }
  }

  @Test func optionsChooseMetrics() throws {
    #expect(try Metric.parse("iou, dice").map(\.key) == ["dice", "iou"])
    #expect(try Metric.parse("all").count == Metric.segmentation.count)
    #expect(throws: EvaluationError.unknownMetric(key: "psnr")) { try Metric.parse("dice,psnr") }
    #expect(throws: EvaluationError.unknownMetric(key: "")) { try Metric.parse("") }
  }

  @Test(arguments: Metric.segmentation.map(\.key)) func propertiesHold(key: String) throws {
    let metric = try #require(Metric.named(key))
    var random = RandomStream(seed: 5)
    let geometry = try grid([7, 6, 5], spacing: [1, 2, 0.5])
    for chance in [0.0, 0.02, 0.3, 0.9, 1] {
      func mask() -> LabelMap {
        LabelMap(
          geometry: geometry,
          labels: (0..<geometry.voxelCount).map { _ in random.chance(chance) ? 1 : 0 },
          table: []
        )
      }
      let (a, b) = (mask(), mask())
      for policy in EmptyPolicy.allCases {
        let value = try #require(try values(a, b, policy: policy)[key])
        if let number = value.number {
          #expect(number.isFinite && metric.range.contains(number), "\(key) \(number)")
        }
        // Equal masks are perfect in every metric that has a better direction.
        if let number = try values(a, a, policy: policy)[key]?.number {
          switch metric.better {
          case .higher: #expect(number == metric.range.upperBound)
          case .lower, .closerToZero: #expect(number == 0)
          case .neither: break
          }
        }
      }
    }
  }

  @Test func imageErrorsOfAKnownDifference() throws {
    let geometry = try grid([2, 2, 1])
    let reference = Volume<Float>(geometry: geometry, voxels: [0, 100, 200, 255])
    let prediction = Volume<Float>(geometry: geometry, voxels: [1, 99, 203, 255])
    let evaluator = try Evaluator()
    let report = try evaluator.evaluateImages(
      prediction: prediction,
      reference: reference,
      dataRange: 255,
      id: "a"
    )
    let found = report.labels[0].values
    // Squared differences 1, 1, 9, 0; absolute 1, 1, 3, 0.
    #expect(found["mse"] == .value(2.75))
    #expect(found["mae"] == .value(1.25))
    #expect(abs((found["rmse"]?.number ?? 0) - 1.658_312_395_177_7) < 1e-12)
    // 20 log10(255) - 10 log10(2.75) = 48.130804 - 4.393327.
    #expect(abs((found["psnr"]?.number ?? 0) - 43.737_476_9) < 1e-6)
    // Squares of the true values: 0, 10 000, 40 000 and 65 025.
    #expect(abs((found["nmse"]?.number ?? 0) - 11.0 / 115_025) < 1e-12)
    #expect(Set(found.keys) == Set(Metric.image.map(\.key)))
  }

  @Test func equalImagesHaveNoPSNRButAReason() throws {
    let image = Volume<Float>(geometry: try grid([2, 1, 1]), voxels: [3, 4])
    let equal = try Evaluator().evaluateImages(
      prediction: image,
      reference: image,
      dataRange: 1,
      id: "a"
    )
    #expect(equal.labels[0].values["psnr"]?.reason?.contains("infinite") == true)
    let unstated = try Evaluator().evaluateImages(
      prediction: image,
      reference: image,
      dataRange: nil,
      id: "a"
    )
    #expect(unstated.labels[0].values["psnr"]?.reason?.contains("data range") == true)
    #expect(throws: EvaluationError.invalidDataRange(0)) {
      try Evaluator().evaluateImages(prediction: image, reference: image, dataRange: 0, id: "a")
    }
  }

  @Test func valuesThatAreNotFiniteMakeErrorsUndefined() throws {
    let geometry = try grid([2, 1, 1])
    let broken = Volume<Float>(geometry: geometry, voxels: [3, .nan])
    let report = try Evaluator().evaluateImages(
      prediction: broken,
      reference: broken,
      dataRange: 1,
      id: "a"
    )
    #expect(report.labels[0].values.values.allSatisfy { $0.number == nil })
  }
}
