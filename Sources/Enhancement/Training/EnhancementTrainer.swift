import Imaging
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// Trains a network that improves images, with checkpoints from which a killed run resumes.
public struct EnhancementTrainer: Sendable {
  /// A finished run.
  public struct Outcome: Sendable {
    /// The configuration, its steps as taken.
    public let configuration: EnhancementConfiguration
    /// The network with its averaged weights, rounded as they are stored.
    public let network: any Network
    /// How the weights are stored.
    public let weightType: Safetensors.ScalarType
    /// The learning curve.
    public let epochs: [SegmentationTrainer.Epoch]
    /// What the epochs in which a discriminator took part came to.
    public let games: [AdversarialEpoch]
    /// Looks at held-out images on the way.
    public let looks: [EnhancementTrainingRecord.Look]
    /// The held-out images; nil when nothing was held out or no clean image is known.
    public let evaluation: EnhancementEvaluation?
    /// The number of images trained on.
    public let trainingCount: Int
    /// Oddities of the images.
    public let notes: [String]
  }

  /// Share of the training's time that looks at held-out images may take; 0 for none.
  public var validationShare = 0.05

  private let images: CleanImages
  private let targets: CleanImages?
  private let initial: InitialWeights?
  private let weightType: Safetensors.ScalarType
  private let checkpoint: TrainingCheckpoint
  private let outputs: OutputGuard
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Creates a trainer.
  /// - Parameters:
  ///   - images: The images.
  ///   - targets: Images of another kind that these are to become; nil for other tasks.
  ///   - initial: Weights to start from, or nil for random ones.
  ///   - weightType: How the weights are stored; everything is measured with weights rounded so.
  ///   - checkpointFolder: Where checkpoints are kept until the run is done.
  ///   - outputs: Writes the checkpoints.
  ///   - progress: Told about every epoch.
  ///   - interruption: Looked at before every step; a checkpoint is saved then.
  public init(
    images: CleanImages,
    targets: CleanImages? = nil,
    initial: InitialWeights? = nil,
    weightType: Safetensors.ScalarType = .float16,
    checkpointFolder: String,
    outputs: OutputGuard = OutputGuard(mayReplace: false),
    progress: any ProgressReporter,
    interruption: Interruption
  ) {
    self.images = images
    self.targets = targets
    self.initial = initial
    self.weightType = weightType
    checkpoint = TrainingCheckpoint(folder: checkpointFolder)
    self.outputs = outputs
    self.progress = progress
    self.interruption = interruption
  }

  /// Trains, and measures what the network makes of the held-out images.
  /// - Parameters:
  ///   - configuration: All numbers of the run.
  ///   - budget: How long to train.
  ///   - resumes: Whether to go on from a checkpoint that is there.
  /// - Returns: The finished run.
  /// - Throws: `EnhancementError`; `PipelinesError.checkpointMismatch`; `.trainingDiverged` and
  ///   `SupportError.interrupted` after a checkpoint was saved.
  public func run(
    _ configuration: EnhancementConfiguration,
    budget: SegmentationTrainer.Budget,
    resumes: Bool
  ) throws -> Outcome {
    // To prepare images is part of the time: to filter them may take minutes.
    let started = ContinuousClock.now
    var state = try EnhancementState(
      configuration,
      initial: initial,
      keepsSteps: budget == .steps,
      checkpoint: resumes ? checkpoint : nil
    )
    let material = try EnhancementMaterial(
      images,
      targets: targets,
      configuration: state.configuration,
      progress: progress,
      interruption: interruption
    )
    try train(&state, material, budget: budget, since: started)
    let network = try state.averagedNetwork()
    let weightType = network.rounded(to: self.weightType)
    return Outcome(
      configuration: state.configuration,
      network: network,
      weightType: weightType,
      epochs: state.epochs,
      games: state.games,
      looks: state.looks,
      evaluation: try evaluation(network, material.heldOut, state.configuration),
      trainingCount: material.training.count,
      notes: material.notes + state.warnings
    )
  }

  /// Removes the checkpoints; for when the model is safely written.
  public func discardCheckpoints() { checkpoint.remove() }

