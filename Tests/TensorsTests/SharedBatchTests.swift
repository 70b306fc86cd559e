import Support
import Synchronization
import Tensors
import TestSupport
import Testing

/// Segmentation losses of a batch whose halves two processes hold.
@Suite struct SharedBatchTests {
  private static let terms: [SegmentationTerm] = [
    .crossEntropy(CrossEntropyOptions(classWeights: [1, 2, 3], labelSmoothing: 0.1)),
    .focal(gamma: 2, classWeights: nil),
    .dice(RegionOptions(), squaredDenominator: false),
    .dice(RegionOptions(overBatch: false), squaredDenominator: true),
    .tversky(RegionOptions(), TverskyOptions(exponent: 0.75)),
  ]

  /// Logits of 4 samples with 3 classes and 6 pixels; some pixels are ignored, more in the first half.
  private func batch() -> (logits: [Float], labels: [Int32]) {
    var random = RandomStream(seed: 5)
    let logits = (0..<4 * 3 * 6).map { _ in Float(random.normal()) }
    let labels = (0..<4 * 6).map { index in
      index < 5 ? Int32(9) : Int32(Int.random(in: 0..<3, using: &random))
    }
    return (logits, labels)
  }

  private func loss(
    _ term: SegmentationTerm,
    _ logits: ArraySlice<Float>,
    _ labels: ArraySlice<Int32>
  ) -> (value: Float, gradient: [Float]) {
    let key = GradientKey()
    let samples = labels.count / 6
    let tensor = Tensor(Array(logits), shape: [samples, 3, 6]).tracked(by: key)
    let value = segmentationLoss(
      tensor,
      labels: LabelTensor(Array(labels), shape: [samples, 6]),
      terms: [WeightedSegmentationTerm(term, weight: 0.7)],
      ignoring: 9
    )
    let found = value.scalar
    return (found, gradients(of: value)[key]?.values ?? [])
  }

  @Test(arguments: terms.indices) func theMeanOverProcessesIsTheLossOfTheWholeBatch(
    _ index: Int
  ) throws {
    let term = Self.terms[index]
    let (logits, labels) = batch()
    let whole = loss(term, logits[...], labels[...])
    let halves = [(logits[..<36], labels[..<12]), (logits[36...], labels[12...])]

    // First every half tells its sums, then both are told the sums of the two.
    let told = halves.map { half in
      let noted = Mutex<[[Double]]>([])
      SharedBatch.$current.withValue(
        SharedBatch(parts: 2) { values in
          noted.withLock { $0.append(values) }
          return values
        }
      ) { _ = loss(term, half.0, half.1) }
      return noted.withLock { $0 }
    }
    try #require(told[0].count == told[1].count)
    let totals = zip(told[0], told[1]).map { zip($0, $1).map(+) }
    let parts = halves.map { half in
      let next = Mutex(0)
      return SharedBatch.$current.withValue(
        SharedBatch(parts: 2) { _ in
          next.withLock { place in
            place += 1
            return totals[place - 1]
          }
        }
      ) { loss(term, half.0, half.1) }
    }
    let rounding = Tolerance(absolute: 1e-6, relative: 1e-6)
    expectClose([(parts[0].value + parts[1].value) / 2], [whole.value], rounding, "the loss")
    expectClose(
      (parts[0].gradient + parts[1].gradient).map { $0 / 2 },
      whole.gradient,
      rounding,
      "gradients"
    )
  }
}
