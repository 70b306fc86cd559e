import Evaluation
import Foundation
import Imaging
import Layers
import Networks
import Support
import Tensors

/// Trains a network on a data set, with checkpoints from which a killed run resumes.
public struct SegmentationTrainer: Sendable {
  /// How long to train.
  public enum Budget: Sendable, Equatable {
    /// The configuration's own number of steps.
    case steps
    /// As many steps as fit into the wall time, by the speed of the first ones.
    case minutes(Double)
  }

  /// The state of a run after an epoch.
  public struct Epoch: Codable, Sendable, Equatable {
    /// Steps taken.
    public let step: Int
    /// Mean loss since the epoch before.
    public let loss: Double
    /// The learning rate of the last step.
    public let learningRate: Double
    /// Wall time of the training so far, interruptions left out.
    public let seconds: Double
    /// Share of that time spent waiting for data.
    public let dataShare: Double
    /// Mean Euclidean norm of the gradient in every tenth step, before it is clipped; nil in records
    /// of earlier programs.
    public let gradientNorm: Double?

    package init(
      step: Int,
      loss: Double,
      learningRate: Double,
      seconds: Double,
      dataShare: Double,
      gradientNorm: Double? = nil
    ) {
      self.step = step
      self.loss = loss
      self.learningRate = learningRate
      self.seconds = seconds
      self.dataShare = dataShare
      self.gradientNorm = gradientNorm
    }
  }

  /// A finished run.
  public struct Outcome: Sendable {
    /// The configuration, its steps as taken.
    public let configuration: TrainingConfiguration
    /// The network with its averaged weights, rounded as they are stored.
    public let network: any Network
    /// How the weights are stored.
    public let weightType: Safetensors.ScalarType
    /// The learning curve.
    public let epochs: [Epoch]
    /// Metrics of the held-out cases; nil when nothing was held out.
    public let evaluation: EvaluationReport?
    /// Which structures keep their largest component only, as the held-out cases suggest.
    public let postprocessing: NNUNetPostprocessing?
    /// What other machines and precisions are held against.
    public let selfTest: ModelSelfTest
    /// Ids of the cases trained on.
    public let trainingCases: [String]
    /// Oddities of the data set.
    public let notes: [String]
    /// What the run noted on its way.
    package let journal: TrainingJournal
    /// Slices of the held-out cases that came out worst, the worst first.
    package let worst: [SlicePicture]
  }

  /// Whether slices of held-out scans are kept, to show what the network makes of them.
  public var keepsPictures = true
  /// Share of the training's time that looks at held-out cases may take; 0 for none.
  public var validationShare = 0.05

  private let dataset: SegmentationDataset
  private let initial: InitialWeights?
  private let weightType: Safetensors.ScalarType
  private let checkpoint: TrainingCheckpoint
  private let outputs: OutputGuard
  private let progress: any ProgressReporter
  private let interruption: Interruption
  private let exchange: any GradientExchange

