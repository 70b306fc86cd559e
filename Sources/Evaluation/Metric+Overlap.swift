extension Metric {
  /// Overlap of two masks, from counts of voxels.
  static let overlap: [Metric] = [
    mask(
      "dice",
      "Dice",
      better: .higher,
      "2 TP / (2 TP + FP + FN), over the voxels of one case (Dice 1945); empty masks by the policy."
    ) { pair in
      let (tp, fp, fn, _) = pair.parts
      return pair.policy.overlap(pair.counts.emptyState)
        ?? .value(2 * tp / (2 * tp + fp + fn))
    },
    mask(
      "iou",
      "IoU",
      better: .higher,
      "Intersection over union (Jaccard 1912): TP / (TP + FP + FN); empty masks by the policy."
    ) { pair in
      let (tp, fp, fn, _) = pair.parts
      return pair.policy.overlap(pair.counts.emptyState, bothEmptyIsOne: false)
        ?? .value(tp / (tp + fp + fn))
    },
    mask(
      "sensitivity",
      "Sensitivity",
      better: .higher,
      "TP / (TP + FN), also called recall; undefined when the reference is empty."
    ) { pair in
      let (tp, _, fn, _) = pair.parts
      return .ratio(tp, tp + fn, otherwise: "the reference is empty")
    },
    mask(
      "precision",
      "Precision",
      better: .higher,
      "TP / (TP + FP), the positive predictive value; undefined when the prediction is empty."
    ) { pair in
      let (tp, fp, _, _) = pair.parts
      return .ratio(tp, tp + fp, otherwise: "the prediction is empty")
    },
    mask(
      "specificity",
      "Specificity",
      better: .higher,
      "TN / (TN + FP) over the whole grid; undefined when the reference fills the grid. Near 1 "
        + "whenever the structure is small."
    ) { pair in
      let (_, fp, _, tn) = pair.parts
      return .ratio(tn, tn + fp, otherwise: "the reference fills the grid")
    },
    mask(
      "volumeSimilarity",
      "Volume similarity",
      better: .higher,
      "1 - |FN - FP| / (2 TP + FP + FN) (Taha and Hanbury 2015): compares sizes, not places; empty "
        + "masks by the policy."
    ) { pair in
      let (tp, fp, fn, _) = pair.parts
      return pair.policy.overlap(pair.counts.emptyState, bothEmptyIsOne: false)
        ?? .value(1 - abs(fn - fp) / (2 * tp + fp + fn))
    },
  ]

  /// Volumes of the masks.
  static let volume: [Metric] = [
    mask(
      "relativeVolumeDifference",
      "Relative volume difference",
      better: .closerToZero,
      range: -1...(.infinity),
      "(prediction - reference) / reference, of the volumes; undefined when the reference is empty."
    ) { pair in
      .ratio(
        Double(pair.counts.prediction - pair.counts.reference),
        Double(pair.counts.reference),
        otherwise: "the reference is empty"
      )
    },
    mask(
      "volumePredictionML",
      "Predicted volume",
      unit: "ml",
      better: .neither,
      range: 0...(.infinity),
      "Voxels of the predicted mask times the volume of a voxel."
    ) { .value(Double($0.counts.prediction) * $0.voxelVolumeML) },
    mask(
      "volumeReferenceML",
      "Reference volume",
      unit: "ml",
      better: .neither,
      range: 0...(.infinity),
      "Voxels of the reference mask times the volume of a voxel."
    ) { .value(Double($0.counts.reference) * $0.voxelVolumeML) },
  ]

  static func mask(
    _ key: String,
    _ name: String,
    unit: String = "",
    better: Better,
    range: ClosedRange<Double> = 0...1,
    needs: MaskNeeds = [],
    _ definition: String,
    _ evaluate: @escaping @Sendable (MaskPair) -> MetricValue
  ) -> Metric {
    Metric(
      key: key,
      name: name,
      unit: unit,
      better: better,
      range: range,
      definition: definition,
      computation: .masks(needs: needs, evaluate)
    )
  }
}

extension MaskPair {
  /// TP, FP, FN and TN as numbers.
  fileprivate var parts: (Double, Double, Double, Double) {
    (
      Double(counts.truePositives), Double(counts.falsePositives),
      Double(counts.falseNegatives), Double(counts.trueNegatives)
    )
  }
}
