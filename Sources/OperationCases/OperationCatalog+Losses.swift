import Foundation
import Layers
import Support
import Tensors

extension OperationCatalog {
  /// Losses beyond the segmentation pair.
  static let furtherLosses: [OperationCase] =
    segmentationVariants + regionLosses + pointwiseLosses + imageLosses + pairLosses
    + sequenceLosses
    + adversarialLosses + detectionLosses

  private static let segmentationVariants: [OperationCase] =
    [("2d", [2, 4, 5, 3]), ("3d", [2, 3, 2, 3, 4])].flatMap { name, size in
      let reference = labels(size)
      let weights = (0..<size[1]).map { 0.5 + 0.75 * Double($0) }
      let region = RegionOptions(overBatch: false, includesBackground: true, smooth: 0.5)
      func make(
        _ kind: String,
        course: OperationCase.Course = .smooth,
        ignoring: Int32? = nil,
        _ terms: SegmentationTerm...
      ) -> OperationCase {
        OperationCase("\(kind)-\(name)", [size], course: course) {
          segmentationLoss(
            $0[0],
            labels: reference,
            terms: terms.enumerated().map {
              WeightedSegmentationTerm($0.element, weight: 1 - 0.25 * Double($0.offset))
            },
            ignoring: ignoring
          )
        }
      }
      return [
        make(
          "cross-entropy-weighted",
          ignoring: 2,
          .crossEntropy(CrossEntropyOptions(classWeights: weights))
        ),
        make(
          "cross-entropy-smoothed",
          .crossEntropy(CrossEntropyOptions(labelSmoothing: 0.2))
        ),
        make(
          "cross-entropy-all-options",
          ignoring: 1,
          .crossEntropy(CrossEntropyOptions(classWeights: weights, labelSmoothing: 0.1))
        ),
        make("dice-squared", .dice(RegionOptions(smooth: 1), squaredDenominator: true)),
        make("dice-background", ignoring: 1, .dice(region, squaredDenominator: false)),
        make("focal", .focal(gamma: 2, classWeights: nil)),
        make("focal-weighted", ignoring: 0, .focal(gamma: 1.5, classWeights: weights)),
        make("focal-0", .focal(gamma: 0, classWeights: nil)),
        make("tversky", .tversky(RegionOptions(), TverskyOptions())),
        make("tversky-focal", ignoring: 2, .tversky(region, TverskyOptions(exponent: 0.75))),
        make("top-k", course: .broken, .topKCrossEntropy(percent: 30, classWeights: nil)),
        make(
          "top-k-weighted",
          course: .broken,
          ignoring: 1,
          .topKCrossEntropy(percent: 45, classWeights: weights)
        ),
        make(
          "several-terms",
          ignoring: 0,
          .crossEntropy(CrossEntropyOptions(labelSmoothing: 0.1)),
          .dice(region, squaredDenominator: true),
          .focal(gamma: 2, classWeights: weights),
          .tversky(RegionOptions(), TverskyOptions(exponent: 1.5))
        ),
        OperationCase("boundary-\(name)", [size, size], course: .smooth) {
          boundaryLoss($0[0], distances: $0[1])
        },
      ]
    }

  /// Three regions, of which the second lies within the first, of four classes.
  private static let regionLosses: [OperationCase] = {
    let size = [2, 3, 3, 2, 4]
    let reference = labels([2, 4, 3, 2, 4])
    let regions = RegionTable([[1, 2, 3], [2], [3]], classCount: 4)
    let bySample = RegionOptions(overBatch: false, smooth: 0.5)
    func make(
      _ kind: String,
      course: OperationCase.Course = .smooth,
      ignoring: Int32? = nil,
      _ terms: SegmentationTerm...
    ) -> OperationCase {
      OperationCase("region-\(kind)", [size], course: course) {
        regionLoss(
          $0[0],
          labels: reference,
          regions: regions,
          terms: terms.enumerated().map {
            WeightedSegmentationTerm($0.element, weight: 1 - 0.25 * Double($0.offset))
          },
          ignoring: ignoring
        )
      }
    }
    return [
      make("cross-entropy", ignoring: 3, .crossEntropy(CrossEntropyOptions())),
      make("dice", .dice(RegionOptions(), squaredDenominator: false)),
      make("dice-squared", ignoring: 1, .dice(bySample, squaredDenominator: true)),
      make("focal", ignoring: 0, .focal(gamma: 2, classWeights: nil)),
      make("focal-0", .focal(gamma: 0, classWeights: nil)),
      make("tversky-focal", .tversky(bySample, TverskyOptions(exponent: 0.75))),
      make("top-k", course: .broken, .topKCrossEntropy(percent: 30, classWeights: nil)),
      make(
        "several-terms",
        ignoring: 2,
        .crossEntropy(CrossEntropyOptions()),
        .dice(RegionOptions(), squaredDenominator: false),
        .tversky(RegionOptions(), TverskyOptions())
      ),
    ]
  }()

