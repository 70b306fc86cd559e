import Networks
import Tensors

extension ModelPackage {
  /// The predictor of the stage before, or nil.
  private func previousPredictor(
    options: SegmentationRun.Options,
    like planOptions: InferencePlanOptions
  ) throws -> (any ScanPredictor)? {
    guard let stage = description.previousStage, case .nnUNet(let plan) = stage.plan else {
      return nil
    }
    var values = NNUNetPredictor.Options()
    values.usesMirroring = options.usesMirroring ?? true
    values.step = options.step ?? values.step
    values.memoryLimit = options.memoryLimit
    return NNUNetPredictor(
      plan: plan,
      networks: try stage.members.map {
        try PlannedNetwork(
          makeNetwork($0, stage.network, patchSize: plan.patchSize),
          options: planOptions
        )
      },
      labels: description.labels,
      options: values
    )
  }

  /// Builds the networks whose scores are averaged; the files' hashes are not checked again.
  /// - Parameter folds: Names or numbers of members, or nil for all.
  /// - Returns: At least one network, in the order of the description.
  /// - Throws: `PipelinesError.unknownMember`; `LayersError` when weights and network do not fit.
  func makeNetworks(folds: [String]? = nil) throws -> [any Network] {
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

  private static func isNamed(_ member: ModelDescription.Member, _ name: String) -> Bool {
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
  ///   - options: What the run depends on besides its inputs.
  /// - Returns: The predictor.
  /// - Throws: What loading an earlier stage throws.
  func predictor(
    networks: [PlannedNetwork],
    options: SegmentationRun.Options
  ) throws -> any ScanPredictor {
    switch description.plan {
    case .slices(let plan):
      return SlicePredictor(
        plan: plan,
        network: networks[0],
        labels: description.labels,
        usesMirroring: options.usesMirroring ?? false
      )
    case .nnUNet(let plan):
      var values = NNUNetPredictor.Options()
      values.usesMirroring = options.usesMirroring ?? true
      values.step = options.step ?? values.step
      values.memoryLimit = options.memoryLimit
      return NNUNetPredictor(
        plan: plan,
        networks: networks,
        labels: description.labels,
        options: values,
        previous: try previousPredictor(options: options, like: networks[0].options)
      )
    }
  }
}
