import ClassicalSegmentation
import Foundation
import Support
import TestSupport

/// What scikit-image makes of small images; see `Tests/Fixtures/classical`.
struct ClassicalFixture: Decodable {
  struct Otsu: Decodable {
    let size: [Int]
    let values: [Float]
    let classes: Int
    let thresholds: [Float]
  }

  struct Walk: Decodable {
    let size: [Int]
    let values: [Float]
    let seeds: String
    let classes: Int
    let probabilities: [Double]
  }

  struct Contour: Decodable {
    let size: [Int]
    let edges: [Int]
    let start: String
    let iterations: Int
    let smoothing: Int
    let balloon: Int
    let threshold: Double
    let end: String
  }

  struct Superpixels: Decodable {
    let size: [Int]
    let values: [Float]
    let truth: [Int]
    let recall: Double
    let borders: Double
    let regions: Int
  }

  let otsu: [Otsu]
  let walks: [Walk]
  let contours: [Contour]
  let superpixels: Superpixels

  static func load() throws -> ClassicalFixture {
    let path = Fixtures.path("classical/classical.json")
    return try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }
}

func extent(_ size: [Int]) -> SIMD3<Int> { [size[0], size[1], size[2]] }

func digits(_ text: String) -> [UInt16] { text.map { UInt16($0.wholeNumberValue ?? 0) } }

/// A square, or cube, of 100 on a ground of 0, with noise.
func square(_ size: SIMD3<Int>, noise: Double = 0, seed: UInt64 = 3) -> (
  values: [Float], mask: [Bool]
) {
  var random = RandomStream(seed: seed)
  var (values, mask) = ([Float](), [Bool]())
  for z in 0..<size.z {
    for y in 0..<size.y {
      for x in 0..<size.x {
        let inside = zip([x, y, z], 0..<3).allSatisfy { index, axis in
          size[axis] == 1 || (index >= size[axis] / 4 && index < size[axis] * 3 / 4)
        }
        mask.append(inside)
        values.append(Float((inside ? 100 : 0) + noise * random.normal()))
      }
    }
  }
  return (values, mask)
}

extension ClassicalMethod {
  /// The labels of values.
  func labels(
    _ values: [Float],
    _ size: SIMD3<Int>,
    spacing: SIMD3<Double> = .one,
    seeds: [UInt16]? = nil
  ) throws -> ClassicalLabels {
    try labels(
      of: ClassicalImage(values: values, size: size, spacing: spacing),
      seeds: seeds,
      interruption: Interruption()
    )
  }
}