  /// Share of a time budget that the steps may fill; the rest is for a machine that slows down.
  private static let usableShare = 0.95
  /// Share of a time budget that the steps get at least, however long it took to prepare the images.
  private static let leastShare = 0.2
  /// Steps by which the speed is measured, after a few that only warm up.
  private static let (warmingSteps, measuredSteps) = (3, 10)
  /// Steps of a game that is still to come, by which its speed is measured.
  private static let rehearsedSteps = 2
  /// Images of a look, and the sides of the piece of each that is looked at.
  private static let (lookCount, lookSide) = (4, 128)

  private func train(
    _ state: inout EnhancementState,
    _ material: EnhancementMaterial,
    budget: SegmentationTrainer.Budget,
    since started: ContinuousClock.Instant
  ) throws {
    let sampler = material.sampler(state.configuration)
    let clock = ContinuousClock()
    let begun = clock.now
    var measured = begun
    let (earlier, first) = (state.seconds, state.step)
    var lookSeconds = 0.0
    if case .minutes = budget, first == 0 { state.configuration.steps = .max }
    progress.begin(
      "training",
      total: state.configuration.steps == .max ? nil : state.configuration.steps
    )
    while state.step < state.configuration.steps {
      if interruption.isRaised {
        try save(state)
        throw SupportError.interrupted
      }
      if case .minutes(let minutes) = budget, first == 0 {
        if state.step == Self.warmingSteps { measured = clock.now }
        if state.step == Self.warmingSteps + Self.measuredSteps {
          let plain = (clock.now - measured).seconds / Double(Self.measuredSteps)
          let perStep = try secondsPerStep(state, sampler.batch(step: state.step), plain: plain)
          let spent = (begun - started).seconds
          if spent > (1 - Self.leastShare) * minutes * 60 {
            progress.warn(
              "To prepare the images took \((spent / 6).rounded() / 10) of the \(minutes) minutes; the "
                + "training gets \(Int(100 * Self.leastShare)) % of them all the same, which may be too little."
            )
          }
          let left = max(
            Self.leastShare * minutes * 60,
            minutes * 60 - (clock.now - started).seconds
          )
          let usable = Self.usableShare * (1 - (material.heldOut.isEmpty ? 0 : validationShare))
          state.configuration.steps = state.step + max(1, Int(usable * left / perStep))
          progress.end()
          progress.note(
            "\(Int(1000 * perStep)) ms a step: \(state.configuration.steps) steps in "
              + "\(minutes) minutes."
          )
          progress.begin("training", total: state.configuration.steps)
        }
      }
      let dataStart = clock.now
      let batch = sampler.batch(step: state.step)
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
      if state.step % TrainingConfiguration.stepsPerEpoch == 0
        || state.step == state.configuration.steps
      {
        let known = Set(state.warnings)
        state.closeEpoch()
        for warning in state.warnings where !known.contains(warning) { progress.note(warning) }
        let look = clock.now
        if lookSeconds <= validationShare * (look - started).seconds, validationShare > 0 {
          try add(look: &state, material.heldOut)
          lookSeconds += (clock.now - look).seconds
        }
        let steps = Double(max(1, state.step - first))
        report(state, secondsPerStep: (clock.now - begun).seconds / steps)
        try save(state)
      }
    }
    progress.end()
  }

  /// The mean time of a step, of which those of a game take longer than those before it.
  private func secondsPerStep(
    _ state: EnhancementState,
    _ batch: EnhancementSampler.Batch,
    plain: Double
  ) throws -> Double {
    guard let share = state.configuration.adversarial?.pixelShare, share > 0 else { return plain }
    try state.rehearse(batch)
    let clock = ContinuousClock()
    let start = clock.now
    for _ in 0..<Self.rehearsedSteps { try state.rehearse(batch) }
    let turn = (clock.now - start).seconds / Double(Self.rehearsedSteps)
    return share * plain + (1 - share) * turn
  }

  /// Before the number of steps is known, the schedule is not, and there is nothing to resume.
  /// - Returns: Whether a checkpoint was saved.
  @discardableResult
  private func save(_ state: EnhancementState) throws -> Bool {
    guard state.configuration.steps != .max else { return false }
    try checkpoint.save(state.stored(), outputs: outputs)
    return true
  }

