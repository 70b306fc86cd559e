import Foundation
import TestSupport
import Transforms

/// Images, and what other programs make of them: `Tests/Fixtures/filters`.
struct RestorationFixture: Decodable {
  struct Image: Decodable {
    let size: [Int]
    let values: [Float]
    var extent: SIMD3<Int> { SIMD3(size[0], size[1], size[2]) }
  }
  struct Case: Decodable {
    let filter: String
    let image: String
    let parameters: [String: Double]
    let size: [Int]?
    let expected: [Float]
  }
  let sigma: Double
  let images: [String: Image]
  let clean: [String: [Float]]
  let quality: [String: Double]
  /// Voxels of the ringing phantom that are away from edges.
  let interior: [Int]
  let landmarks: [Double]
  let cases: [Case]

  static func load() throws -> RestorationFixture {
    let url = URL(fileURLWithPath: Fixtures.path("filters/filters.json"))
    return try JSONDecoder().decode(RestorationFixture.self, from: Data(contentsOf: url))
  }
}

/// The root of the mean squared difference.
func rootMeanSquare(_ a: [Float], _ b: [Float]) -> Double {
  let sum = zip(a, b).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
  return (sum / Double(a.count)).squareRoot()
}
