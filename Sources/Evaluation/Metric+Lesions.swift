extension Metric {
  /// Lesion by lesion: connected components of the masks (26 neighbours), or objects where labels count
  /// them (`Evaluator.objectName`).
  static let lesionWise: [Metric] = [
    lesion(
      "lesionF1",
      "Lesion F1",
      "2 TP / (2 TP + FP + FN): TP are reference lesions of which any voxel is predicted, FN the other "
        + "reference lesions, FP predicted lesions without a voxel of the reference (the rule of the "
        + "ISLES 2022 challenge). Empty masks by the policy.",
      { .value($0.detectionF1) }
    ),
    mask(
      "lesionSensitivity",
      "Lesion sensitivity",
      better: .higher,
      needs: .lesions,
      "The share of reference lesions of which any voxel is predicted; undefined when the reference "
        + "is empty."
    ) { pair in
      .ratio(
        Double(pair.lesions?.found ?? 0),
        Double(pair.lesions?.referenced ?? 0),
        otherwise: "the reference is empty"
      )
    },
    mask(
      "lesionFalsePositives",
      "False lesions",
      better: .lower,
      range: 0...(.infinity),
      needs: .lesions,
      "The number of predicted lesions without a voxel of the reference; 0 when the prediction is "
        + "empty, under every policy, so that scans without lesions count."
    ) { .value(Double($0.lesions?.falseAlarms ?? 0)) },
    lesion(
      "pq",
      "Panoptic quality",
      "rq times sq (Kirillov et al. 2019), as panoptica's with its naive matching; empty masks by the "
        + "policy, 0 without a match.",
      { .value($0.recognitionQuality * ($0.segmentationQuality ?? 0)) }
    ),
    mask(
      "sq",
      "Segmentation quality",
      better: .higher,
      needs: .lesions,
      "The mean intersection over union of matched lesions, pairs of at least one half; undefined "
        + "without a match."
    ) { pair in
      guard let quality = pair.lesions?.segmentationQuality else {
        return .undefined(reason: "no lesions match")
      }
      return .value(quality)
    },
    lesion(
      "rq",
      "Recognition quality",
      "2 TP / (2 TP + FP + FN) of matched lesions, pairs whose intersection over union is at least one "
        + "half; empty masks by the policy.",
      { .value($0.recognitionQuality) }
    ),
  ]

  /// Detection of lesions by their size, since large ones outweigh the others in overlaps.
  static let lesionsBySize: [Metric] = LesionSize.allCases.flatMap { size in
    [
      mask(
        "lesionSensitivity" + size.suffix,
        "Lesion sensitivity, \(size.text)",
        better: .higher,
        needs: .lesions,
        "The share of reference lesions of \(size.text) of which any voxel is predicted; undefined "
          + "when the reference has none of this size."
      ) { pair in
        let found = pair.lesions?.bySize[size] ?? LesionMatching.Detected()
        return .ratio(
          Double(found.found),
          Double(found.referenced),
          otherwise: "the reference has no lesion of \(size.text)"
        )
      },
      mask(
        "lesionFalsePositives" + size.suffix,
        "False lesions, \(size.text)",
        better: .lower,
        range: 0...(.infinity),
        needs: .lesions,
        "The number of predicted lesions of \(size.text) without a voxel of the reference; 0 when the "
          + "prediction is empty, under every policy."
      ) { .value(Double($0.lesions?.bySize[size]?.falseAlarms ?? 0)) },
    ]
  }

  private static func lesion(
    _ key: String,
    _ name: String,
    _ definition: String,
    _ evaluate: @escaping @Sendable (LesionMatching) -> MetricValue
  ) -> Metric {
    mask(key, name, better: .higher, needs: .lesions, definition) { pair in
      if let value = pair.policy.overlap(pair.counts.emptyState) { return value }
      guard let lesions = pair.lesions else { return .undefined(reason: "no lesions") }
      return evaluate(lesions)
    }
  }
}
