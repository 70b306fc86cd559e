import Evaluation
import Foundation
import Imaging
import Networks
import Support
import Tensors

/// Watches a training: measures the averaged weights on held-out cases now and then, and tells of
/// trouble.
///
/// It draws no random number and changes no weight, so that a run ends the same with and without it.
struct TrainingMonitor {
  /// Held-out cases; none is looked at when it is empty.
  let heldOut: [DatasetCheck.LoadedCase]
  /// What the cases' numbers mean.
  let dataset: SegmentationDataset
  /// Whether a slice of a held-out scan is kept with what the network makes of it.
  let keepsPictures: Bool
  let progress: any ProgressReporter
  let interruption: Interruption

  /// Looks at held-out cases may take so large a part of the training's time.
  let timeShare: Double
  /// The most cases of a look, and the most looks.
  private static let (mostCases, mostLooks) = (4, 40)
  /// As many cases are taken as allow for so many looks.
  private static let wantedLooks = 10.0

  /// Looks and warns after an epoch.
  /// - Parameter state: The run; its journal is written.
  /// - Returns: Whether held-out cases were looked at.
  /// - Throws: What prediction throws.
  func review(_ state: inout TrainingState) throws -> Bool {
    let looks: Bool
    do {
      looks = try look(&state)
    } catch SupportError.interrupted {
      // The trainer asks before the next step, and all processes stop together.
      looks = false
    } catch let error as PipelinesError {
      // An early network may find too many objects, or scores beyond all numbers; training goes on.
      progress.warn("Held-out cases could not be looked at: \(error.description)")
      looks = false
    }
    let watch = TroubleWatch(
      labels: dataset.mapLabels,
      regions: try HeldOutMetrics.regions(of: dataset),
      totalSteps: state.configuration.steps
    )
    for trouble in watch.findings(state.epochs, state.journal) {
      progress.warn(trouble.description)
      state.journal.troubles.append(trouble)
    }
    return looks
  }

  private func look(_ state: inout TrainingState) throws -> Bool {
    let steps = state.configuration.steps
    let journal = state.journal
    // After the last step all held-out cases are evaluated.
    guard !heldOut.isEmpty, steps != .max, state.step < steps, state.seconds > 0 else {
      return false
    }
    let last = journal.validations.last
    guard state.step - (last?.step ?? 0) >= steps / Self.mostLooks else { return false }
    let cases =
      last.map { last in heldOut.filter { last.cases.contains($0.id) } }
      ?? firstCases(state)
    guard !cases.isEmpty else { return false }
    let expected = last?.seconds ?? cases.reduce(0) { $0 + expectedSeconds(of: $1, state) }
    guard journal.validationSeconds + expected <= timeShare * state.seconds else {
      return false
    }

    let clock = ContinuousClock()
    let start = clock.now
    let predictor = state.configuration.plan.predictor(
      try PlannedNetwork(try state.averagedNetwork()),
      labels: dataset.labels
    )
    let evaluator = try HeldOutMetrics.looks(for: dataset)
    var example = journal.example
    let found = try cases.enumerated().map { index, entry in
      let map = try predictor.predict(
        entry.channels,
        outputs: PredictionOutputs(),
        progress: SilentProgress(),
        interruption: interruption
      )
      if keepsPictures, index == 0 {
        try Self.add(
          map,
          of: entry,
          step: state.step,
          classes: PicturedClasses(dataset),
          to: &example
        )
      }
      return try evaluator.evaluate(prediction: map, reference: entry.labelMap, id: entry.id)
    }
    let seconds = (clock.now - start).seconds
    state.journal.validations.append(
      TrainingValidation(
        step: state.step,
        cases: cases.map(\.id),
        dice: Self.meanDice(found),
        seconds: seconds
      )
    )
    state.journal.validationSeconds += seconds
    state.journal.example = example
    let mean = Self.mean(state.journal.validations.last?.dice ?? [:])
    progress.note(
      "Held-out Dice \(mean.map { "\(($0 * 1000).rounded() / 1000)" } ?? "undefined") on "
        + "\(cases.count) \(cases.count == 1 ? "case" : "cases") in "
        + "\((seconds * 10).rounded() / 10) s."
    )
    return true
  }

