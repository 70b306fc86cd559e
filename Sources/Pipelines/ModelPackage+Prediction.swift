import Networks
import Tensors

extension ModelPackage {
  /// Builds the networks whose scores are averaged; the files' hashes are not checked again.
  /// - Parameter folds: Names or numbers of members, or nil for all.
  /// - Returns: At least one network, in the order of the description.
  /// - Throws: `PipelinesError.unknownMember`; `LayersError` when weights and network do not fit.
  package func makeNetworks(folds: [String]? = nil) throws -> [any Network] {
    let all = description.ensemble
    let chosen = try folds.map { folds in
      let known = all.map(\.name)
      for fold in folds where !all.contains(where: { Self.isNamed($0, fold) }) {
        throw PipelinesError.unknownMember(name: fold, known: known)
      }
      return all.filter { member in folds.contains { Self.isNamed(member, $0) } }
    }
    return try (chosen ?? all).map {
      try makeNetwork($0, description.network, patchSize: description.plan.patchSize)
    }
  }

  static func isNamed(_ member: ModelDescription.Member, _ name: String) -> Bool {
    member.name == name || member.name == "fold \(name)"
  }

  /// How plans compute for a run.
  func planOptions(
    _ precision: InferencePrecision,
    _ options: SegmentationRun.Options
  ) -> InferencePlanOptions {
    var planOptions = InferencePlanOptions(precision, description.selfTest)
    if case .nnUNet = description.plan, isExact(precision, options) {
      planOptions.usesWinograd = false
    }
    return planOptions
  }

  /// Whether a run reproduces the source program's arithmetic.
  private func isExact(_ precision: InferencePrecision, _ options: SegmentationRun.Options) -> Bool
  {
    options.isExact ?? (precision == .float32)
  }

  /// The way from a scan to labels.
  /// - Parameters:
  ///   - networks: The networks to average.
  ///   - planOptions: How plans compute.
  ///   - options: What the run depends on besides its inputs.
  /// - Returns: The predictor.
  /// - Throws: What loading an earlier stage throws; `NetworksError.unavailablePrecision`.
  func predictor(
    networks: [any Network],
    planOptions: InferencePlanOptions,
    options: SegmentationRun.Options
  ) throws -> any ScanPredictor {
    let own = try ownPredictor(networks: networks, planOptions: planOptions, options: options)
    // A choice of folds is one of the package's own networks.
    guard let companions = description.companions, options.folds == nil,
      let heads = description.probabilityHeads
    else { return own }
    // Scales of 8-bit integers belong to the package's own network.
    var further = planOptions
    if further.precision == .int8 { further.precision = .bfloat16 }
    let parts = try companions.map {
      try companion($0, heads: heads, planOptions: further, options: options)
    }
    return EnsemblePredictor(parts: [own] + parts, heads: heads, labels: description.labels)
  }

  /// The way from a scan to labels by the networks of another plan.
  private func companion(
    _ stage: ModelDescription.Stage,
    heads: NNUNetPlan.Heads,
    planOptions: InferencePlanOptions,
    options: SegmentationRun.Options
  ) throws -> any ScanPredictor {
    let networks = try stage.members.map {
      try makeNetwork($0, stage.network, patchSize: stage.plan.patchSize)
    }
    switch stage.plan {
    case .slices(let plan):
      let parts = try networks.map {
        plan.predictor(
          try PlannedNetwork($0, options: planOptions),
          labels: description.labels,
          usesMirroring: options.usesMirroring ?? false
        ) as any ScanPredictor
      }
      return parts.count == 1
        ? parts[0] : EnsemblePredictor(parts: parts, heads: heads, labels: description.labels)
    case .nnUNet(let plan):
      let scratch = PlanScratch()
      return nnUNetPredictor(
        plan,
        try networks.map { try ScoringNetwork($0, options: planOptions, scratch: scratch) },
        options,
        previous: nil
      )
    case .volume(let plan):
      return try volumePredictor(
        plan,
        networks.map { try PlannedNetwork($0, options: planOptions) }
      )
    case .enhancement: throw PipelinesError.enhancingModel(name: description.name)
    case .recognition, .sequence, .compression, .autoencoder, .stylization:
      throw PipelinesError.recognizingModel(name: description.name)
    case .atlas:
      throw PipelinesError.unfitEnsemble(reason: "an atlas is fitted on its own")
    }
  }

