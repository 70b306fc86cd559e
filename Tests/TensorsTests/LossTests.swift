import Foundation
import Layers
import OperationCases
import Support
import Tensors
import TestSupport
import Testing

/// What losses do at the edges, by hand; the catalogue has their values and derivatives.
@Suite("Losses")
struct LossTests {
  private static let close = Tolerance(absolute: 1e-6, relative: 1e-6)

  /// Losses large enough for several pieces, none of them whole.
  static let large: [OperationCase] = {
    let size = [2, 3, 70, 61]
    let pixels = 2 * 70 * 61
    let numbers = (0..<pixels).map { (i: Int) -> Int32 in Int32(i * 7 % 11 % 3) }
    let labels = LabelTensor(numbers, shape: [2, 70, 61])
    func sequence(_ n: Int) -> [Int32] {
      (0..<5).map { (k: Int) -> Int32 in Int32(1 + k * n % 11) }
    }
    let sequences = (0..<7).map { sequence($0) }
    let all: [SegmentationTerm] = [
      .crossEntropy(CrossEntropyOptions(labelSmoothing: 0.1)),
      .topKCrossEntropy(percent: 10, classWeights: nil),
      .focal(gamma: 2, classWeights: nil),
      .dice(RegionOptions(), squaredDenominator: true),
      .tversky(RegionOptions(overBatch: false), TverskyOptions()),
    ]
    let terms = all.map { WeightedSegmentationTerm($0) }
    let cases: [OperationCase] = [
      OperationCase("segmentation", [size]) {
        segmentationLoss($0[0], labels: labels, terms: terms, ignoring: 2)
      },
      OperationCase("boundary", [size, size]) { boundaryLoss($0[0], distances: $0[1]) },
      OperationCase("binary", [size, size]) { binaryCrossEntropy($0[0], targets: $0[1]) },
      OperationCase("ssim", [size, size]) { structuralSimilarity($0[0], $0[1]) },
      OperationCase("nt-xent", [[65, 33], [65, 33]]) { normalizedTemperatureLoss($0[0], $0[1]) },
      OperationCase("triplet", [[4100, 9], [4100, 9], [4100, 9]]) {
        tripletMarginLoss($0[0], positive: $0[1], negative: $0[2])
      },
      OperationCase("ctc", [[7, 12, 40]]) {
        sequenceLoss($0[0], labels: SequenceLabels(sequences))
      },
    ]
    return cases
  }()

  @Test("values and gradients have the same bits for every number of threads", arguments: large)
  func threadsDoNotMatter(_ test: OperationCase) {
    let operands = test.operands
    let one = Parallelism.$threadCount.withValue(1) { test.run(operands) }
    for threads in [2, 3, 5] {
      let other = Parallelism.$threadCount.withValue(threads) { test.run(operands) }
      #expect(other.output.values == one.output.values, "\(threads) threads")
      for (a, b) in zip(one.gradients, other.gradients) {
        #expect(a?.values == b?.values, "\(threads) threads")
      }
    }
  }

  @Test("bfloat16 logits give a loss in single precision and a gradient in bfloat16")
  func bfloat16() {
    let key = GradientKey()
    let logits = Tensor([0.5, -1, 2, 0.25], shape: [1, 2, 2]).cast(to: .bfloat16)
    let labels = LabelTensor([0, 1], shape: [1, 2])
    let loss = crossEntropy(logits.tracked(by: key), labels: labels)
    let expected = crossEntropy(logits.cast(to: .float32), labels: labels)
    #expect(loss.elementType == .float32)
    #expect(loss.scalar == expected.scalar)
    #expect(gradients(of: loss)[key]?.elementType == .bfloat16)
  }

  @Test("the worst half of four pixels are the two that are wrong")
  func topKByHand() {
    let key = GradientKey()
    let logits = Tensor([5, -5, 5, -5, -5, 5, -5, 5], shape: [1, 2, 4]).tracked(by: key)
    let loss = topKCrossEntropy(
      logits,
      labels: LabelTensor([0, 0, 1, 1], shape: [1, 4]),
      percent: 50
    )
    expectClose([loss.scalar], [10 + Float(log1p(exp(-10.0)))], Self.close)
    let gradient = gradients(of: loss)[key]?.values
    #expect(gradient?[0] == 0 && gradient?[3] == 0)
    #expect((gradient?[1] ?? 0) < -0.49 && (gradient?[2] ?? 0) > 0.49)
  }

  @Test("of equal pixels the first are the worst")
  func topKTies() {
    let key = GradientKey()
    let logits = Tensor(repeating: 0, shape: [1, 2, 5]).tracked(by: key)
    let labels = LabelTensor([0, 0, 0, 0, 0], shape: [1, 5])
    let loss = topKCrossEntropy(logits, labels: labels, percent: 40)
    expectClose([loss.scalar], [Float(log(2.0))], Self.close)
    #expect(
      gradients(of: loss)[key]?.values
        == [-0.25, -0.25, 0, 0, 0, 0.25, 0.25, 0, 0, 0]
    )
  }

  @Test("a perfect boundary costs the mean distance inside")
  func boundaryByHand() {
    let logits = Tensor([-50, 50, 50, -50], shape: [1, 2, 2])
    let distances = Tensor([9, 9, -3, 2], shape: [1, 2, 2])
    expectClose([boundaryLoss(logits, distances: distances).scalar], [-1.5], Self.close)
  }

  @Test("equal images have a structural similarity of 1")
  func similarityOfEqualImages() {
    let x = Tensor((0..<169).map { Float($0 * 7 % 11) / 11 }, shape: [1, 1, 13, 13])
    expectClose([structuralSimilarity(x, x).scalar], [1], Self.close)
    // Of constants only the light remains: (2ab + c) / (a² + b² + c), c = 1e-4.
    let (a, b) =
      (Tensor(repeating: 1, shape: [1, 1, 11, 11]), Tensor(repeating: 0.5, shape: [1, 1, 11, 11]))
    expectClose([structuralSimilarity(a, b).scalar], [1.0001 / 1.2501], Self.close)
  }

  @Test("a sequence too short for its labels costs infinity, or nothing when so wished")
  func impossibleSequence() {
    let logits = Tensor(repeating: 0, shape: [1, 3, 2])
    let labels = SequenceLabels([[1, 1]])
    #expect(sequenceLoss(logits, labels: labels).scalar == .infinity)
    #expect(sequenceLoss(logits, labels: labels, ignoresImpossible: true).scalar == 0)
  }

  @Test("one label in two equal steps: three of nine alignments")
  func sequenceByHand() {
    let logits = Tensor(repeating: 0.5, shape: [1, 3, 2])
    let loss = sequenceLoss(logits, labels: SequenceLabels([[2]]))
    expectClose([loss.scalar], [Float(log(3.0))], Self.close)
  }

  @Test("the pair losses of equal embeddings cost the logarithm of the candidates")
  func equalEmbeddings() {
    let x = Tensor(repeating: 1, shape: [3, 4])
    expectClose([contrastiveLoss(x, keys: x).scalar], [Float(log(3.0))], Self.close)
    expectClose([normalizedTemperatureLoss(x, x).scalar], [Float(log(5.0))], Self.close)
  }

  @Test("a single class's loss can be made of the background alone")
  func backgroundOnly() {
    let loss = softDiceLoss(
      Tensor(repeating: 0, shape: [1, 1, 4]),
      labels: LabelTensor([0, 0, 0, 0], shape: [1, 4]),
      includesBackground: true
    )
    expectClose([loss.scalar], [0], Self.close)
  }
}
