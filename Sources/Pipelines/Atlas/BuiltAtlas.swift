import Evaluation
import Foundation
import Imaging
import ImagingIO
import Networks
import Support
import Transforms

/// An atlas made of a data set's label maps, and how well it does with a trained network.
public struct BuiltAtlas: Sendable {
  /// The content of the atlas's file.
  let data: Data
  /// What the model becomes with it.
  let plan: AtlasPlan
  /// The ids of the held-out maps.
  let heldOut: [String]
  /// Metrics of scans made from them, those of one map averaged first; nil when nothing was held out.
  let evaluation: EvaluationReport?

  /// Scans made from each held-out label map, of dark air and with the whole head in view.
  private static let copies = 2

  /// Makes an atlas of the maps that a network was trained on.
  /// - Parameters:
  ///   - outcome: The training, of a network of volumes on images made from label maps.
  ///   - dataset: The label maps.
  ///   - progress: Told about maps and scans.
  ///   - interruption: Looked at between them.
  /// - Throws: `PipelinesError.invalidPlan` for another kind of training; what reading throws.
  public init(
    _ outcome: SegmentationTrainer.Outcome,
    dataset: SegmentationDataset,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let configuration = outcome.configuration
    guard case .synthesis(let recipe) = configuration.samples,
      case .nnUNet(let locator) = configuration.plan
    else {
      throw PipelinesError.invalidPlan(
        reason: "an atlas needs a network of volumes, trained on images made from label maps"
      )
    }
    plan = AtlasPlan(locator: locator)
    // As whole scans are: the air dark, the head in the field of view.
    var scanned = recipe
    scanned.settings.darkBackgroundProbability = 1
    scanned.settings.elsewhereProbability = 0
    scanned.settings.cutProbability = 0
    let source = SynthesisMaps(recipe: scanned, labels: dataset.labels)
    let (maps, faults) = try source.read(
      dataset.cases,
      progress: progress,
      interruption: interruption
    )
    guard faults.isEmpty else {
      throw PipelinesError.faultyDataset(path: dataset.path, faults: faults)
    }
    let chosen = Set(outcome.trainingCases)
    let training = maps.filter { chosen.contains($0.id) }.map(\.map)
    let builder = AtlasBuilder(table: recipe.table)
    progress.begin(
      "making an atlas of \(training.count) maps",
      total: builder.stepCount(maps: training.count)
    )
    let exact = try builder.atlas(of: training, interruption: interruption) {
      progress.update($0, detail: nil)
    }
    progress.end()
    let bytes = try exact.encoded()
    data = try AtlasFile.data(of: bytes)
    // What is measured is what is stored.
    guard let atlas = ProbabilisticAtlas(encoded: bytes) else {
      preconditionFailure("an atlas that cannot be read again")
    }
    let unseen = maps.filter { !chosen.contains($0.id) }
    heldOut = unseen.map(\.id)
    guard !unseen.isEmpty else {
      evaluation = nil
      return
    }
    let predictor = AtlasPredictor(
      atlas: atlas,
      settings: plan.fitting,
      locator: configuration.plan.predictor(
        try PlannedNetwork(outcome.network),
        labels: dataset.labels
      ),
      locatorSpacingMM: locator.spacing.min() ?? 1,
      labels: dataset.labels
    )
    let evaluator = try HeldOutMetrics.evaluator(for: dataset)
    let total = unseen.count * Self.copies
    progress.begin("evaluating the atlas on \(total) scans", total: total)
    var results: [CaseEvaluation] = []
    var mapOf: [String: String] = [:]
    for (number, entry) in unseen.enumerated() {
      // One map at a time, for the memory; each with random numbers of its own.
      let seed = configuration.seed &+ UInt64(number)
      for scan in source.scans(of: [entry], copies: Self.copies, seed: seed) {
        let prediction = try predictor.predict(
          ScanChannels([.float32(scan.scan)]),
          outputs: PredictionOutputs(),
          progress: SilentProgress(),
          interruption: interruption
        )
        results.append(
          try evaluator.evaluate(
            prediction: prediction,
            reference: scan.labelMap,
            id: scan.id
          )
        )
        mapOf[scan.id] = entry.id
        progress.update(results.count, detail: nil)
      }
    }
    progress.end()
    evaluation = EvaluationReport(cases: results, evaluator: evaluator, patients: mapOf)
  }
}
