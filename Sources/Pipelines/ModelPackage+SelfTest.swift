import Foundation
import Networks
import Support

extension ModelPackage {
  /// Measures the self-test anew on a labelled data set and stores it in `model.json`.
  ///
  /// Scans that the model never saw are compared, as far as the data set has those that the
  /// description names; 8-bit integers find their scales on others.
  /// - Parameters:
  ///   - dataset: The data set that the model was trained on, or one like it.
  ///   - progress: Told about scans.
  ///   - interruption: Looked at between groups of slices.
  /// - Returns: The package with its self-test.
  /// - Throws: What reading and prediction throw; `SupportError.unwritable`.
  public func storingSelfTest(
    measuredOn dataset: SegmentationDataset,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> ModelPackage {
    let network = try makeNetwork()
    let (check, loaded) = try DatasetCheck.run(
      dataset,
      progress: progress,
      interruption: interruption
    )
    guard check.faults.isEmpty else {
      throw PipelinesError.faultyDataset(path: dataset.path, faults: check.faults)
    }
    let unseen = Set(description.provenance.heldOut)
    let heldOut = loaded.filter { unseen.contains($0.id) }
    let candidates = heldOut.isEmpty ? loaded : heldOut
    let compared = candidates.prefix(ModelSelfTest.scanCount(candidates.map(\.channels)))
    let classes = description.plan.classes(description.labels)
    let examples = loaded.filter { !unseen.contains($0.id) }.prefix(ModelSelfTest.scanLimit)
    var complete = description
    complete.selfTest = try ModelSelfTest.measure(
      network,
      single: PlannedNetwork(network),
      patches: description.testPatches,
      labels: classes,
      scans: compared.map(\.channels),
      examples: examples.map(\.channels),
      source: "\(compared.count) \(heldOut.isEmpty ? "" : "held-out ")"
        + (compared.count == 1 ? "scan" : "scans") + " of \(dataset.name)",
      interruption: interruption
    ) { network in
      // One object more would shift the numbers of all later ones; classes are compared.
      if case .slices = description.plan {
        return description.plan.withoutSeparation.predictor(network, labels: classes)
      }
      return try predictor(planned: network, options: SegmentationRun.Options())
    }
    try ModelPackage.writeDescription(complete, to: path)
    return try ModelPackage(path: path)
  }
}
