import Evaluation

/// How held-out cases are measured after a training.
enum HeldOutMetrics {
  /// What evaluates predictions of a data set's cases.
  /// - Parameter dataset: The data set.
  /// - Returns: Metrics of structures, or of objects where labels count them.
  /// - Throws: Never for keys of the catalogue.
  static func evaluator(for dataset: SegmentationDataset) throws -> Evaluator {
    let counts = dataset.countsObjects
    return try Evaluator(
      metrics: Metric.parse(
        counts
          ? "dice,iou,lesionF1,lesionSensitivity,lesionFalsePositives,pq,sq,rq"
          : "dice,iou,hd95,assd",
        from: Metric.segmentation
      ),
      ignoredReferenceLabel: dataset.ignoreLabel,
      objectName: counts ? dataset.labels.first?.name : nil
    )
  }

  /// The metrics that a model's description and card show.
  /// - Parameter dataset: The data set.
  /// - Returns: Keys of the catalogue.
  static func shown(for dataset: SegmentationDataset) -> [String] {
    dataset.countsObjects ? ["pq", "sq", "rq", "lesionF1", "dice"] : ["dice", "hd95"]
  }
}
