import Foundation
import TestSupport

/// What MONAI gives for small arrays; see `Tests/Fixtures/MONAIBundles`.
struct VolumeReference: Decodable {
  struct Spacing: Decodable {
    let size: [Int]
    let old: [Double]
    let new: [Double]
    let mode: String
    let padding: String
    let input: [Float]
    let newSize: [Int]
    let output: [Float]
    let back: [Float]
  }
  struct Windows: Decodable {
    let size: [Int]
    let roi: [Int]
    let overlap: Double
    let starts: [[Int]]
  }
  struct Weights: Decodable {
    let roi: [Int]
    let sigma: Double
    let weights: [Float]
  }
  struct Intensity: Decodable {
    let name: String
    let input: [Float]
    let output: [Float]
  }
  struct Crop: Decodable {
    let margin: [Int]
    let multiple: [Int]
    let smaller: Bool
    let size: [Int]
    let input: [Float]
    let output: [Float]
    let newSize: [Int]
  }
  let spacing: [Spacing]
  let windows: [Windows]
  let weights: [Weights]
  let intensity: [Intensity]
  let crop: [Crop]

  init() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("MONAIBundles/units.json")))
    self = try JSONDecoder().decode(VolumeReference.self, from: data)
  }

  /// The largest difference of two lists of equal length.
  static func difference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }
}
