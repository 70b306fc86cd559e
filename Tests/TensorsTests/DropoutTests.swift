import Support
import Tensors
import TestSupport
import Testing

@Suite("Dropout")
struct DropoutTests {
  private static func dropped(
    _ x: Tensor,
    _ probability: Double,
    wholeChannels: Bool = false,
    seed: UInt64 = 3
  ) -> Tensor {
    var random = RandomStream(seed: seed)
    return dropout(x, probability: probability, wholeChannels: wholeChannels, random: &random)
  }

  @Test(
    "the share of zeros is the probability and the rest is enlarged",
    arguments: [0.1, 0.5, 0.9]
  )
  func shareOfZeros(_ probability: Double) {
    let count = 40_000
    let y = Self.dropped(Tensor(repeating: 2, shape: [1, 4, 100, 100]), probability).values
    let zeros = Double(y.count { $0 == 0 })
    // Four standard deviations of the binomial distribution.
    let bound = 4 * (Double(count) * probability * (1 - probability)).squareRoot()
    #expect(abs(zeros - Double(count) * probability) < bound)
    let kept = Float(2 * (1 / (1 - probability)))
    #expect(y.allSatisfy { $0 == 0 || abs($0 - kept) < 1e-5 * kept })
  }

  @Test("the seed decides the mask, in every layout")
  func seedDecides() {
    let x = Tensor(repeating: 1, shape: [2, 5, 7, 3])
    #expect(Self.dropped(x, 0.5).values == Self.dropped(x, 0.5).values)
    #expect(Self.dropped(x, 0.5).values == Self.dropped(x.relaid(.blocked(8)), 0.5).values)
    #expect(Self.dropped(x, 0.5).values != Self.dropped(x, 0.5, seed: 4).values)
  }

  @Test("whole channels are kept or dropped as one")
  func wholeChannels() {
    let y = Self.dropped(Tensor(repeating: 1, shape: [4, 16, 3, 5]), 0.5, wholeChannels: true)
      .values
    let planes = stride(from: 0, to: y.count, by: 15).map { Set(y[$0..<$0 + 15]) }
    #expect(planes.allSatisfy { $0.count == 1 })
    #expect(Set(planes) == [[0], [2]])
  }

  @Test("a probability of 0 changes nothing and draws nothing")
  func zeroProbability() {
    var random = RandomStream(seed: 1)
    let x = Tensor([1, 2, 3], shape: [3])
    #expect(dropout(x, probability: 0, random: &random).values == [1, 2, 3])
    #expect(random == RandomStream(seed: 1))
  }
}