  private func report(_ state: EnhancementState, secondsPerStep: Double) {
    guard let epoch = state.epochs.last else { return }
    var words = "loss \((epoch.loss * 100_000).rounded() / 100_000)"
    if let game = state.games.last, game.step == state.step {
      words += ", discriminator \((game.parts.critic * 1000).rounded() / 1000)"
    }
    if let look = state.looks.last, look.step == state.step {
      words += ", held-out PSNR \((look.psnr * 100).rounded() / 100) dB"
    }
    progress.update(state.step, detail: words)
    let total = state.configuration.steps
    progress.note(
      "Step \(state.step)\(total == .max ? "" : " of \(total)"): \(words), "
        + "\(Int(1000 * secondsPerStep)) ms a step."
    )
  }

  /// Looks at pieces of the first held-out images with the averaged weights.
  private func add(
    look state: inout EnhancementState,
    _ heldOut: [EnhancementMaterial.Image]
  ) throws {
    guard isMeasurable(state.configuration), !heldOut.isEmpty else { return }
    let pieces = try heldOut.prefix(Self.lookCount).map {
      try $0.piece(Self.lookSide, plan: state.configuration.plan)
    }
    let report = try evaluation(state.averagedNetwork(), pieces, state.configuration)
    guard let psnr = report?.summary["psnr"]?["after"]?.mean else { return }
    state.looks.append(
      EnhancementTrainingRecord.Look(
        step: state.step,
        psnr: psnr,
        ssim: report?.summary["ssim"]?["after"]?.mean
      )
    )
  }

  /// Whether clean images are known: noisy ones alone have nothing to be measured against.
  private func isMeasurable(_ configuration: EnhancementConfiguration) -> Bool {
    (configuration.selfSupervision == nil || configuration.noise != nil)
      && configuration.translation?.isPaired != false
  }

  private func evaluation(
    _ network: any Network,
    _ images: [EnhancementMaterial.Image],
    _ configuration: EnhancementConfiguration
  ) throws -> EnhancementEvaluation? {
    guard !images.isEmpty, isMeasurable(configuration) else { return nil }
    let level = configuration.noise.map { Double($0.middle(seed: 0).level) }
    let plan = configuration.plan
    let enhancer = try ImageNetwork(network, plan: plan)
    let border = plan.enlargement == .network ? plan.networkScale : 0
    return EnhancementEvaluation(
      try images.map { image in
        let output = try enhancer.apply(
          [image.input],
          level: plan.noiseLevel.map { Float(level ?? $0.standard) },
          seed: configuration.seed,
          progress: SilentProgress(),
          interruption: interruption
        )
        var before = image.input
        if before.geometry.size != image.clean.geometry.size {
          before = before.resampled(to: image.clean.geometry, interpolation: .cubicBSpline)
        }
        guard output[0].allSatisfy(\.isFinite) else {
          throw EnhancementError.infiniteValues(model: "the trained network")
        }
        func quality(_ volume: Volume<Float>) throws -> ImageQuality {
          try ImageQuality(of: volume, reference: image.clean, dataRange: 1, border: border)
        }
        return EnhancementEvaluation.Case(
          id: image.id,
          before: try quality(before),
          after: try quality(Volume(geometry: image.clean.geometry, voxels: output[0]))
        )
      }
    )
  }
}

extension EnhancementMaterial.Image {
  /// A piece in the middle, at most so many rows and columns and, for slices, 4 slices.
  fileprivate func piece(_ side: Int, plan: EnhancementPlan) throws -> Self {
    let size = input.geometry.size
    let limit = SIMD3(side, side, plan.dimensions == 3 ? side / 2 : 4)
    let kept = pointwiseMin(size, limit)
    if kept == size { return self }
    let origin = (size &- kept) / 2
    let factor = clean.geometry.size / size
    return Self(
      id: id,
      input: try input.cut(at: origin, kept),
      clean: try clean.cut(at: origin &* factor, kept &* factor)
    )
  }
}
