import Imaging
import Networks
import Support
import Transforms

/// What a training run reads: samples to learn from, and cases to be measured on.
package struct TrainingMaterial: Sendable {
  /// Draws the batches.
  package let sampler: any TrainingSampler
  /// Cases that the training never sees.
  let heldOut: [DatasetCheck.LoadedCase]
  /// A few of the cases that it does.
  let examples: [DatasetCheck.LoadedCase]
  /// Ids of the cases trained on.
  let trainingCases: [String]
  /// Oddities of the data set.
  let notes: [String]

  /// Reads and checks a data set and prepares what its samples are drawn from.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - configuration: All numbers of the run.
  ///   - progress: Told about every case.
  ///   - interruption: Looked at between cases.
  /// - Throws: `PipelinesError.faultyDataset`, `.notADataset`, `.invalidPlan`.
  package init(
    _ dataset: SegmentationDataset,
    configuration: TrainingConfiguration,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    if case .synthesis(let recipe) = configuration.samples {
      trainingCases = try Self.trainingCases(dataset, configuration)
      let chosen = Set(trainingCases)
      let source = SynthesisMaps(recipe: recipe, labels: dataset.labels)
      let (maps, faults) = try source.read(
        dataset.cases,
        progress: progress,
        interruption: interruption
      )
      try Self.refuse(faults, dataset)
      let training = maps.filter { chosen.contains($0.id) }
      sampler = try SynthesisSampler(
        training.map(\.map),
        recipe: recipe,
        configuration: configuration
      )
      heldOut = source.scans(
        of: maps.filter { !chosen.contains($0.id) },
        copies: Self.copies,
        seed: configuration.seed
      )
      examples = source.scans(of: Array(training.prefix(2)), copies: 1, seed: configuration.seed)
      notes = []
      return
    }
    if case .reconstruction(let recipe) = configuration.samples {
      let (loaded, faults) = try UnlabelledScans.read(
        dataset.cases,
        asPictures: dataset.isPictures,
        progress: progress,
        interruption: interruption
      )
      try Self.refuse(faults, dataset)
      trainingCases = try Self.trainingCases(dataset, configuration)
      let chosen = Set(trainingCases)
      sampler = MaskedSampler(
        try Self.sampler(
          loaded.filter { chosen.contains($0.id) },
          dataset,
          configuration,
          recipe.samples,
          interruption
        ),
        recipe: recipe,
        seed: configuration.seed
      )
      (heldOut, examples, notes) = ([], [], [])
      return
    }
    let (check, loaded) = try DatasetCheck.run(
      dataset,
      progress: progress,
      interruption: interruption
    )
    for note in check.notes { progress.warn(note + ".") }
    try Self.refuse(check.faults, dataset)
    trainingCases = try Self.trainingCases(dataset, configuration, copies: check.copies)
    let chosen = Set(trainingCases)
    let training = try loaded.filter { chosen.contains($0.id) } + PseudoLabels.read(dataset)
    heldOut = loaded.filter { !chosen.contains($0.id) }
    examples = Array(training.prefix(ModelSelfTest.scanLimit))
    notes = check.notes
    sampler = try Self.sampler(
      training,
      dataset,
      configuration,
      configuration.samples,
      interruption
    )
  }

  /// The sampler of scans for a plan.
  static func sampler(
    _ training: [DatasetCheck.LoadedCase],
    _ dataset: SegmentationDataset,
    _ configuration: TrainingConfiguration,
    _ samples: TrainingSamples,
    _ interruption: Interruption
  ) throws -> any TrainingSampler {
    let classes = LabelClasses(dataset)
    if configuration.slicePlan != nil {
      guard dataset.channelNames.count == 1, dataset.regions.isEmpty else {
        throw PipelinesError.invalidPlan(
          reason: "slices are of one channel and of labels that exclude each other"
        )
      }
    }
    guard configuration.regions ?? [] == dataset.regions.map(\.labels) else {
      throw PipelinesError.invalidPlan(reason: "its regions are not those of the data set")
    }
    switch (configuration.plan, samples) {
    case (.slices(let plan), .slices(let augmentation)):
      return try SliceSampler(
        training,
        classes: classes,
        configuration: configuration,
        plan: plan,
        augmentation: augmentation
      )
    case (.slices(let plan), .pictures(let augmentation)):
      return try PictureSampler(
        training,
        classes: classes,
        configuration: configuration,
        plan: plan,
        augmentation: augmentation
      )
    case (.nnUNet(let plan), .patches(let augmentation)) where !plan.isPlanar:
      return try VolumeSampler(
        training,
        classes: classes,
        configuration: configuration,
        plan: plan,
        augmentation: augmentation,
        interruption: interruption
      )
    default: throw PipelinesError.invalidPlan(reason: "its samples do not suit its plan")
    }
  }

  /// Ids of the cases to train on.
  private static func trainingCases(
    _ dataset: SegmentationDataset,
    _ configuration: TrainingConfiguration,
    copies: [[String]] = []
  ) throws -> [String] {
    let split = dataset.split(
      holdingOut: configuration.fold,
      seed: configuration.seed,
      copies: copies
    )
    guard !split.training.isEmpty else {
      throw PipelinesError.notADataset(
        path: dataset.path,
        reason: "\(dataset.cases.count) labelled scans leave none to train on; use --fold all"
      )
    }
    return split.training.map(\.id)
  }

  /// Scans made from each held-out label map.
  private static let copies = 2

  private static func refuse(_ faults: [String], _ dataset: SegmentationDataset) throws {
    guard faults.isEmpty else {
      throw PipelinesError.faultyDataset(path: dataset.path, faults: faults)
    }
  }
}

extension ModelPlan {
  /// The way from a scan to labels that a trained network takes; nothing is mirrored.
  /// - Parameters:
  ///   - network: The network.
  ///   - labels: The meanings of the classes.
  /// - Returns: The predictor.
  /// - Precondition: The plan is one that trainings make.
  func predictor(_ network: PlannedNetwork, labels: [LabelDefinition]) -> any ScanPredictor {
    switch self {
    case .slices(let plan):
      return plan.predictor(network, labels: labels, usesMirroring: false)
    case .nnUNet(let plan):
      var options = NNUNetPredictor.Options()
      options.usesMirroring = false
      return NNUNetPredictor(
        plan: plan,
        networks: [ScoringNetwork(planned: network)],
        labels: labels,
        options: options
      )
    case .volume, .enhancement, .atlas, .recognition, .sequence, .compression, .autoencoder,
      .stylization:
      preconditionFailure("a plan that no such training makes")
    }
  }
}
