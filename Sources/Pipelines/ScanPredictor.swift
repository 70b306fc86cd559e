import Imaging
import ImagingIO
import Support

/// The channels of one case, which share a grid.
package struct ScanChannels: Sendable {
  /// One volume for each channel, in the model's order; at least one.
  package let volumes: [AnyVolume]
  /// Voxels whose label is known beforehand, for methods that work from such; nil without any.
  package let seeds: LabelMap?

  /// Joins channels.
  /// - Parameters:
  ///   - volumes: At least one; all of the same size.
  ///   - seeds: Voxels whose label is known beforehand.
  package init(_ volumes: [AnyVolume], seeds: LabelMap? = nil) {
    precondition(
      !volumes.isEmpty && volumes.allSatisfy { $0.geometry.size == volumes[0].geometry.size },
      "channels of different sizes"
    )
    self.volumes = volumes
    self.seeds = seeds
  }

  /// The grid: that of the first channel.
  package var geometry: ImageGeometry { volumes[0].geometry }
}

/// What a prediction gives beside labels.
package struct PredictionOutputs: Sendable {
  /// Where class probabilities are written as they are found, or nil.
  package var probabilities: ProbabilitySink?

  /// What gathers the probabilities of the labels that win, or nil.
  ///
  /// Predictors that cannot tell them leave it empty.
  package var confidence: ConfidenceSums?

  /// What gathers what is odd about the scan, or nil.
  package var problems: PredictionProblems?

  package init(
    probabilities: ProbabilitySink? = nil,
    confidence: ConfidenceSums? = nil,
    problems: PredictionProblems? = nil
  ) {
    self.probabilities = probabilities
    self.confidence = confidence
    self.problems = problems
  }
}

/// A way from a scan to labels: preprocessing, networks, and back to the scan's grid.
package protocol ScanPredictor: Sendable {
  /// Segments one case.
  /// - Parameters:
  ///   - scan: The channels.
  ///   - outputs: What is wanted beside labels.
  ///   - progress: Told about each step.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: Labels on exactly the scan's grid.
  /// - Throws: `PipelinesError.unsuitableScan`, `ImagingError`, `SupportError.interrupted`.
  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap

  /// The predictions whose spread says how sure the labels are.
  /// - Parameter request: Which predictions.
  /// - Returns: At least one for `.every`, whose shares add up to 1; none where there are no such.
  func members(_ request: MemberRequest) -> [PredictionMember]
}
