import Imaging
import Support
import Synchronization

extension Evaluator {
  /// A structure whose box has fewer voxels is evaluated by one thread, beside others of its kind;
  /// larger ones come one after another and use all threads each.
  private static let smallBox = 1 << 21

  /// The tolerance of a structure, mm.
  /// - Parameter name: The structure's name.
  /// - Returns: Its own tolerance or the common one.
  public func tolerance(of name: String) -> Double { tolerances[name] ?? toleranceMM }

  /// The values of structures, each from a box around its two masks; nothing of the whole grid's
  /// size is made.
  func values(
    of structures: [StructurePair],
    _ counts: [ConfusionCounts],
    _ prediction: LabelMap,
    _ reference: LabelMap
  ) -> [[String: MetricValue]] {
    let needs = metrics.reduce(into: MaskNeeds()) { $0.formUnion($1.needs) }
    let boxes =
      needs.isEmpty
      ? (prediction: [:], reference: [:])
      : (prediction: LabelBox.boxes(of: prediction), reference: LabelBox.boxes(of: reference))
    let common = structures.map { structure in
      (structure.prediction.compactMap { boxes.prediction[$0] }
        + structure.reference.compactMap { boxes.reference[$0] })
        .reduce(nil as LabelBox?) { $0?.union($1) ?? $1 }
    }
    let objects =
      objectName != nil && needs.contains(.lesions)
      ? LesionMatching(
        objects: prediction.labels,
        reference: reference.labels,
        ignored: ignoredReferenceLabel,
        voxelML: reference.geometry.voxelVolumeML
      ) : nil
    let found = Mutex<[Int: [String: MetricValue]]>([:])
    @Sendable func evaluate(_ index: Int) {
      let structure = structures[index]
      let masks = common[index].map {
        CroppedMasks(
          prediction: prediction,
          reference: reference,
          predictionIDs: structure.prediction,
          referenceIDs: structure.reference,
          ignored: ignoredReferenceLabel.map { UInt16(clamping: $0) },
          box: $0
        )
      }
      let pair = MaskPair(
        counts: counts[index],
        voxelVolumeML: reference.geometry.voxelVolumeML,
        diagonalMM: reference.geometry.diagonalMM,
        policy: emptyPolicy,
        toleranceMM: tolerance(of: structure.name),
        masks: masks,
        needs: needs,
        objects: objects
      )
      let values = values(of: pair)
      found.withLock { $0[index] = values }
    }
    func isSmall(_ index: Int) -> Bool { (common[index]?.count ?? 0) < Self.smallBox }
    let small = structures.indices.filter(isSmall)
    if small.count == 1 {
      evaluate(small[0])
    } else {
      Parallelism.forEach(small.count) { at in
        Parallelism.$threadCount.withValue(1) { evaluate(small[at]) }
      }
    }
    for index in structures.indices where !isSmall(index) { evaluate(index) }
    return found.withLock { found in structures.indices.map { found[$0] ?? [:] } }
  }
}
