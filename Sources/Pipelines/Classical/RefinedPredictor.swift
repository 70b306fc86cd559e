internal import ClassicalSegmentation
import Imaging
import Support

/// Improves the labels of another predictor by the scan.
///
/// The first method gets class probabilities where the predictor gives some; they lie in a scratch file.
/// The labels are those that the predictor found; none is added.
struct RefinedPredictor: ScanPredictor {
  let base: any ScanPredictor
  let refinements: [any ClassicalRefinement]
  /// What the classes of the predictor's probabilities stand for; nil where there are none.
  let heads: NNUNetPlan.Heads?
  /// Whether labels count objects of one kind.
  let countsObjects: Bool
  let memoryLimit: Int?

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    var sink: ProbabilitySink?
    var classes: [UInt16: Int] = [:]
    if case .labels(let numbers) = heads, let first = refinements.first,
      type(of: first).usesProbabilities
    {
      sink = try ProbabilitySink()
      for (index, number) in numbers.enumerated() { classes[UInt16(number)] = index }
    }
    let found = try base.predict(
      scan,
      outputs: PredictionOutputs(probabilities: sink, problems: outputs.problems),
      progress: progress,
      interruption: interruption
    )
    let image = try ClassicalImage(scan.volumes[0].asFloat)
    var labels = found.labels
    for (index, method) in refinements.enumerated() {
      let prior =
        if index == 0, let sink {
          PriorLabels(labels) { [classes] in sink.probabilities(ofClass: classes[$0]) }
        } else {
          PriorLabels(labels, countsObjects: countsObjects)
        }
      try type(of: method).checkMemory(
        voxels: labels.count,
        type(of: method).classCount(of: prior),
        limit: memoryLimit
      )
      progress.begin("refining (\(type(of: method).name))", total: nil)
      defer { progress.end() }
      labels = try method.refined(prior, by: image, interruption: interruption)
    }
    return LabelMap(geometry: found.geometry, labels: labels, table: found.table)
  }
}

extension ProbabilitySink {
  /// The probabilities of one class at every voxel; 0 for a class that the sink does not have.
  fileprivate func probabilities(ofClass index: Int?) -> [Float] {
    let voxels = size.dropFirst().reduce(1, *)
    guard let index else { return [Float](repeating: 0, count: voxels) }
    return withValues { Array($0[index * voxels..<(index + 1) * voxels]) }
  }
}
