import Imaging
import Networks
import Support
import Tensors

/// TotalSegmentator's task of an imported model, and the networks that it needs beside the package's
/// own.
public struct TotalSegmentatorPlan: Codable, Sendable, Equatable {
  /// The task's name, such as "total".
  public var task: String
  /// How fine its models are: "standard", "fast" or "fastest".
  public var mode: String
  /// Its models in the order of the task's parts.
  ///
  /// The package's own network is the first of the package's task and does not stand here.
  public var parts: [ModelDescription.Stage]
  /// The task that finds the region to look at, if there is one: none or one.
  public var finder: [TotalSegmentatorPlan]

  package init(
    task: TotalSegmentatorTask,
    parts: [ModelDescription.Stage],
    finder: TotalSegmentatorPlan? = nil
  ) {
    self.task = task.name
    mode = task.mode.rawValue
    self.parts = parts
    self.finder = finder.map { [$0] } ?? []
  }

  /// All stages, those of the finder last.
  var stages: [ModelDescription.Stage] { parts + finder.flatMap(\.stages) }

  /// What is done around the models.
  /// - Throws: `PipelinesError.invalidPlan` for a task that is not known.
  func knownTask() throws(PipelinesError) -> TotalSegmentatorTask {
    guard let mode = TotalSegmentatorTask.Mode(rawValue: mode),
      let known = TotalSegmentatorTask.named(task, mode: mode)
    else {
      throw .invalidPlan(reason: "TotalSegmentator's task \(task) (\(self.mode)) is unknown")
    }
    return known
  }

  /// Checks values that came from a file.
  /// - Parameter isOwn: Whether the package's own network is the first part.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(isOwn: Bool = true) throws(PipelinesError) {
    let known = try knownTask()
    let needed = known.parts.count - (isOwn ? 1 : 0)
    guard parts.count == needed else {
      throw .invalidPlan(reason: "it has \(parts.count) further parts of \(task), not \(needed)")
    }
    for part in parts {
      guard case .nnUNet = part.plan, !part.members.isEmpty else {
        throw .invalidPlan(reason: "a part of \(task) is no model of nnU-Net")
      }
      try part.plan.check()
      try part.plan.check(part.network, channels: 1, labels: known.structures.count)
    }
    let wanted = known.crop?.task
    guard finder.count == (wanted == nil ? 0 : 1), finder.first?.task == wanted?.name,
      finder.first?.mode == wanted?.mode.rawValue
    else {
      throw .invalidPlan(
        reason: "\(task) needs \(wanted?.name ?? "no model") to find where it looks"
      )
    }
    for plan in finder { try plan.check(isOwn: false) }
  }
}

/// A predictor that is made when it is needed and goes with the result, so that of several models one
/// at a time is in memory.
private struct MomentaryPredictor: ScanPredictor {
  let make: @Sendable () throws -> any ScanPredictor

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    try make().predict(scan, outputs: outputs, progress: progress, interruption: interruption)
  }
}

extension ModelPackage {
  /// The way from a scan to labels of a task of TotalSegmentator.
  /// - Parameters:
  ///   - plan: The task.
  ///   - own: The predictor of the package's own network, where it is the task's first part.
  ///   - options: What the run depends on besides its inputs.
  ///   - planOptions: How plans compute.
  ///   - isFinder: Whether the task finds the region of another one, so that all of it is needed.
  /// - Returns: The predictor.
  /// - Throws: `PipelinesError.invalidPlan`.
  func totalSegmentatorPredictor(
    _ plan: TotalSegmentatorPlan,
    own: (any ScanPredictor)?,
    options: SegmentationRun.Options,
    planOptions: InferencePlanOptions,
    isFinder: Bool = false
  ) throws -> TotalSegmentatorPredictor {
    let task = try plan.knownTask()
    let further = plan.parts.map { stage -> any ScanPredictor in
      MomentaryPredictor {
        try nnUNetPredictor(
          stage,
          options: nnUNetOptions(options, step: task.step),
          planOptions: planOptions
        )
      }
    }
    let predictors = (own.map { [$0] } ?? []) + further
    return TotalSegmentatorPredictor(
      task: task,
      parts: predictors.indices.map {
        .init(predictor: predictors[$0], numbers: task.numbers(ofPart: $0))
      },
      finder: try plan.finder.first.map {
        try totalSegmentatorPredictor(
          $0,
          own: nil,
          options: options,
          planOptions: planOptions,
          isFinder: true
        )
      },
      clearsSmallPieces: options.postprocesses,
      structures: isFinder ? nil : options.structures
    )
  }

  /// How nnU-Net's models predict for TotalSegmentator: without mirroring, unless it is asked for.
  private func nnUNetOptions(
    _ options: SegmentationRun.Options,
    step: Double
  ) -> NNUNetPredictor.Options {
    var values = NNUNetPredictor.Options()
    values.usesMirroring = options.usesMirroring ?? false
    values.step = options.step ?? step
    values.memoryLimit = options.memoryLimit
    values.skipsAir = options.skipsAir
    return values
  }

  private func nnUNetPredictor(
    _ stage: ModelDescription.Stage,
    options: NNUNetPredictor.Options,
    planOptions: InferencePlanOptions
  ) throws -> any ScanPredictor {
    guard case .nnUNet(let plan) = stage.plan else {
      throw PipelinesError.invalidPlan(reason: "a part is no model of nnU-Net")
    }
    let scratch = PlanScratch()
    return NNUNetPredictor(
      plan: plan,
      networks: try stage.members.map {
        try ScoringNetwork(
          makeNetwork($0, stage.network, patchSize: plan.patchSize),
          options: planOptions,
          scratch: scratch
        )
      },
      labels: [],
      options: options
    )
  }
}
