import Compression
import Foundation
import Support
import Testing

@Suite struct PlaneCoderTests {
  /// A smooth image with noise, and an edge.
  private static func plane(_ width: Int, _ height: Int, seed: UInt64, noise: Double) -> [Int32] {
    var random = RandomStream(seed: seed)
    return (0..<width * height).map { place in
      let (x, y) = (Double(place % width), Double(place / width))
      let edge: Double = x > Double(width) / 2 ? 300 : 0
      let wave: Double = sin(x / 9) * cos(y / 7)
      return Int32((400 + 200 * wave + edge + noise * random.normal()).rounded())
    }
  }

  @Test(arguments: [(1, 1), (1, 9), (7, 1), (33, 20)])
  func planesComeBack(width: Int, height: Int) {
    let planes = (0..<3).map { Self.plane(width, height, seed: UInt64($0), noise: 4) }
    let range = Int(planes.joined().min() ?? 0)...Int(planes.joined().max() ?? 0)
    var encoder = BinaryEncoder()
    let writer = PlaneCoder(width: width, height: height, range: range)
    var past: PlaneCoder.Plane?
    for plane in planes { past = writer.code(plane, beside: past, &encoder) }
    var decoder = BinaryDecoder(encoder.finish())
    let reader = PlaneCoder(width: width, height: height, range: range)
    past = nil
    for plane in planes {
      let found = reader.code(nil, beside: past, &decoder)
      #expect(reader.values(of: found) == plane)
      past = found
    }
  }

  @Test func extremesAndWideRangesComeBack() {
    let limit = Int32.max / 2 - 1
    let plane = (0..<64).map { place -> Int32 in [limit, -limit, Int32(place)][place % 3] }
    var encoder = BinaryEncoder()
    _ = PlaneCoder(width: 8, height: 8, range: Int(-limit)...Int(limit))
      .code(plane, beside: nil, &encoder)
    var decoder = BinaryDecoder(encoder.finish())
    let reader = PlaneCoder(width: 8, height: 8, range: Int(-limit)...Int(limit))
    #expect(reader.values(of: reader.code(nil, beside: nil, &decoder)) == plane)
  }

  @Test func noiseCostsItsEntropyAndAnotherPlaneHelps() {
    let (width, height) = (128, 128)
    let first = Self.plane(width, height, seed: 1, noise: 6)
    func bits(_ plane: [Int32], beside other: [Int32]?) -> Double {
      var encoder = BinaryEncoder()
      let coder = PlaneCoder(width: width, height: height, range: -200...1300)
      _ = coder.code(plane, beside: other.map(coder.known), &encoder)
      return 8 * Double(encoder.finish().count) / Double(plane.count)
    }
    let alone = bits(first, beside: nil)
    // Gaussian noise of 6 has 4.63 bits; a prediction from noisy neighbours cannot reach that.
    #expect(alone > 4.63 && alone < 5.4)
    #expect(bits(first, beside: first) < 0.2)
    #expect(bits([Int32](repeating: 7, count: width * height), beside: nil) < 0.02)
  }

  @Test func damagedStreamsGiveValuesWithinTheRange() {
    var random = RandomStream(seed: 9)
    let bytes = (0..<500).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    var decoder = BinaryDecoder(bytes)
    let coder = PlaneCoder(width: 40, height: 40, range: -5...9)
    let values = coder.values(of: coder.code(nil, beside: nil, &decoder))
    #expect(values.allSatisfy { (-5...9).contains($0) })
  }
}
