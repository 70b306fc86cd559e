import Imaging
import Support

/// Compares predictions with references: the metrics, the empty-mask policy and the structures.
public struct Evaluator: Sendable {
  /// The metrics to compute, in the order of the catalogue.
  public let metrics: [Metric]
  /// What empty masks mean.
  public let emptyPolicy: EmptyPolicy
  /// The structures of the prediction; nil for every label of either table or map.
  public let labels: LabelSet?
  /// The structures of the reference where it counts otherwise, matched by name.
  public let referenceLabels: LabelSet?
  /// The tolerance of surface Dice and boundary IoU, mm.
  public let toleranceMM: Double
  /// The tolerances of structures, by name, that have one of their own, mm.
  public let tolerances: [String: Double]
  /// Voxels of this reference label are left out of everything.
  public let ignoredReferenceLabel: Int?
  /// What the labels count, such as "nucleus"; nil when they are structures.
  ///
  /// Then all labels together are one structure, whose lesions are the labelled objects, also where they
  /// touch; `labels` and `referenceLabels` are nil.
  public let objectName: String?

  /// The tolerance of surface Dice when none is given, mm.
  public static let defaultToleranceMM = 1.0

  /// Creates an evaluator.
  /// - Parameters:
  ///   - metrics: The metrics to compute; those of images are left out for label maps and the
  ///     other way round.
  ///   - emptyPolicy: What empty masks mean.
  ///   - labels: The structures of the prediction; nil for every label of either table or map.
  ///   - referenceLabels: The structures of the reference where it counts otherwise.
  ///   - toleranceMM: The tolerance of surface Dice and boundary IoU, mm.
  ///   - tolerances: The tolerances of structures, by name, that have one of their own, mm.
  ///   - ignoredReferenceLabel: Voxels of this reference label are left out of everything.
  ///   - objectName: What the labels count, or nil when they are structures.
  /// - Precondition: Labels that count objects are not named.
  /// - Throws: `EvaluationError.missingReferenceLabel` when the reference's structures lack a name;
  ///   `.invalidTolerance` for a negative one.
  public init(
    metrics: [Metric] = Metric.all,
    emptyPolicy: EmptyPolicy = .lamina,
    labels: LabelSet? = nil,
    referenceLabels: LabelSet? = nil,
    toleranceMM: Double = defaultToleranceMM,
    tolerances: [String: Double] = [:],
    ignoredReferenceLabel: Int? = nil,
    objectName: String? = nil
  ) throws(EvaluationError) {
    precondition(
      objectName == nil || (labels == nil && referenceLabels == nil),
      "labels that count objects have names"
    )
    for tolerance in [toleranceMM] + tolerances.sorted(by: { $0.key < $1.key }).map(\.value) {
      guard tolerance.isFinite, tolerance >= 0 else { throw .invalidTolerance(tolerance) }
    }
    if let labels, let referenceLabels {
      let known = Set(referenceLabels.structures.map(\.name))
      for structure in labels.structures where !known.contains(structure.name) {
        throw .missingReferenceLabel(name: structure.name)
      }
    }
    self.metrics = metrics
    self.emptyPolicy = emptyPolicy
    self.labels = labels
    self.referenceLabels = referenceLabels
    self.toleranceMM = toleranceMM
    self.tolerances = tolerances
    self.ignoredReferenceLabel = ignoredReferenceLabel
    self.objectName = objectName
  }

  /// Compares two label maps.
  /// - Parameters:
  ///   - prediction: The map to judge.
  ///   - reference: The map taken as true, on the same grid.
  ///   - id: The case's name.
  ///   - predictionSource: Where the prediction came from.
  ///   - referenceSource: Where the reference came from.
  /// - Returns: The metrics of every structure.
  /// - Throws: `EvaluationError.gridMismatch` when the grids differ.
  public func evaluate(
    prediction: LabelMap,
    reference: LabelMap,
    id: String,
    predictionSource: String = "",
    referenceSource: String = ""
  ) throws(EvaluationError) -> CaseEvaluation {
    if let difference = prediction.geometry.difference(from: reference.geometry) {
      throw .gridMismatch(caseID: id, reason: difference)
    }
    let joint = JointCounts(
      prediction: prediction.labels,
      reference: reference.labels,
      ignoredReference: ignoredReferenceLabel
    )
    let structures = pairs(prediction, reference, joint)
    let counts = structures.map {
      joint.counts(predictionIDs: $0.prediction, referenceIDs: $0.reference)
    }
    var problems = unnamedLabels(joint, structures)
    for (structure, counts) in zip(structures, counts) {
      switch counts.emptyState {
      case .prediction: problems.append("label \(structure.key) (\(structure.name)): missed")
      case .reference: problems.append("label \(structure.key) (\(structure.name)): false alarm")
      case .both, .neither: break
      }
    }
    let found = values(of: structures, counts, prediction, reference)
    let evaluations = structures.indices.map { index in
      LabelEvaluation(
        key: structures[index].key,
        name: structures[index].name,
        values: found[index],
        state: StructureState(counts[index].emptyState)
      )
    }
    return CaseEvaluation(
      id: id,
      prediction: predictionSource,
      reference: referenceSource,
      labels: evaluations,
      problems: problems
    )
  }

