import Foundation
import Support
import Tensors
import TestSupport
import Testing

/// Values that one can derive by hand.
@Suite("Segmentation losses")
struct SegmentationLossTests {
  private static let close = Tolerance(absolute: 1e-6, relative: 1e-6)

  /// Logits that make a softmax of nearly 0 and 1: class 1 in the first pixel, 0 in the others.
  private static let certain = Tensor([-20, 20, 20, 20, 20, -20, -20, -20], shape: [1, 2, 2, 2])

  private static func labels(_ values: [Int32]) -> LabelTensor {
    LabelTensor(values, shape: [1, 2, 2])
  }

  @Test("equal logits cost the logarithm of the class count")
  func crossEntropyOfEqualLogits() {
    let loss = crossEntropy(
      Tensor(repeating: 3, shape: [1, 5, 2, 2]),
      labels: Self.labels([0, 1, 2, 4])
    )
    expectClose([loss.scalar], [Float(log(5.0))], Self.close)
  }

  @Test("a hopeless pixel costs at most 87.4 and its gradient is finite")
  func crossEntropyIsBounded() {
    let key = GradientKey()
    let logits = Tensor([500, -500], shape: [1, 2, 1, 1]).tracked(by: key)
    let loss = crossEntropy(logits, labels: LabelTensor([1], shape: [1, 1, 1]))
    #expect(loss.scalar.isFinite && loss.scalar > 80)
    #expect(gradients(of: loss)[key]?.values == [1, -1])
  }

  @Test("ignored pixels change neither loss nor gradient")
  func ignoredPixels() {
    let key = GradientKey()
    let all = Tensor([1, 2, -1, 9, 0, 1, 1, -9], shape: [1, 2, 2, 2]).tracked(by: key)
    let loss = crossEntropy(all, labels: Self.labels([0, 1, 1, 255]), ignoring: 255)
    let few = Tensor([1, 2, -1, 0, 1, 1], shape: [1, 2, 1, 3])
    let expected = crossEntropy(few, labels: LabelTensor([0, 1, 1], shape: [1, 1, 3]))
    expectClose([loss.scalar], [expected.scalar], Self.close)
    let gradient = gradients(of: loss)[key]?.values
    #expect(gradient?[3] == 0 && gradient?[7] == 0)
    #expect(gradient?[0] != 0)
  }

  @Test("a batch of ignored pixels costs nothing and pulls nowhere")
  func everythingIgnored() {
    let key = GradientKey()
    let logits = Self.certain.tracked(by: key)
    let loss = crossEntropy(logits, labels: Self.labels([7, 7, 7, 7]), ignoring: 7)
    #expect(loss.scalar == 0)
    #expect(gradients(of: loss)[key]?.values == [Float](repeating: 0, count: 8))
  }

  @Test("the Dice loss is 0 for perfect, 1 for disjoint, 1/3 for half as many pixels")
  func diceByHand() {
    let cases: [([Int32], Float)] = [
      ([1, 0, 0, 0], 0), ([0, 1, 0, 0], 1), ([1, 1, 0, 0], 1.0 / 3),
    ]
    for (labels, expected) in cases {
      let loss = softDiceLoss(Self.certain, labels: Self.labels(labels))
      // The smoothing moves the quotient by 1e-5 / 2.
      expectClose([loss.scalar], [expected], Tolerance(absolute: 1e-5, relative: 0))
    }
  }

  @Test("Dice over the batch pools the samples that Dice by sample averages")
  func diceOverBatchAndSamples() {
    // One sample found wholly, one of three pixels missed wholly.
    let logits = Tensor(
      [-20, 20, 20, 20, 20, -20, -20, -20, 20, 20, 20, 20, -20, -20, -20, -20],
      shape: [2, 2, 2, 2]
    )
    let labels = LabelTensor([1, 0, 0, 0, 1, 1, 1, 0], shape: [2, 2, 2])
    let tolerance = Tolerance(absolute: 1e-5, relative: 0)
    let batch = softDiceLoss(logits, labels: labels, overBatch: true)
    expectClose([batch.scalar], [1 - 2.0 / 5], tolerance)
    let samples = softDiceLoss(logits, labels: labels, overBatch: false)
    expectClose([samples.scalar], [0.5], tolerance)
  }

  @Test("a class that neither side has counts as found")
  func diceOfAbsentClass() {
    let logits = Tensor([100, 100, -100, -100], shape: [1, 2, 1, 2])
    let loss = softDiceLoss(logits, labels: LabelTensor([0, 0], shape: [1, 1, 2]))
    expectClose([loss.scalar], [0], Self.close)
  }
}
