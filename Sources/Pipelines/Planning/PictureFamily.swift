import Imaging
import Support

/// Trainings on pictures by the rules of `PicturePlanner`.
struct PictureFamily: PlanFamily {
  private let planner: PicturePlanner
  private let request: PlanRequest

  /// The fewest pieces of a step.
  private static let leastBatch = 4

  /// Looks at the sizes of a data set's pictures.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - request: What the plan must respect.
  /// - Throws: `PipelinesError.noInputs` when no picture can be read.
  init(dataset: SegmentationDataset, request: PlanRequest) throws {
    planner = try PicturePlanner(dataset)
    self.request = request
  }

  var candidates: [PlanCandidate] {
    let features =
      request.baseFeatures.map { [$0] }
      ?? Self.allFeatures.filter { $0 <= PicturePlanner.defaultFeatures }
    let batches =
      request.batchSize.map { [$0] }
      ?? Self.batches(from: PicturePlanner.defaultBatch, least: Self.leastBatch)
    return Self.reductions(features: features, batches: batches)
  }

  func probe(baseFeatures: Int) -> PlanCandidate {
    PlanCandidate(baseFeatures: baseFeatures, batchSize: 2)
  }

  func configuration(_ candidate: PlanCandidate) throws -> TrainingConfiguration {
    try planner.configuration(
      networkName: request.network,
      baseFeatures: candidate.baseFeatures,
      batchSize: candidate.batchSize
    )
  }
}
