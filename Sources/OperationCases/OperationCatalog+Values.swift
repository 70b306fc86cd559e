import Layers
import Support
import Tensors

extension OperationCatalog {
  static let normalizations: [OperationCase] =
    [
      ("instance", [2, 5, 5, 7], NormalizationExtent.instance),
      ("instance-blocks", [1, 24, 3, 5], .instance),
      ("instance-one", [2, 1, 7, 5], .instance),
      ("instance-3d", [2, 3, 3, 5, 3], .instance),
      ("batch", [3, 5, 5, 3], .batch),
      ("batch-blocks", [2, 24, 3, 5], .batch),
      ("batch-3d", [2, 8, 3, 3, 3], .batch),
    ].flatMap { name, size, extent in
      [1, 0.01, 0].map { slope in
        OperationCase(
          "\(name)-slope-\(slope)",
          [size, [size[1]], [size[1]]],
          fills: [.alternating, .positive, .positive],
          course: .smooth
        ) {
          normalization(
            $0[0],
            extent: extent,
            scale: $0[1],
            // Between −0.15 and 0.15, so that no value comes near the kink.
            shift: $0[2] * 0.3 - Tensor(repeating: 0.3, shape: [size[1]]),
            epsilon: 1e-3,
            negativeSlope: Float(slope)
          ).output
        }
      }
    } + [
      OperationCase("instance-plain", [[2, 5, 5, 7]], course: .smooth) {
        normalization($0[0], extent: .instance, scale: nil, shift: nil).output
      },
      OperationCase(
        "batch-stored",
        [[2, 5, 5, 3], [5], [5]],
        fills: [.alternating, .positive, .normal],
        course: .smooth
      ) {
        normalization(
          $0[0],
          extent: .batch,
          scale: $0[1],
          shift: $0[2] * 0.125,
          negativeSlope: 0.01,
          statistics: NormalizationStatistics(
            mean: [0.0, 0.1, -0.1, 0.2, -0.05],
            variance: [1, 0.5, 2, 0.25, 1.5]
          )
        ).output
      },
      OperationCase("batch-stored-blocks", [[1, 16, 3, 5], [16], [16]]) {
        normalization(
          $0[0],
          extent: .batch,
          scale: $0[1],
          shift: $0[2],
          statistics: NormalizationStatistics(
            mean: (0..<16).map { Float($0) / 8 - 1 },
            variance: (0..<16).map { 0.25 + Float($0) / 8 }
          )
        ).output
      },
    ]

  static let channels: [OperationCase] = [
    OperationCase("concatenation", [[2, 3, 5, 4], [2, 5, 5, 4], [2, 1, 5, 4]]) {
      concatenation($0)
    },
    OperationCase("concatenation-blocks", [[2, 16, 3, 5], [2, 32, 3, 5]]) { concatenation($0) },
    OperationCase("concatenation-half-blocks", [[1, 8, 3, 5], [1, 24, 3, 5]]) {
      concatenation($0)
    },
    OperationCase("concatenation-3d", [[1, 16, 2, 3, 2], [1, 4, 2, 3, 2]]) { concatenation($0) },
    OperationCase("concatenation-twice-the-same", [[1, 5, 3, 4]]) {
      concatenation([$0[0], $0[0]])
    },
    OperationCase("cropped", [[2, 5, 7, 8]]) { centerCropped($0[0], to: [4, 4]) },
    OperationCase("cropped-3d", [[1, 8, 5, 4, 7]]) { centerCropped($0[0], to: [2, 4, 3]) },
    OperationCase("reshaped", [[2, 5, 3, 4]]) { $0[0].reshaped([5, 24]) },
    OperationCase("reshaped-grid", [[1, 8, 4, 4]]) { $0[0].reshaped([2, 16, 2, 2]) },
    OperationCase("softmax", [[2, 5, 3, 4]], course: .smooth) { softmax($0[0]) },
    OperationCase("softmax-blocks", [[1, 16, 3, 4]], course: .smooth) { softmax($0[0]) },
    OperationCase("softmax-3d", [[1, 3, 2, 3, 4]], course: .smooth) { softmax($0[0]) },
  ]

  static let elementwise: [OperationCase] = [
    OperationCase("relu", [[2, 5, 7, 3]], fill: .alternating, course: .smooth) { relu($0[0]) },
    OperationCase("leaky", [[2, 5, 7, 3]], fill: .alternating, course: .smooth) {
      leakyReLU($0[0], negativeSlope: 0.01)
    },
    OperationCase("leaky-3d", [[1, 8, 3, 5, 3]], fill: .alternating, course: .smooth) {
      leakyReLU($0[0], negativeSlope: 0.2)
    },
    OperationCase("add", [[2, 5, 3, 4], [2, 5, 3, 4]]) { $0[0] + $0[1] },
    OperationCase("subtract", [[2, 5, 3, 4], [2, 5, 3, 4]]) { $0[0] - $0[1] },
    OperationCase("multiply", [[2, 5, 3, 4], [2, 5, 3, 4]]) { $0[0] * $0[1] },
    OperationCase("square", [[2, 5, 3, 4]], course: .smooth) { $0[0] * $0[0] },
    OperationCase("scale", [[2, 5, 3, 4]]) { $0[0] * -2.5 },
    OperationCase("sum", [[2, 5, 3, 4]]) { $0[0].sum },
    OperationCase("mean", [[2, 5, 3, 4]]) { $0[0].mean },
    OperationCase("shared-operand", [[1, 5, 3, 4]], course: .smooth) {
      let twice = $0[0] + $0[0]
      return twice * $0[0] - twice
    },
    OperationCase("dropout", [[2, 5, 7, 3]]) {
      var random = RandomStream(seed: 5)
      return dropout($0[0], probability: 0.4, random: &random)
    },
    OperationCase("dropout-channels", [[2, 8, 3, 5]]) {
      var random = RandomStream(seed: 5)
      return dropout($0[0], probability: 0.5, wholeChannels: true, random: &random)
    },
  ]

  static let losses: [OperationCase] =
    [("2d", [2, 4, 5, 3]), ("two-classes", [2, 2, 5, 3]), ("3d", [2, 3, 2, 3, 4])].flatMap {
      name,
      size in
      let reference = labels(size)
      return [
        OperationCase("cross-entropy-" + name, [size], course: .smooth) {
          crossEntropy($0[0], labels: reference)
        },
        OperationCase("cross-entropy-ignoring-" + name, [size], course: .smooth) {
          crossEntropy($0[0], labels: reference, ignoring: 1)
        },
        OperationCase("dice-batch-" + name, [size], course: .smooth) {
          softDiceLoss($0[0], labels: reference, overBatch: true)
        },
        OperationCase("dice-sample-" + name, [size], course: .smooth) {
          softDiceLoss($0[0], labels: reference, overBatch: false, smooth: 1)
        },
        OperationCase("dice-ignoring-" + name, [size], course: .smooth) {
          softDiceLoss($0[0], labels: reference, ignoring: 0)
        },
        OperationCase("cross-entropy-and-dice-" + name, [size], course: .smooth) {
          SegmentationLoss.crossEntropyAndDice($0[0], labels: reference)
        },
      ]
    }

  /// Labels i · 7 mod 11 mod C for the logits' shape; the fixtures' generator has the same formula.
  static func labels(_ logits: [Int]) -> LabelTensor {
    let shape = [logits[0]] + logits.dropFirst(2)
    let labels = (0..<shape.reduce(1, *)).map { Int32($0 * 7 % 11 % logits[1]) }
    return LabelTensor(labels, shape: shape)
  }
}