  /// Pairs at least 0.125 apart with steps of at most 0.0625: no kink is crossed.
  private static let apart: [OperationCase.Fill] = [.alternating, .alternating]

  private static let pointwiseLosses: [OperationCase] = [
    OperationCase("l1-loss", [[2, 3, 5, 4], [2, 3, 5, 4]], fills: apart, course: .smooth) {
      absoluteLoss($0[0], target: $0[1] * 0.5)
    },
    OperationCase("l2-loss", [[2, 3, 5, 4], [2, 3, 5, 4]], course: .smooth) {
      squaredLoss($0[0], target: $0[1])
    },
    OperationCase("smooth-l1-loss", [[2, 3, 5, 4], [2, 3, 5, 4]], course: .broken) {
      smoothAbsoluteLoss($0[0], target: $0[1], beta: 0.5)
    },
    OperationCase("huber-loss", [[2, 3, 5, 4], [2, 3, 5, 4]], course: .broken) {
      huberLoss($0[0], target: $0[1], delta: 1.5)
    },
    OperationCase("huber-loss-inside", [[2, 7], [2, 7]], fills: apart, course: .smooth) {
      huberLoss($0[0], target: $0[1] * 0.5, delta: 3)
    },
    OperationCase("charbonnier-loss", [[2, 3, 5, 4], [2, 3, 5, 4]], course: .smooth) {
      charbonnierLoss($0[0], target: $0[1], epsilon: 0.5)
    },
    OperationCase("binary-cross-entropy", [[2, 3, 5, 4], [2, 3, 5, 4]], course: .smooth) {
      binaryCrossEntropy($0[0], targets: $0[1])
    },
    OperationCase(
      "binary-cross-entropy-weighted",
      [[2, 3, 5, 4], [2, 3, 5, 4]],
      fills: [.normal, .positive],
      course: .smooth
    ) { binaryCrossEntropy($0[0], targets: $0[1] * 0.5, positiveWeight: 2.5) },
    OperationCase("binary-focal", [[2, 3, 5, 4]], course: .smooth) {
      let bits = Tensor((0..<120).map { Float($0 * 7 % 11 % 2) }, shape: [2, 3, 5, 4])
      return binaryFocalLoss($0[0], targets: bits)
    },
    OperationCase("binary-focal-other", [[2, 3, 5, 4]], course: .smooth) {
      let bits = Tensor((0..<120).map { Float($0 * 7 % 11 % 2) }, shape: [2, 3, 5, 4])
      return binaryFocalLoss($0[0], targets: bits, alpha: 0.5, gamma: 1.5)
    },
    OperationCase("hinge-loss", [[2, 9], [2, 9]], course: .broken) {
      hingeLoss($0[0], signs: $0[1])
    },
  ]

  private static let imageLosses: [OperationCase] = [
    OperationCase("ssim-2d", [[2, 2, 13, 14], [2, 2, 13, 14]], course: .smooth) {
      structuralSimilarityLoss($0[0], target: $0[1])
    },
    OperationCase("ssim-2d-offset", [[1, 1, 12, 15], [1, 1, 12, 15]], course: .smooth) {
      let offset = Tensor(repeating: 5, shape: $0[0].shape)
      return structuralSimilarity(
        $0[0] + offset,
        $0[1] + offset,
        options: StructuralSimilarityOptions(dataRange: 10)
      )
    },
    OperationCase("ssim-3d", [[1, 1, 11, 12, 13], [1, 1, 11, 12, 13]], course: .smooth) {
      structuralSimilarity($0[0], $0[1])
    },
    OperationCase("perceptual", [[1, 3, 4, 5]], course: .smooth) {
      let target = Tensor((0..<60).map { Float($0 * 7 % 11) / 8 - 0.5 }, shape: [1, 3, 4, 5])
      return PerceptualLoss(weights: [1, 0.5]) { [$0 * $0, softmax($0)] }($0[0], target: target)
    },
  ]

