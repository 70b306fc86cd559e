import Evaluation
import Foundation
import Imaging
import ImagingIO
import Support

/// Evaluates paired cases; one that fails never stops the others.
public struct EvaluationRun: Sendable {
  /// What is compared.
  public enum Content: Sendable, Equatable {
    /// Label maps.
    case labelMaps
    /// Images, whose true values span `dataRange` when that is known.
    case images(dataRange: Double?)
  }

  /// The metrics and their conventions.
  public let evaluator: Evaluator
  /// What is compared.
  public let content: Content
  /// Whether a label map on another grid is brought onto the reference's, by nearest neighbour.
  public let resamplesPrediction: Bool

  /// Creates a run.
  /// - Parameters:
  ///   - evaluator: The metrics and their conventions.
  ///   - content: What is compared.
  ///   - resamplesPrediction: Whether a label map on another grid is brought onto the reference's.
  public init(
    evaluator: Evaluator,
    content: Content = .labelMaps,
    resamplesPrediction: Bool = false
  ) {
    self.evaluator = evaluator
    self.content = content
    self.resamplesPrediction = resamplesPrediction
  }

  /// Evaluates every pair.
  /// - Parameters:
  ///   - pairing: The cases; those without a partner are reported as failed.
  ///   - progress: Told about each case.
  ///   - interruption: Stops between cases.
  /// - Returns: The evaluation, and how many cases failed.
  /// - Throws: `SupportError.interrupted`; the error of the only case, when there is just one.
  public func evaluate(
    _ pairing: CasePairing,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (report: EvaluationReport, failedCount: Int) {
    var done: [CaseEvaluation] = []
    var failed = pairing.unpaired.map {
      CaseEvaluation(id: $0.id, prediction: "", reference: "", labels: [], problems: [$0.problem])
    }
    progress.begin("evaluating", total: pairing.pairs.count)
    for (index, pair) in pairing.pairs.enumerated() {
      try interruption.check()
      do {
        done.append(try evaluate(pair))
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        if pairing.pairs.count == 1, pairing.unpaired.isEmpty { throw error }
        progress.warn("\(pair.id): \(error)")
        failed.append(
          CaseEvaluation(
            id: pair.id,
            prediction: pair.prediction,
            reference: pair.reference,
            labels: [],
            problems: [error.description]
          )
        )
      }
      progress.update(index + 1, detail: pair.id)
    }
    progress.end()
    let report = EvaluationReport(cases: done, evaluator: evaluator).adding(failed: failed)
    return (report, failed.count)
  }

  private func evaluate(_ pair: CasePair) throws -> CaseEvaluation {
    switch content {
    case .labelMaps:
      var prediction = try Self.labelMap(pair.prediction)
      let reference = try Self.labelMap(pair.reference)
      if resamplesPrediction, prediction.geometry.difference(from: reference.geometry) != nil {
        prediction = prediction.resampled(to: reference.geometry)
      }
      return try evaluator.evaluate(
        prediction: prediction,
        reference: reference,
        id: pair.id,
        predictionSource: pair.prediction,
        referenceSource: pair.reference
      )
    case .images(let dataRange):
      let prediction = try ImageFormats.read(pair.prediction).volume.asFloat
      let reference = try ImageFormats.read(pair.reference).volume.asFloat
      return try evaluator.evaluateImages(
        prediction: prediction,
        reference: reference,
        dataRange: dataRange,
        id: pair.id,
        predictionSource: pair.prediction,
        referenceSource: pair.reference
      )
    }
  }

  /// A label map with the names of the `labels.json` beside it, if one is there.
  private static func labelMap(_ path: String) throws -> LabelMap {
    let volume = try ImageFormats.read(path).volume
    let names = URL(fileURLWithPath: path).deletingLastPathComponent()
      .appendingPathComponent("labels.json").path
    return try NIfTIReader.labelMap(from: volume, table: LabelTableFile.read(names), path: path)
  }
}
