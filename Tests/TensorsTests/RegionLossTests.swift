import Foundation
import Support
import Synchronization
import Tensors
import TestSupport
import Testing

/// Losses of regions that overlap, against nnU-Net's own and by hand.
@Suite struct RegionLossTests {
  private struct Stored: Decodable {
    let shape: [Int]
    let regions: [[Int]]
    let ignored: Int
    let logits: [Float]
    let cases: [Case]

    struct Case: Decodable {
      let ignores: Bool
      let overBatch: Bool
      let labels: [Int32]
      let bce: Part
      let dice: Part
    }

    struct Part: Decodable {
      let value: Float
      let gradient: [Float]
    }
  }

  /// Nested regions of the classes 1 to 3, as of brain tumours.
  private static let table = RegionTable([[1, 2, 3], [2, 3], [3]], classCount: 4)

  private func loss(
    _ term: SegmentationTerm,
    _ logits: Tensor,
    _ labels: LabelTensor,
    ignoring: Int32? = nil
  ) -> (value: Float, gradient: [Float]) {
    let key = GradientKey()
    let value = regionLoss(
      logits.tracked(by: key),
      labels: labels,
      regions: Self.table,
      terms: [WeightedSegmentationTerm(term)],
      ignoring: ignoring
    )
    return (value.scalar, gradients(of: value)[key]?.values ?? [])
  }

  @Test func crossEntropyAndDiceAreThoseOfNNUNet() throws {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.path("nnunet/region-losses.json"))
    )
    let stored = try JSONDecoder().decode(Stored.self, from: data)
    #expect(stored.cases.count == 4)
    let logits = Tensor(stored.logits, shape: stored.shape)
    // Sums of 360 values in single precision.
    let close = Tolerance(absolute: 2e-7, relative: 2e-5)
    for entry in stored.cases {
      let labels = LabelTensor(entry.labels, shape: [stored.shape[0]] + stored.shape.dropFirst(2))
      let ignored = entry.ignores ? Int32(stored.ignored) : nil
      let entropy = loss(.crossEntropy(CrossEntropyOptions()), logits, labels, ignoring: ignored)
      // With an ignored label nnU-Net's is a sum over regions instead of a mean.
      let factor: Float = entry.ignores ? 3 : 1
      expectClose([factor * entropy.value], [entry.bce.value], close)
      expectClose(entropy.gradient.map { factor * $0 }, entry.bce.gradient, close)
      let options = RegionOptions(overBatch: entry.overBatch)
      let dice = loss(.dice(options, squaredDenominator: false), logits, labels, ignoring: ignored)
      // nnU-Net's is the negative coefficient.
      expectClose([dice.value - 1], [entry.dice.value], close)
      expectClose(dice.gradient, entry.dice.gradient, close)
    }
  }

  @Test func aPixelCostsTheMeanOverItsRegions() {
    let logits = Tensor([0, 0, 0], shape: [1, 3, 1])
    let found = loss(.crossEntropy(CrossEntropyOptions()), logits, LabelTensor([2], shape: [1, 1]))
    expectClose([found.value], [Float(log(2.0))], Tolerance(absolute: 1e-6, relative: 0))
    // Class 2 is part of the first two regions.
    expectClose(
      found.gradient,
      [-1.0 / 6, -1.0 / 6, 1.0 / 6],
      Tolerance(absolute: 1e-6, relative: 0)
    )
  }

  @Test func hopelessPixelsCostTheirLogitAndStayFinite() {
    let logits = Tensor([-200, 200, -200], shape: [1, 3, 1])
    let found = loss(.crossEntropy(CrossEntropyOptions()), logits, LabelTensor([3], shape: [1, 1]))
    expectClose([found.value], [400.0 / 3], Tolerance(absolute: 0, relative: 1e-5))
    expectClose(found.gradient, [-1.0 / 3, 0, -1.0 / 3], Tolerance(absolute: 1e-6, relative: 0))
  }

  @Test func ignoredPixelsPullNowhereAndABatchOfThemCostsNothing() {
    let logits = Tensor([1, -2, 3, 4, -5, 6], shape: [1, 3, 2])
    let labels = LabelTensor([2, 9], shape: [1, 2])
    for term: SegmentationTerm in [
      .crossEntropy(CrossEntropyOptions()), .focal(gamma: 2, classWeights: nil),
      .dice(RegionOptions(), squaredDenominator: false),
      .tversky(RegionOptions(), TverskyOptions()),
    ] {
      let found = loss(term, logits, labels, ignoring: 9)
      #expect([1, 3, 5].allSatisfy { found.gradient[$0] == 0 }, "\(term)")
      #expect([0, 2, 4].allSatisfy { found.gradient[$0] != 0 }, "\(term)")
    }
    let none = LabelTensor([9, 9], shape: [1, 2])
    let empty = loss(.crossEntropy(CrossEntropyOptions()), logits, none, ignoring: 9)
    #expect(empty.value == 0 && empty.gradient == [Float](repeating: 0, count: 6))
  }

  @Test func theMeanOverProcessesIsTheLossOfTheWholeBatch() throws {
    var random = RandomStream(seed: 5)
    let logits = (0..<4 * 3 * 6).map { _ in Float(random.normal()) }
    let labels = (0..<4 * 6).map { index in
      index < 5 ? Int32(9) : Int32(Int.random(in: 0..<4, using: &random))
    }
    func half(_ number: Int, of term: SegmentationTerm) -> (value: Float, gradient: [Float]) {
      loss(
        term,
        Tensor(Array(logits[number * 36..<(number + 1) * 36]), shape: [2, 3, 6]),
        LabelTensor(Array(labels[number * 12..<(number + 1) * 12]), shape: [2, 6]),
        ignoring: 9
      )
    }
    for term: SegmentationTerm in [
      .crossEntropy(CrossEntropyOptions()), .dice(RegionOptions(), squaredDenominator: false),
    ] {
      let whole = loss(
        term,
        Tensor(logits, shape: [4, 3, 6]),
        LabelTensor(labels, shape: [4, 6]),
        ignoring: 9
      )
      // First every half tells its sums, then both are told the sums of the two.
      let told = (0..<2).map { number in
        let noted = Mutex<[Double]>([])
        SharedBatch.$current.withValue(
          SharedBatch(parts: 2) { values in
            noted.withLock { $0 = values }
            return values
          }
        ) { _ = half(number, of: term) }
        return noted.withLock { $0 }
      }
      let totals = zip(told[0], told[1]).map(+)
      let parts = (0..<2).map { number in
        SharedBatch.$current.withValue(SharedBatch(parts: 2) { _ in totals }) {
          half(number, of: term)
        }
      }
      let rounding = Tolerance(absolute: 1e-6, relative: 1e-6)
      expectClose([(parts[0].value + parts[1].value) / 2], [whole.value], rounding)
      expectClose(
        (parts[0].gradient + parts[1].gradient).map { $0 / 2 },
        whole.gradient,
        rounding
      )
    }
  }
}
