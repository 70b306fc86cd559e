import Imaging
import ImagingIO
import Support

extension SegmentationRun {
  /// Segments a scan in memory, such as one before and after it was improved.
  /// - Parameters:
  ///   - scan: The scan's only channel.
  ///   - target: The grid of the labels, over the same field of view.
  ///   - problems: What was odd about the scan's file.
  ///   - path: The scan's name for messages.
  /// - Returns: Labels on exactly the target grid.
  /// - Throws: `PipelinesError.unsuitableScan` when the model takes several channels or pictures, or the
  ///   scan has no orientation; `SupportError.interrupted`.
  package func labelMap(
    of scan: Volume<Float>,
    onto target: ImageGeometry,
    problems: [InputProblem],
    path: String
  ) throws -> LabelMap {
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw PipelinesError.unsuitableScan(path: path, reason: reason) }
    }
    try require(
      source.channels == 1 && source.kind == .scan && !scan.geometry.isPlanar,
      "only scans of one channel can be segmented before and after"
    )
    // Images without a place in the patient must not get a segmentation that pretends to one.
    try require(
      Set(problems.map(\.code)).isDisjoint(with: ["no-orientation", "no-patient-geometry"]),
      "it has no orientation in the patient, which the segmentation needs"
    )
    let labels = try predictor.predict(
      ScanChannels([.float32(scan)]),
      outputs: PredictionOutputs(),
      progress: progress,
      interruption: interruption
    )
    return try postprocessed(labels).gathered(onto: target)
  }

  /// What a run gives of a prediction: cleaned by the model's rule, and only the structures asked for.
  /// - Parameter labelMap: The prediction.
  /// - Returns: Labels on the same grid.
  /// - Throws: `PipelinesError.unknownStructure`.
  func postprocessed(_ labelMap: LabelMap) throws -> LabelMap {
    var result = labelMap
    if options.postprocesses, !source.clearsPieces {
      result = source.postprocessing?.applied(to: result) ?? result.keepingLargestComponent()
    }
    // Objects are all of the one structure that there is.
    guard let names = options.structures, source.objectName == nil else { return result }
    // Classes of seeds are known only now.
    let known = labelMap.table.map(\.name)
    for name in names where !known.contains(name) {
      throw PipelinesError.unknownStructure(name: name, known: known)
    }
    let kept = result.table.filter { names.contains($0.name) }
    let ids = Set(kept.map { UInt16($0.id) })
    return LabelMap(
      geometry: result.geometry,
      labels: result.labels.map { ids.contains($0) ? $0 : 0 },
      table: kept
    )
  }
}