  /// Creates a trainer.
  /// - Parameters:
  ///   - dataset: Labelled scans.
  ///   - initial: Weights to start from, or nil for random ones.
  ///   - weightType: How the weights are stored; everything is measured with weights rounded so.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    dataset: SegmentationDataset,
    initial: InitialWeights? = nil,
    weightType: Safetensors.ScalarType = .float16,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.init(
      dataset: dataset,
      initial: initial,
      weightType: weightType,
      checkpointFolder: checkpointFolder,
      outputs: outputs,
      progress: progress,
      interruption: interruption,
      exchange: SingleProcess()
    )
  }

  /// Creates one of the trainers that train together.
  ///
  /// - Parameters:
  ///   - dataset: Labelled scans.
  ///   - initial: Weights to start from, or nil for random ones; the first process's count.
  ///   - weightType: How the weights are stored.
  ///   - checkpointFolder: Where the first process keeps checkpoints until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; raised in one process, it stops all.
  ///   - exchange: The processes.
  package init(
    dataset: SegmentationDataset,
    initial: InitialWeights? = nil,
    weightType: Safetensors.ScalarType = .float16,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption,
    exchange: any GradientExchange
  ) {
    self.dataset = dataset
    self.initial = initial
    self.weightType = weightType
    checkpoint = TrainingCheckpoint(folder: checkpointFolder)
    self.outputs = outputs
    self.progress = progress
    self.interruption = interruption
    self.exchange = exchange
  }

  /// Trains and evaluates on the held-out cases.
  /// - Parameters:
  ///   - configuration: All numbers of the run.
  ///   - budget: How long to train.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The finished run.
  /// - Throws: `PipelinesError.faultyDataset`, `.checkpointMismatch`; `.trainingDiverged` and
  ///   `SupportError.interrupted` after a checkpoint was saved.
  public func run(
    _ configuration: TrainingConfiguration,
    budget: Budget,
    resumes: Bool
  ) throws -> Outcome {
    let (finished, material, monitor) = try trained(
      configuration,
      budget: budget,
      resumes: resumes
    )
    var state = finished
    let network = try state.averagedNetwork()
    let weightType = network.rounded(to: self.weightType)
    let plan = state.configuration.plan
    let planned = try PlannedNetwork(network)
    let labels = dataset.labels
    let picturedClasses = PicturedClasses(dataset)
    var worst = WorstPictures(picturedClasses)
    var largest = LargestComponents(dataset, heldOut: material.heldOut)
    let evaluation = try evaluate(
      plan.predictor(planned, labels: labels),
      on: material.heldOut
    ) { entry, prediction, result in
      largest.add(prediction, reference: entry.labelMap)
      guard keepsPictures else { return }
      try worst.add(entry, prediction, result)
      try TrainingMonitor.add(
        prediction,
        of: entry,
        step: state.step,
        classes: picturedClasses,
        to: &state.journal.example
      )
    }
    if let evaluation { monitor.close(evaluation, &state) }
    let choice = largest.choice()
    if let sentence = choice?.sentence { progress.note(sentence) }
    let classes = plan.classes(labels)
    // Scans that the training saw show rounding as well as others do.
    let compared = material.heldOut.isEmpty ? material.examples : material.heldOut
    let count = ModelSelfTest.scanCount(compared.map(\.channels))
    let selfTest = try ModelSelfTest.measure(
      network,
      single: planned,
      patches: ModelSelfTest.Patches(
        shape: [state.configuration.network.inputChannels] + plan.patchSize,
        batchSize: plan.testBatchSize
      ),
      labels: classes,
      scans: compared.prefix(count).map(\.channels),
      examples: material.examples.map(\.channels),
      source: "\(count) \(material.heldOut.isEmpty ? "training" : "held-out") "
        + (count == 1 ? "scan" : "scans"),
      interruption: interruption
    ) { plan.withoutSeparation.predictor($0, labels: classes) }
    return Outcome(
      configuration: state.configuration,
      network: network,
      weightType: weightType,
      epochs: state.epochs,
      evaluation: evaluation,
      postprocessing: choice?.postprocessing,
      selfTest: selfTest,
      trainingCases: material.trainingCases,
      notes: material.notes,
      journal: state.journal,
      worst: worst.pictures
    )
  }

  /// The configuration of an unfinished run.
  /// - Parameter folder: Where its checkpoints are kept.
  /// - Returns: The configuration; nil without a checkpoint.
  /// - Throws: `LayersError.damagedWeights`, `PipelinesError.checkpointMismatch`; what reading throws.
  public static func storedConfiguration(_ folder: String) throws -> TrainingConfiguration? {
    try TrainingCheckpoint(folder: folder).load().flatMap { TrainingState.configuration(of: $0) }
  }

  /// Trains with the first process, which does all the rest.
  /// - Parameters:
  ///   - configuration: All numbers of the run; the same as the first process's.
  ///   - budget: How long to train.
  /// - Throws: As `run`.
  package func assist(_ configuration: TrainingConfiguration, budget: Budget) throws {
    _ = try trained(configuration, budget: budget, resumes: false)
  }

  private func trained(
    _ configuration: TrainingConfiguration,
    budget: Budget,
    resumes: Bool
  ) throws -> (TrainingState, TrainingMaterial, TrainingMonitor) {
    var state = try TrainingState(
      configuration,
      keepsSteps: budget == .steps,
      initial: initial,
      checkpoint: resumes && exchange.isRoot ? checkpoint : nil
    )
    if state.step == 0, let initial { tell(initial, state) }
    try state.share(over: exchange)
    let material = try TrainingMaterial(
      dataset,
      configuration: state.configuration,
      progress: progress,
      interruption: interruption
    )
    // Reading may take one process longer than another.
    try exchange.wait()
    let sampler = try SampleShare(
      of: material.sampler,
      rank: exchange.rank,
      count: exchange.count
    )
    let monitor = TrainingMonitor(
      heldOut: exchange.isRoot ? material.heldOut : [],
      dataset: dataset,
      keepsPictures: keepsPictures,
      progress: progress,
      interruption: interruption,
      timeShare: validationShare
    )
    try train(&state, sampler: sampler, budget: budget, monitor: monitor)
    return (state, material, monitor)
  }

  /// Says how much of the network the weights of another model are.
  private func tell(_ initial: InitialWeights, _ state: TrainingState) {
    let (taken, all) = initial.coverage(of: state.network, plan: state.configuration.plan)
    let share = (1000 * Double(taken) / Double(max(1, all))).rounded() / 10
    let sentence = "\(share) % of the network's weights come from \(initial.source)."
    if taken == 0 {
      progress.warn(sentence + " Its architecture or plan is another one.")
    } else {
      progress.note(sentence)
    }
  }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { checkpoint.remove() }

  /// Share of a time budget that the steps may fill; the rest is for a machine that slows down.
  private static let usableShare = 0.95
  /// Steps by which the speed is measured, after a few that only warm up.
  private static let (warmingSteps, measuredSteps) = (5, 30)

  private func train(
    _ state: inout TrainingState,
    sampler: any TrainingSampler,
    budget: Budget,
    monitor: TrainingMonitor
  ) throws {
    let clock = ContinuousClock()
    let started = clock.now
    var measured = started
    let earlier = state.seconds
    let first = state.step
    if case .minutes = budget, first == 0 { state.configuration.steps = .max }
    progress.begin(
      "training",
      total: state.configuration.steps == .max ? nil : state.configuration.steps
    )
    var drawn: [TrainingBatch] = []
    while state.step < state.configuration.steps {
      if try exchange.any(interruption.isRaised) {
        try save(state)
        throw SupportError.interrupted
      }
      if case .minutes(let minutes) = budget, first == 0 {
        if state.step == Self.warmingSteps { measured = clock.now }
        if state.step == Self.warmingSteps + Self.measuredSteps {
          let perStep = (clock.now - measured).seconds / Double(Self.measuredSteps)
          let left = minutes * 60 - (clock.now - started).seconds
          let usable = Self.usableShare * (1 - (monitor.heldOut.isEmpty ? 0 : validationShare))
          state.configuration.steps = try exchange.shared(
            state.step + max(1, Int(usable * left / perStep))
          )
          progress.end()
          progress.note(
            "\(Int(1000 * perStep)) ms a step: \(state.configuration.steps) steps in "
              + "\(minutes) minutes."
          )
          progress.begin("training", total: state.configuration.steps)
        }
      }
      let dataStart = clock.now
      if drawn.isEmpty {
        drawn = sampler.batches(from: state.step, count: sampler.stepsAhead).reversed()
      }
      guard let batch = drawn.popLast() else { preconditionFailure("no batch was drawn") }
      state.dataSeconds += (clock.now - dataStart).seconds
      do {
        try state.advance(batch, with: exchange)
      } catch PipelinesError.trainingDiverged(let step, let reason, _) {
        progress.end()
        throw PipelinesError.trainingDiverged(
          step: step,
          reason: reason,
          checkpoint: try save(state) ? checkpoint.path : nil
        )
      }
      state.seconds = earlier + (clock.now - started).seconds
      if state.step % TrainingConfiguration.stepsPerEpoch == 0
        || state.step == state.configuration.steps
      {
        state.closeEpoch(exchange)
        report(state)
        try save(state)
        if try monitor.review(&state) { try write(state) }
      }
    }
    progress.end()
  }

  /// Before the number of steps is known, the schedule is not, and there is nothing to resume.
  /// - Returns: Whether a checkpoint was saved.
  @discardableResult
  private func save(_ state: TrainingState) throws -> Bool {
    guard state.configuration.steps != .max else { return false }
    try write(state)
    // Nobody ends, and ends the others, before it is written.
    try exchange.wait()
    return true
  }

  /// Writes the first process's state; the others need not wait for it.
  private func write(_ state: TrainingState) throws {
    if exchange.isRoot { try checkpoint.save(state.stored(), outputs: outputs) }
  }

  /// One line for each epoch, beside the bar.
  private func report(_ state: TrainingState) {
    guard let epoch = state.epochs.last else { return }
    let loss = "loss \((epoch.loss * 10000).rounded() / 10000)"
    progress.update(state.step, detail: loss)
    let total = state.configuration.steps
    progress.note(
      "Step \(state.step)\(total == .max ? "" : " of \(total)"): \(loss), "
        + "\(Int(1000 * epoch.seconds / Double(max(1, state.step)))) ms a step."
    )
  }

  private func evaluate(
    _ predictor: any ScanPredictor,
    on cases: [DatasetCheck.LoadedCase],
    body: (DatasetCheck.LoadedCase, LabelMap, CaseEvaluation) throws -> Void
  ) throws -> EvaluationReport? {
    guard !cases.isEmpty else { return nil }
    let evaluator = try HeldOutMetrics.evaluator(for: dataset)
    progress.begin("evaluating \(cases.count) held-out cases", total: cases.count)
    let results = try cases.enumerated().map { index, entry in
      let prediction = try predictor.predict(
        entry.channels,
        outputs: PredictionOutputs(),
        progress: SilentProgress(),
        interruption: interruption
      )
      progress.update(index + 1, detail: nil)
      let result = try evaluator.evaluate(
        prediction: prediction,
        reference: entry.labelMap,
        id: entry.id
      )
      try body(entry, prediction, result)
      return result
    }
    progress.end()
    return EvaluationReport(cases: results, evaluator: evaluator)
  }
}

extension Duration {
  /// The duration in seconds.
  package var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
