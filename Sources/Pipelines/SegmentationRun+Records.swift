extension SegmentationRun {
  /// The steps before; nil without any.
  var stageRecords: [StageRecord]? {
    options.stages.isEmpty ? nil : options.stages.map(\.record)
  }

  /// The methods that improve the labels; nil without any.
  var refinementRecords: [StageRecord]? {
    options.refinements.isEmpty ? nil : options.refinements.map(\.record)
  }

  /// The options that a result depends on.
  var settings: RunRecord.Settings {
    var settings = RunRecord.Settings(
      exact: options.isExact,
      mirroring: options.usesMirroring,
      folds: options.folds,
      step: options.step,
      structures: options.structures,
      postprocess: options.postprocesses ? true : nil,
      skipsAir: options.skipsAir ? true : nil,
      uncertaintySamples: options.uncertaintySamples,
      seed: options.uncertaintySamples == nil ? nil : options.seed
    )
    settings.explanations = options.explanations.isEmpty ? nil : options.explanations
    return settings
  }

  /// Whether a folder holds the result of the same scan, weights and options.
  /// - Parameters:
  ///   - item: The case.
  ///   - folder: A result folder, which may be missing.
  /// - Returns: Whether nothing is left to do.
  public func isDone(_ item: SegmentationInputs.Case, in folder: String) -> Bool {
    guard let record = RunRecord.read(folder + "/" + RunRecord.fileName) else { return false }
    let earlier = (record.ensemble ?? [record.model]).map(\.identity)
    let seeds = options.seeds.flatMap { try? SeedFile.identified(in: $0, caseID: item.id) }
    let isThere = !options.wantsUncertainty || Self.hasUncertainty(folder)
    return isThere && record.input == item.path && earlier == source.records.map(\.identity)
      && record.refinements == refinementRecords && record.seeds == seeds?.path
      && record.seedsSHA256 == seeds?.sha256
      && record.precision == precision.precision.rawValue && record.settings == settings
      && record.selection == options.selection && record.stages == stageRecords
  }
}
