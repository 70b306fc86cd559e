import Compression
import Foundation
import Support
import Testing

@Suite struct BinaryCoderTests {
  @Test func bitsComeBackAtTheCostOfTheirEntropy() {
    var random = RandomStream(seed: 3)
    // Probabilities of 1 in units of 2^-16, also the extremes.
    let probabilities = [1, 40, 700, 9000, 32_768, 60_000, 65_500, 65_535]
    let bits = (0..<80_000).map { index -> (bit: Bool, probability: Int) in
      let probability = probabilities[index % probabilities.count]
      return (random.uniform() < Double(probability) / 65_536, probability)
    }
    var encoder = BinaryEncoder()
    for (bit, probability) in bits { _ = encoder.code(bit, probability: probability) }
    let bytes = encoder.finish()
    var decoder = BinaryDecoder(bytes)
    #expect(bits.allSatisfy { decoder.code(false, probability: $0.probability) == $0.bit })
    #expect(!decoder.isExhausted)
    let entropy = probabilities.reduce(0.0) { sum, probability in
      let p = Double(probability) / 65_536
      return sum - (p * log2(p) + (1 - p) * log2(1 - p)) * 10_000
    }
    #expect(abs(8 * Double(bytes.count) / entropy - 1) < 0.02)
  }

  @Test func aStreamThatEndsEarlyIsNoticed() {
    var encoder = BinaryEncoder()
    var random = RandomStream(seed: 4)
    for _ in 0..<8000 { _ = encoder.code(random.chance(0.5), probability: 32_768) }
    let bytes = encoder.finish()
    var decoder = BinaryDecoder(Array(bytes.prefix(bytes.count / 2)))
    for _ in 0..<8000 { _ = decoder.code(false, probability: 32_768) }
    #expect(decoder.isExhausted)
  }
}
