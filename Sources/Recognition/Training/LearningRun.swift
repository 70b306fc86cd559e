import Layers
import Networks
import Pipelines
import Support

/// Trains a network for any task, within steps or minutes, with checkpoints from which a killed run resumes.
package struct LearningRun: Sendable {
  /// A finished run.
  package struct Outcome: Sendable {
    /// The numbers, steps as taken.
    package let configuration: LearningConfiguration
    /// The network with its averaged weights, rounded as they are stored.
    package let network: any Network
    /// How the weights are stored.
    package let weightType: Safetensors.ScalarType
    /// The learning curve.
    package let epochs: [SegmentationTrainer.Epoch]
    /// Looks at held-out images on the way.
    package let looks: [LearningLook]
  }

  /// Share of the time that looks at held-out images may take.
  private static let lookShare = 0.05
  /// Share of a time budget that the steps may fill; the rest is for a machine that slows down.
  private static let usableShare = 0.95
  /// Steps by which the speed is measured, after a few that only warm up.
  private static let (warmingSteps, measuredSteps) = (3, 10)

  private let checkpoint: TrainingCheckpoint
  private let weightType: Safetensors.ScalarType
  private let outputs: OutputGuard
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a run.
  /// - Parameters:
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - weightType: How the weights are stored; everything is measured with weights rounded so.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  package init(
    checkpointFolder: String,
    weightType: Safetensors.ScalarType = .float16,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    checkpoint = TrainingCheckpoint(folder: checkpointFolder)
    self.weightType = weightType
    self.outputs = outputs
    self.progress = progress
    self.interruption = interruption
  }

  /// Trains.
  /// - Parameters:
  ///   - task: What is learnt.
  ///   - configuration: The numbers of the run.
  ///   - budget: How long to train.
  ///   - initial: Loads weights to start from into the network that was just made.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The finished run.
  /// - Throws: `PipelinesError.checkpointMismatch`; `.trainingDiverged` and
  ///   `SupportError.interrupted` after a checkpoint was saved; what the task throws.
  package func train<Task: LearningTask>(
    _ task: Task,
    _ configuration: LearningConfiguration,
    budget: SegmentationTrainer.Budget,
    initial: (any Network) -> Void = { _ in },
    resumes: Bool
  ) throws -> Outcome {
    var state = try LearningState(
      task,
      configuration,
      initial: initial,
      keepsSteps: budget == .steps,
      checkpoint: resumes ? checkpoint : nil
    )
    try advance(&state, budget: budget)
    let network = try state.averagedNetwork()
    return Outcome(
      configuration: state.configuration,
      network: network,
      weightType: network.rounded(to: weightType),
      epochs: state.epochs,
      looks: state.looks
    )
  }

  /// Removes the checkpoints; for when the model is safely written.
  package func discardCheckpoints() { checkpoint.remove() }

  private func advance<Task: LearningTask>(
    _ state: inout LearningState<Task>,
    budget: SegmentationTrainer.Budget
  ) throws {
    let clock = ContinuousClock()
    let started = clock.now
    var measured = started
    let (earlier, first) = (state.seconds, state.step)
    var lookSeconds = 0.0
    if case .minutes = budget, first == 0 { state.configuration.steps = .max }
    begin(state)
    while state.step < state.configuration.steps {
      if interruption.isRaised {
        try save(state)
        throw SupportError.interrupted
      }
      if case .minutes(let minutes) = budget, first == 0 {
        if state.step == Self.warmingSteps { measured = clock.now }
        if state.step == Self.warmingSteps + Self.measuredSteps {
          let perStep = (clock.now - measured).seconds / Double(Self.measuredSteps)
          let left = minutes * 60 - (clock.now - started).seconds
          let usable = Self.usableShare * (1 - Self.lookShare) * left
          state.configuration.steps = state.step + max(1, Int(usable / perStep))
          progress.end()
          progress.note(
            "\(Int(1000 * perStep)) ms a step: \(state.configuration.steps) steps in "
              + "\(minutes) minutes."
          )
          begin(state)
        }
      }
      let dataStart = clock.now
      let batch = try state.task.batch(step: state.step, state.configuration)
      state.dataSeconds += (clock.now - dataStart).seconds
      do {
        try state.advance(batch)
      } catch PipelinesError.trainingDiverged(let step, let reason, _) {
        progress.end()
        throw PipelinesError.trainingDiverged(
          step: step,
          reason: reason,
          checkpoint: try save(state) ? checkpoint.path : nil
        )
      }
      state.seconds = earlier + (clock.now - started).seconds
      let isLast = state.step == state.configuration.steps
      guard isLast || state.step % LearningConfiguration.stepsPerEpoch == 0 else { continue }
      state.closeEpoch()
      let look = clock.now
      if isLast || lookSeconds <= Self.lookShare * (look - started).seconds {
        let network = try state.averagedNetwork()
        let metrics = try state.task.look(at: network, interruption: interruption)
        if !metrics.isEmpty { state.looks.append(LearningLook(step: state.step, metrics: metrics)) }
        lookSeconds += (clock.now - look).seconds
      }
      report(state)
      try save(state)
    }
    progress.end()
  }

  private func begin<Task: LearningTask>(_ state: LearningState<Task>) {
    let steps = state.configuration.steps
    progress.begin("training", total: steps == .max ? nil : steps)
  }

  /// Before the number of steps is known, the schedule is not, and there is nothing to resume.
  /// - Returns: Whether a checkpoint was saved.
  @discardableResult
  private func save<Task: LearningTask>(_ state: LearningState<Task>) throws -> Bool {
    guard state.configuration.steps != .max else { return false }
    try checkpoint.save(state.stored(), outputs: outputs)
    return true
  }

  private func report<Task: LearningTask>(_ state: LearningState<Task>) {
    guard let epoch = state.epochs.last else { return }
    var words = "loss \((epoch.loss * 100_000).rounded() / 100_000)"
    if let look = state.looks.last, look.step == state.step {
      for metric in look.metrics {
        words += ", held-out \(metric.key) \((metric.value * 10_000).rounded() / 10_000)"
      }
    }
    progress.update(state.step, detail: words)
    let total = state.configuration.steps
    progress.note(
      "Step \(state.step)\(total == .max ? "" : " of \(total)"): \(words), "
        + "\(Int(1000 * epoch.seconds / Double(max(1, state.step)))) ms a step."
    )
  }
}
