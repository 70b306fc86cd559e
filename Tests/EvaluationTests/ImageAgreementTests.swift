import Evaluation
import Foundation
import Imaging
import Support
import TestSupport
import Testing

/// Images and what scikit-image and MONAI make of them; see Fixtures/evaluation/README.md.
struct ImageAgreementTests {
  struct Case: Decodable {
    let size: [Int]
    let dataRange: Double
    let prediction: Data
    let reference: Data
    let expected: [String: Double]

    func volume(_ bytes: Data) throws -> Volume<Float> {
      Volume(geometry: try grid(SIMD3(size[0], size[1], size[2])), voxels: bytes.map(Float.init))
    }
  }

  static func cases() throws -> [Case] {
    let path = Fixtures.path("evaluation/images.json")
    return try JSONDecoder().decode(
      [Case].self,
      from: Data(contentsOf: URL(fileURLWithPath: path))
    )
  }

  @Test func valuesAgreeWithOtherPrograms() throws {
    for (index, item) in try Self.cases().enumerated() {
      let report = try Evaluator().evaluateImages(
        prediction: item.volume(item.prediction),
        reference: item.volume(item.reference),
        dataRange: item.dataRange,
        id: "a"
      )
      let found = report.labels[0].values
      for (key, expected) in item.expected {
        // MONAI's scales are in single precision, whose rounding the small variances magnify.
        let tolerance = key == "msssim" ? 2e-5 : 1e-6
        let number = found[key]?.number ?? .nan
        #expect(
          abs(number - expected) <= tolerance * max(1, abs(expected)),
          "case \(index): \(key) is \(number), expected \(expected)"
        )
      }
      for key in ["ssim3d", "msssim"] where item.expected[key] == nil {
        #expect(found[key]?.reason?.contains("smaller than") == true, "case \(index): \(key)")
      }
    }
  }

  @Test func similarityIsThatOfTheFormula() throws {
    // One window: the formula with the sample covariances of its 49 pixels.
    var random = RandomStream(seed: 8)
    let a = (0..<49).map { _ in Float(random.uniform() * 100) }
    let b = a.map { $0 + Float(random.uniform() * 30) }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / 49 }
    let (x, y) = (a.map(Double.init), b.map(Double.init))
    let (mx, my) = (mean(x), mean(y))
    func covariance(_ u: [Double], _ mu: Double, _ v: [Double], _ mv: Double) -> Double {
      zip(u, v).reduce(0) { $0 + ($1.0 - mu) * ($1.1 - mv) } / 48
    }
    let (c1, c2) = (1.0, 9.0)
    let expected =
      (2 * mx * my + c1) * (2 * covariance(x, mx, y, my) + c2)
      / ((mx * mx + my * my + c1) * (covariance(x, mx, x, mx) + covariance(y, my, y, my) + c2))
    let found = StructuralSimilarity.value(
      a,
      b,
      size: [7, 7, 1],
      dataRange: 100,
      slicewise: true
    )
    #expect(abs((found ?? 0) - expected) < 1e-12)
  }

  @Test(arguments: [1, 3]) func threadsChangeNothing(threads: Int) throws {
    let item = try Self.cases()[2]
    let (a, b) = (try item.volume(item.prediction), try item.volume(item.reference))
    func similarity() -> Double? {
      StructuralSimilarity.value(
        a.voxels,
        b.voxels,
        size: a.geometry.size,
        dataRange: 255,
        slicewise: false
      )
    }
    let alone = Parallelism.$threadCount.withValue(1) { similarity() }
    #expect(alone != nil)
    #expect(Parallelism.$threadCount.withValue(threads) { similarity() } == alone)
  }
}