  /// Notes the final evaluation of the cases that were looked at on the way.
  /// - Parameters:
  ///   - report: The evaluation of all held-out cases.
  ///   - state: The finished run.
  func close(_ report: EvaluationReport, _ state: inout TrainingState) {
    let known = state.journal.validations.last?.cases ?? report.cases.map(\.id)
    let cases = report.cases.filter { known.contains($0.id) }
    state.journal.validations.append(
      TrainingValidation(
        step: state.step,
        cases: cases.map(\.id),
        dice: Self.meanDice(cases),
        seconds: 0
      )
    )
  }

  /// Adds a prediction to the example that is kept; the first one begins it.
  static func add(
    _ map: LabelMap,
    of entry: DatasetCheck.LoadedCase,
    step: Int,
    classes: PicturedClasses,
    to example: inout SlicePicture?
  ) throws {
    var picture =
      try example
      ?? SlicePicture(
        scan: entry.scan,
        reference: entry.labelMap,
        caseID: entry.id,
        classes: classes
      )
    guard picture.caseID == entry.id else { return }
    try picture.add(map, step: step, classes: classes)
    example = picture
  }

  /// As many cases as time allows for several looks at; at least one.
  private func firstCases(_ state: TrainingState) -> [DatasetCheck.LoadedCase] {
    let total = state.seconds / Double(max(1, state.step)) * Double(state.configuration.steps)
    var (sum, count) = (0.0, 0)
    for entry in heldOut.prefix(Self.mostCases) {
      sum += expectedSeconds(of: entry, state)
      if sum * Self.wantedLooks > timeShare * total { break }
      count += 1
    }
    return Array(heldOut.prefix(max(1, count)))
  }

  /// What a prediction may take, before one was timed.
  ///
  /// A step computes a batch forwards and backwards, about three times the work of a prediction, and
  /// windows overlap by half along each axis of the patch.
  private func expectedSeconds(
    of entry: DatasetCheck.LoadedCase,
    _ state: TrainingState
  ) -> Double {
    let configuration = state.configuration
    let plan = configuration.plan
    let geometry = entry.scan.geometry
    let volume = geometry.spacing * SIMD3<Double>(geometry.size)
    let spacing = plan.spacingMM ?? [1, 1, 1]
    let voxels = volume.x * volume.y * volume.z / spacing.reduce(1, *)
    let patch = Double(plan.patchSize.reduce(1, *))
    let overlap = plan.patchSize.count == 3 ? 8.0 : 2.0
    let windows = max(1, overlap * voxels / patch)
    let perStep = state.seconds / Double(max(1, state.step))
    return windows * perStep / (3 * Double(max(1, configuration.batchSize)))
  }

  private static func meanDice(_ cases: [CaseEvaluation]) -> [String: Double] {
    var values: [String: [Double]] = [:]
    for label in cases.flatMap(\.labels) {
      if let dice = label.values["dice"]?.number { values[label.key, default: []].append(dice) }
    }
    return values.mapValues { $0.reduce(0, +) / Double($0.count) }
  }

  private static func mean(_ dice: [String: Double]) -> Double? {
    // Sums follow the keys, so that they do not depend on the dictionary's order.
    let values = dice.sorted { $0.key < $1.key }.map(\.value)
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}

extension ModelPlan {
  /// Spacing of the network's grid along its axes, mm; nil where the plan has none.
  fileprivate var spacingMM: [Double]? {
    switch self {
    case .slices(let plan): plan.spacingMM
    case .nnUNet(let plan): plan.spacing.count == 3 ? plan.spacing : nil
    case .volume, .enhancement, .atlas, .recognition, .sequence, .compression, .autoencoder,
      .stylization:
      nil
    }
  }
}