  /// Compares two images.
  /// - Parameters:
  ///   - prediction: The image to judge.
  ///   - reference: The image taken as true, on the same grid.
  ///   - dataRange: The range of the true values, such as 255; PSNR is undefined without it.
  ///   - mask: Errors are over the voxels with a label; similarities are undefined. Nil for the whole
  ///     image.
  ///   - id: The case's name.
  ///   - predictionSource: Where the prediction came from.
  ///   - referenceSource: Where the reference came from.
  /// - Returns: The metrics under the key "image".
  /// - Throws: `EvaluationError.gridMismatch` when the grids differ, `.maskMismatch` when the
  ///   mask's does; `.invalidDataRange` for a range that is not positive and finite.
  public func evaluateImages(
    prediction: Volume<Float>,
    reference: Volume<Float>,
    dataRange: Double?,
    mask: LabelMap? = nil,
    id: String,
    predictionSource: String = "",
    referenceSource: String = ""
  ) throws(EvaluationError) -> CaseEvaluation {
    if let dataRange, !dataRange.isFinite || dataRange <= 0 { throw .invalidDataRange(dataRange) }
    if let difference = prediction.geometry.difference(from: reference.geometry) {
      throw .gridMismatch(caseID: id, reason: difference)
    }
    if let difference = mask?.geometry.difference(from: reference.geometry) {
      throw .maskMismatch(caseID: id, reason: difference)
    }
    let pair = ImagePair(
      prediction.voxels,
      reference.voxels,
      size: reference.geometry.size,
      dataRange: dataRange,
      mask: mask?.labels
    )
    var values: [String: MetricValue] = [:]
    for metric in metrics {
      if case .images(let evaluate) = metric.computation { values[metric.key] = evaluate(pair) }
    }
    return CaseEvaluation(
      id: id,
      prediction: predictionSource,
      reference: referenceSource,
      labels: [
        LabelEvaluation(
          key: Self.imageKey,
          name: Self.imageName(masked: mask != nil),
          values: values
        )
      ],
      problems: []
    )
  }

  /// The key under which the metrics of images stand.
  public static let imageKey = "image"

  /// What the metrics of images are over, in words.
  /// - Parameter masked: Whether only voxels of a mask count.
  /// - Returns: A name for reports.
  public static func imageName(masked: Bool) -> String {
    masked ? "image within the mask" : "whole image"
  }

  /// The values of a structure that is in neither map of a case.
  func valuesOfAbsentStructure() -> [String: MetricValue] {
    values(
      of: MaskPair(
        counts: ConfusionCounts(
          truePositives: 0,
          falsePositives: 0,
          falseNegatives: 0,
          trueNegatives: 1
        ),
        voxelVolumeML: 0,
        diagonalMM: 0,
        policy: emptyPolicy,
        toleranceMM: toleranceMM
      )
    )
  }

  func values(of pair: MaskPair) -> [String: MetricValue] {
    var values: [String: MetricValue] = [:]
    for metric in metrics {
      if case .masks(_, let evaluate) = metric.computation { values[metric.key] = evaluate(pair) }
    }
    return values
  }

  /// A structure's labels in both maps.
  struct StructurePair: Sendable {
    let key: String
    let name: String
    let prediction: Set<Int>
    let reference: Set<Int>
  }

  private func pairs(
    _ prediction: LabelMap,
    _ reference: LabelMap,
    _ joint: JointCounts
  ) -> [StructurePair] {
    let occurring = Set(joint.predictionLabels + joint.referenceLabels)
      .subtracting([ignoredReferenceLabel].compactMap(\.self))
    if let objectName {
      // A predicted object may bear the number that the reference ignores.
      return [
        StructurePair(
          key: "1",
          name: objectName,
          prediction: Set(joint.predictionLabels).subtracting([0]),
          reference: Set(joint.referenceLabels).intersection(occurring).subtracting([0])
        )
      ]
    }
    let chosen =
      labels ?? LabelSet.union(of: [reference.table, prediction.table], occurring: occurring)
    let referenceIDs = Dictionary(
      uniqueKeysWithValues: (referenceLabels?.structures ?? []).map { ($0.name, $0.ids) }
    )
    return (chosen?.structures ?? []).map { structure in
      StructurePair(
        key: structure.key,
        name: structure.name,
        prediction: Set(structure.ids),
        reference: Set(referenceIDs[structure.name] ?? structure.ids)
      )
    }
  }

  /// Labels that occur but belong to no structure count as background, which must not go unseen.
  private func unnamedLabels(_ joint: JointCounts, _ structures: [StructurePair]) -> [String] {
    let known = (
      prediction: structures.reduce(into: Set<Int>()) { $0.formUnion($1.prediction) },
      reference: structures.reduce(into: Set<Int>()) { $0.formUnion($1.reference) }
    )
    func line(_ ids: [Int], _ map: String) -> [String] {
      guard !ids.isEmpty else { return [] }
      let list = ids.prefix(10).map(String.init).joined(separator: ", ")
      let more = ids.count > 10 ? " and \(ids.count - 10) more" : ""
      return ["labels \(list)\(more) of the \(map) belong to no structure and count as background"]
    }
    return line(joint.predictionLabels.filter { !known.prediction.contains($0) }, "prediction")
      + line(joint.referenceLabels.filter { !known.reference.contains($0) }, "reference")
  }
}
