import Evaluation
import Support

/// How well a detector finds the boxes of a data set.
public struct DetectionMeasurement: Sendable {
  /// One class's results.
  public struct ClassResult: Codable, Sendable, Equatable {
    /// The class's name.
    public let name: String
    /// True boxes that count.
    public let objects: Int
    /// Average precision at an intersection over union of 0.5; nil without true boxes.
    public let ap50: Double?
    /// Average precision, the mean over 0.5, 0.55, ..., 0.95.
    public let ap: Double?
    /// The score at which F1 (the harmonic mean of precision and recall at 0.5) is largest.
    public let bestScore: Double?
    /// Precision there.
    public let precision: Double?
    /// Recall there.
    public let recall: Double?
    /// Precision and recall at 0.5 by falling score, at most a hundred points.
    public let curve: [DetectionEvaluation.CurvePoint]
  }

  /// The results in numbers.
  public struct Summary: Codable, Sendable, Equatable {
    /// Version of this record.
    public private(set) var schema = "lamina.detection-evaluation/1"
    /// Pictures that were looked at.
    public let images: Int
    /// Mean average precision at an intersection over union of 0.5; nil without true boxes.
    public let map50: Double?
    /// Mean average precision over 0.5, 0.55, ..., 0.95, as COCO's.
    public let map: Double?
    /// The same of the masks' overlaps at 0.5; nil where the detector or the data set has no masks.
    public let maskMap50: Double?
    /// The same of the masks' overlaps over 0.5, 0.55, ..., 0.95.
    public let maskMap: Double?
    /// The classes.
    public let classes: [ClassResult]
    /// Pictures that could not be read.
    public let notes: [String]
    /// How well the boxes that slices join to are found; nil for pictures.
    public var volumes: VolumeDetectionMeasurement.Summary?
  }

  /// The results in numbers.
  public var summary: Summary
  /// What the numbers were made from.
  public let evaluation: DetectionEvaluation
  /// The findings of each picture, by its name.
  public let detections: [(id: String, found: [Detection])]

  private static let curvePoints = 100

  /// Runs a detector over a data set.
  /// - Parameters:
  ///   - detector: The detector.
  ///   - data: The data set, whose classes are the detector's.
  ///   - progress: Told about each picture.
  ///   - interruption: Looked at between pictures.
  /// - Throws: `RecognitionError.otherClasses` or `.infiniteScores`; `SupportError.interrupted`.
  public init(
    _ detector: Detector,
    on data: DetectionDataset,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws {
    guard detector.classes == data.classes else {
      throw RecognitionError.otherClasses(
        path: data.name,
        unknown: data.classes,
        known: detector.classes
      )
    }
    var (found, truths): ([DetectionEvaluation.Box], [DetectionEvaluation.Box]) = ([], [])
    var (masks, trueMasks): ([DetectionEvaluation.Box], [DetectionEvaluation.Box]) = ([], [])
    // An object without a mask could not be found by one.
    let hasMasks =
      detector.hasMasks
      && data.images.allSatisfy { $0.objects.allSatisfy { $0.kind != .counted || $0.mask != nil } }
    var (detections, notes): ([(id: String, found: [Detection])], [String]) = ([], [])
    var reader = SliceReader()
    progress.begin("detecting", total: data.images.count)
    for (number, image) in data.images.enumerated() {
      try interruption.check()
      let own: [Detection]
      do {
        own = try detector.detect(image, .evaluation, reader: &reader)
      } catch let error as any ClassifiedError where error.failure == .damagedInput {
        if error is RecognitionError { throw error }
        notes.append("\(image.id) was left out. \(error.description)")
        continue
      }
      detections.append((image.id, own))
      found += own.map { Self.box($0.box, image: number, label: $0.label, score: $0.score) }
      truths += image.objects.map { Self.box($0, image: number, mask: nil) }
      if hasMasks {
        masks += own.map {
          Self.box($0.box, image: number, label: $0.label, score: $0.score, mask: $0.mask)
        }
        trueMasks += image.objects.map { Self.box($0, image: number, mask: $0.mask) }
      }
      progress.update(number + 1, detail: nil)
    }
    progress.end()
    let evaluation = DetectionEvaluation(detections: found, truths: truths)
    let ofMasks = hasMasks ? DetectionEvaluation(detections: masks, truths: trueMasks) : nil
    self.evaluation = evaluation
    self.detections = detections
    let counted = truths.filter { $0.kind == .counted }
    summary = Summary(
      images: detections.count,
      map50: evaluation.meanAveragePrecision(thresholds: [0.5]),
      map: evaluation.meanAveragePrecision(),
      maskMap50: ofMasks?.meanAveragePrecision(thresholds: [0.5]),
      maskMap: ofMasks?.meanAveragePrecision(),
      classes: data.classes.enumerated().map { label, name in
        Self.result(
          evaluation,
          label: label,
          name: name,
          objects: counted.count { $0.label == label }
        )
      },
      notes: notes
    )
  }

  private static func box(
    _ object: DetectionDataset.Object,
    image: Int,
    mask: RunLengthMask?
  ) -> DetectionEvaluation.Box {
    let kind: DetectionEvaluation.Box.Kind =
      switch object.kind {
      case .counted: .counted
      case .difficult: .ignored
      case .crowd: .crowd
      }
    return box(object.box, image: image, label: object.label, score: 1, kind: kind, mask: mask)
  }

  private static func box(
    _ box: DetectionBox,
    image: Int,
    label: Int,
    score: Double,
    kind: DetectionEvaluation.Box.Kind = .counted,
    mask: RunLengthMask? = nil
  ) -> DetectionEvaluation.Box {
    DetectionEvaluation.Box(
      image: image,
      label: label,
      x: box.left,
      y: box.top,
      width: box.width,
      height: box.height,
      score: score,
      kind: kind,
      mask: mask
    )
  }

  private static func result(
    _ evaluation: DetectionEvaluation,
    label: Int,
    name: String,
    objects: Int
  ) -> ClassResult {
    let curve = evaluation.curve(label: label, threshold: 0.5) ?? []
    func harmonic(_ point: DetectionEvaluation.CurvePoint) -> Double {
      let sum = point.precision + point.recall
      return sum > 0 ? 2 * point.precision * point.recall / sum : 0
    }
    let best = curve.max { harmonic($0) < harmonic($1) }
    let values = DetectionEvaluation.thresholds.compactMap {
      evaluation.averagePrecision(label: label, threshold: $0)?.precision
    }
    let step = max(1, (curve.count + curvePoints - 1) / curvePoints)
    return ClassResult(
      name: name,
      objects: objects,
      ap50: values.first,
      ap: values.isEmpty ? nil : values.reduce(0, +) / Double(values.count),
      bestScore: best?.score,
      precision: best?.precision,
      recall: best?.recall,
      curve: stride(from: step - 1, to: curve.count, by: step).map { curve[$0] }
    )
  }
}