  private static let pairLosses: [OperationCase] = [
    OperationCase("info-nce", [[5, 7], [5, 7]], course: .smooth) {
      contrastiveLoss($0[0], keys: $0[1], temperature: 0.5)
    },
    OperationCase("info-nce-symmetric", [[5, 7], [5, 7]], course: .smooth) {
      contrastiveLoss($0[0], keys: $0[1], temperature: 0.7, isSymmetric: true)
    },
    OperationCase("nt-xent", [[4, 6], [4, 6]], course: .smooth) {
      normalizedTemperatureLoss($0[0], $0[1])
    },
    OperationCase("triplet", [[6, 5], [6, 5], [6, 5]], course: .broken) {
      tripletMarginLoss($0[0], positive: $0[1], negative: $0[2], margin: 0.5)
    },
    OperationCase("triplet-wide", [[6, 5], [6, 5], [6, 5]], course: .smooth) {
      tripletMarginLoss($0[0], positive: $0[1], negative: $0[2], margin: 9)
    },
  ]

  private static let sequenceLosses: [OperationCase] = [
    OperationCase("ctc", [[3, 5, 9]], course: .smooth) {
      sequenceLoss($0[0], labels: SequenceLabels([[1, 2, 3], [4, 4], [2]]))
    },
    OperationCase("ctc-lengths", [[3, 5, 9]], course: .smooth) {
      sequenceLoss(
        $0[0],
        labels: SequenceLabels([[1, 2, 2], [0], []], inputLengths: [7, 9, 4]),
        blank: 4
      )
    },
    OperationCase("ctc-impossible", [[2, 4, 3]], course: .smooth) {
      sequenceLoss(
        $0[0],
        labels: SequenceLabels([[1, 1, 1], [2]]),
        ignoresImpossible: true
      )
    },
  ]

  private static let adversarialLosses: [OperationCase] = AdversarialLoss.allCases.flatMap { game in
    [
      // Scores within ±1.25 meet the hinge's kinks at ±1.
      OperationCase(
        "adversarial-critic-\(game.rawValue)",
        [[3, 4], [3, 4]],
        course: game == .hinge ? .broken : .smooth
      ) { game.critic(real: $0[0], fake: $0[1]) },
      OperationCase("adversarial-generator-\(game.rawValue)", [[3, 4]], course: .smooth) {
        game.generator(fake: $0[0])
      },
    ]
  }

  /// A detector's loss on 21 cells, with two classes and five bins.
  ///
  /// A factor of the complete overlap counts as constant, so that differences disagree.
  private static let detectionLosses: [OperationCase] = {
    let grid = DetectionTargets.Grid(imageSize: [32, 32], strides: [8, 16, 32])
    let targets = DetectionTargets(
      positives: [
        .init(image: 0, cell: 5, label: 1, box: [3, 4, 20, 18], score: 0.7),
        .init(image: 0, cell: 17, label: 0, box: [14, 0, 32, 30], score: 0.4),
        .init(image: 1, cell: 20, label: 1, box: [1, 2, 30, 31], score: 0.9),
      ],
      ignored: [.init(image: 1, cell: 3), .init(image: 1, cell: 4)]
    )
    return [
      OperationCase("detection-loss", [[2, 22, 21]], course: .broken) {
        detectionLoss($0[0], targets: targets, grid: grid, bins: 5)
      },
      OperationCase("detection-loss-empty", [[2, 22, 21]], course: .smooth) {
        detectionLoss($0[0], targets: DetectionTargets(positives: []), grid: grid, bins: 5) * 0.01
      },
    ]
  }()
}
