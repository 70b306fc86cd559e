import Evaluation

/// How held-out cases are measured after a training.
enum HeldOutMetrics {
  /// What evaluates predictions of a data set's cases.
  /// - Parameter dataset: The data set.
  /// - Returns: Metrics of structures, or of objects where labels count them.
  /// - Throws: Never for keys of the catalogue.
  static func evaluator(for dataset: SegmentationDataset) throws -> Evaluator {
    try evaluator(
      for: dataset,
      metrics: dataset.countsObjects
        ? "dice,iou,lesionF1,lesionSensitivity,lesionFalsePositives,pq,sq,rq"
        : "dice,iou,hd95,assd"
    )
  }

  /// What evaluates predictions during a training: Dice alone, which takes little time.
  /// - Parameter dataset: The data set.
  /// - Returns: Dice of structures, or of all objects together where labels count them.
  /// - Throws: Never for keys of the catalogue.
  static func looks(for dataset: SegmentationDataset) throws -> Evaluator {
    try evaluator(for: dataset, metrics: "dice")
  }

  /// The regions of a data set as structures to evaluate.
  /// - Parameter dataset: The data set.
  /// - Returns: The structures; nil where labels exclude each other.
  /// - Throws: Never for regions of a data set that was read.
  static func regions(of dataset: SegmentationDataset) throws -> LabelSet? {
    dataset.regions.isEmpty
      ? nil
      : try LabelSet(
        dataset.regions.map { LabelSet.Structure(name: $0.name, ids: $0.labels) }
      )
  }

  private static func evaluator(
    for dataset: SegmentationDataset,
    metrics: String
  ) throws -> Evaluator {
    try Evaluator(
      metrics: Metric.parse(metrics, from: Metric.segmentation),
      labels: regions(of: dataset),
      ignoredReferenceLabel: dataset.ignoreLabel,
      objectName: dataset.countsObjects ? dataset.labels.first?.name : nil
    )
  }

  /// The metrics that a model's description and card show.
  /// - Parameter metrics: Those that were computed.
  /// - Returns: Keys: of objects where they were matched, else of structures.
  static func shown(among metrics: [Metric]) -> [String] {
    metrics.contains { $0.key == "pq" }
      ? ["pq", "sq", "rq", "lesionF1", "dice"] : ["dice", "hd95"]
  }
}