  private func ownPredictor(
    networks: [any Network],
    planOptions: InferencePlanOptions,
    options: SegmentationRun.Options
  ) throws -> any ScanPredictor {
    switch description.plan {
    case .slices:
      let parts = try networks.map {
        try predictor(planned: PlannedNetwork($0, options: planOptions), options: options)
      }
      guard parts.count > 1 else { return parts[0] }
      guard let heads = description.probabilityHeads else {
        throw PipelinesError.unfitEnsemble(
          reason: "objects are found by one network; name it with --folds"
        )
      }
      return EnsemblePredictor(parts: parts, heads: heads, labels: description.labels)
    case .nnUNet(let plan):
      let scratch = PlanScratch()
      return try withTotalSegmentator(
        nnUNetPredictor(
          plan,
          try networks.map { try ScoringNetwork($0, options: planOptions, scratch: scratch) },
          options,
          previous: try previousPredictor(options, planOptions, scratch)
        ),
        options,
        planOptions
      )
    case .atlas(let plan):
      let locator = nnUNetPredictor(
        plan.locator,
        try networks.map { try ScoringNetwork($0, options: planOptions, scratch: PlanScratch()) },
        options,
        previous: nil
      )
      return try atlasPredictor(plan, locator: locator)
    case .volume(let plan):
      return try volumePredictor(
        plan,
        networks.map { try PlannedNetwork($0, options: planOptions) }
      )
    case .enhancement: throw PipelinesError.enhancingModel(name: description.name)
    case .recognition, .sequence, .compression, .autoencoder, .stylization:
      throw PipelinesError.recognizingModel(name: description.name)
    }
  }

  /// The way from a scan to labels with one network that is planned already.
  /// - Parameters:
  ///   - network: The network.
  ///   - options: What the run depends on besides its inputs.
  /// - Returns: The predictor.
  /// - Throws: What loading an earlier stage throws.
  func predictor(
    planned network: PlannedNetwork,
    options: SegmentationRun.Options
  ) throws -> any ScanPredictor {
    switch description.plan {
    case .slices(let plan):
      return plan.predictor(
        network,
        labels: description.labels,
        usesMirroring: options.usesMirroring ?? false
      )
    case .nnUNet(let plan):
      return try withTotalSegmentator(
        nnUNetPredictor(
          plan,
          [ScoringNetwork(planned: network)],
          options,
          previous: try previousPredictor(options, network.options, PlanScratch())
        ),
        options,
        network.options
      )
    case .volume(let plan): return try volumePredictor(plan, [network])
    case .enhancement: throw PipelinesError.enhancingModel(name: description.name)
    case .recognition, .sequence, .compression, .autoencoder, .stylization:
      throw PipelinesError.recognizingModel(name: description.name)
    case .atlas(let plan):
      let locator = nnUNetPredictor(
        plan.locator,
        [ScoringNetwork(planned: network)],
        options,
        previous: nil
      )
      return try atlasPredictor(plan, locator: locator)
    }
  }

  private func atlasPredictor(
    _ plan: AtlasPlan,
    locator: NNUNetPredictor
  ) throws -> AtlasPredictor {
    AtlasPredictor(
      atlas: try AtlasFile.read(path, name: plan.atlas, labelCount: description.labels.count),
      settings: plan.fitting,
      locator: locator,
      locatorSpacingMM: plan.locator.spacing.min() ?? 4,
      labels: description.labels,
      leastGain: plan.leastGain
    )
  }

  private func volumePredictor(
    _ plan: VolumePlan,
    _ networks: [PlannedNetwork]
  ) throws -> VolumePredictor {
    guard networks.count == VolumePredictor.networkCount(plan) else {
      throw PipelinesError.invalidPlan(
        reason: "it has \(networks.count) networks and needs "
          + "\(VolumePredictor.networkCount(plan)) at once"
      )
    }
    return VolumePredictor(plan: plan, networks: networks, labels: description.labels)
  }

  private func nnUNetPredictor(
    _ plan: NNUNetPlan,
    _ networks: [ScoringNetwork],
    _ options: SegmentationRun.Options,
    previous: (any ScanPredictor)?
  ) -> NNUNetPredictor {
    let task = try? description.totalSegmentator?.knownTask()
    var values = NNUNetPredictor.Options()
    values.usesMirroring = options.usesMirroring ?? (task == nil)
    values.step = options.step ?? task?.step ?? values.step
    values.memoryLimit = options.memoryLimit
    values.skipsAir = options.skipsAir
    return NNUNetPredictor(
      plan: plan,
      networks: networks,
      labels: description.labels,
      options: values,
      previous: previous
    )
  }

  /// What TotalSegmentator does around a network, where the package is one of its tasks.
  private func withTotalSegmentator(
    _ own: NNUNetPredictor,
    _ options: SegmentationRun.Options,
    _ planOptions: InferencePlanOptions
  ) throws -> any ScanPredictor {
    guard let plan = description.totalSegmentator else { return own }
    // Scales of 8-bit integers belong to the package's own network.
    var further = planOptions
    if further.precision == .int8 { further.precision = .bfloat16 }
    return try totalSegmentatorPredictor(plan, own: own, options: options, planOptions: further)
  }

  /// The predictor of the stage before, or nil.
  private func previousPredictor(
    _ options: SegmentationRun.Options,
    _ planOptions: InferencePlanOptions,
    _ scratch: PlanScratch
  ) throws -> (any ScanPredictor)? {
    guard let stage = description.previousStage, case .nnUNet(let plan) = stage.plan else {
      return nil
    }
    // Scales of 8-bit integers belong to the last stage's network.
    var own = planOptions
    if own.precision == .int8 { own.precision = .bfloat16 }
    let networks = try stage.members.map { member in
      try ScoringNetwork(
        makeNetwork(member, stage.network, patchSize: plan.patchSize),
        options: own,
        scratch: scratch
      )
    }
    return nnUNetPredictor(plan, networks, options, previous: nil)
  }
}
