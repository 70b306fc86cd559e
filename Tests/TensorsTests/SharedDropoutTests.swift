import Support
import Tensors
import TestSupport
import Testing

@Suite("Dropout shared by a batch")
struct SharedDropoutTests {
  private static func dropped(
    _ shape: [Int],
    _ probability: Double = 0.5,
    wholeChannels: Bool = true,
    seed: UInt64 = 3,
    layout: TensorLayout = .plain
  ) -> [Float] {
    sharedDropout(
      Tensor(repeating: 1, shape: shape).relaid(layout),
      probability: probability,
      wholeChannels: wholeChannels,
      seed: seed
    ).values
  }

  @Test("the same channels are left out in every sample and for every size of the image")
  func channels() {
    let batch = Self.dropped([3, 16, 4, 5])
    let kept = (0..<16).map { batch[$0 * 20] }
    #expect(Set(kept) == [0, 2])
    for (index, value) in batch.enumerated() { #expect(value == kept[index / 20 % 16]) }
    #expect(Self.dropped([1, 16, 2, 3, 2]) == kept.flatMap { [Float](repeating: $0, count: 12) })
    #expect(Self.dropped([2, 16]) == kept + kept)
  }

  @Test("the seed decides, in every layout")
  func seeds() {
    let shape = [2, 16, 3, 3]
    #expect(Self.dropped(shape) == Self.dropped(shape, layout: .blocked(8)))
    #expect(Self.dropped(shape) != Self.dropped(shape, seed: 4))
  }

  @Test("single values are left out alike in every sample, and the rest is enlarged")
  func values() {
    let y = Self.dropped([2, 1, 100, 100], 0.2, wholeChannels: false)
    #expect(Array(y.prefix(10_000)) == Array(y.suffix(10_000)))
    #expect(Set(y) == [0, 1.25])
    // Four standard deviations of the binomial distribution: sqrt(10000 · 0.2 · 0.8) = 40.
    #expect(abs(y.prefix(10_000).count { $0 == 0 } - 2000) < 160)
  }
}
