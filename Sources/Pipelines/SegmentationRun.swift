package import ClassicalSegmentation
import Evaluation
import Foundation
import Imaging
import ImagingIO
import Networks
import Support
import Tensors

/// Segments scans with one model, or several that are averaged, and writes what the command line
/// promises.
public struct SegmentationRun: Sendable {
  /// What a run depends on besides its inputs.
  public struct Options: Sendable {
    /// Which series and volume of each input.
    public var selection = VolumeSelection()
    /// Whether to average over the plan's mirror axes; nil for what the model's program does.
    public var usesMirroring: Bool?
    /// Names of the structures to keep; nil keeps all.
    public var structures: [String]?
    /// Whether to apply the model's postprocessing: its own, or the largest component of each
    /// structure.
    public var postprocesses = false
    /// The numbers to compute with.
    public var precision = PrecisionChoice.f32
    /// Whether to reproduce the source program's arithmetic; nil for what the precision allows.
    public var isExact: Bool?
    /// Names or numbers of the networks to average; nil averages all.
    public var folds: [String]?
    /// Distance of neighbouring tiles as a share of their size; nil for what the model's program does.
    public var step: Double?
    /// Whether tiles of air in CT are not computed one by one (`NNUNetPredictor.Options.skipsAir`).
    public var skipsAir = false
    /// A ceiling of memory in bytes, or nil.
    public var memoryLimit: Int?
    /// Whether class probabilities are wanted.
    public var wantsProbabilities = false
    /// Whether maps of how unsure the model is are wanted.
    public var wantsUncertainty = false
    /// How often each network's dropout is drawn for them; nil for networks and mirror images as they are.
    public var uncertaintySamples: Int?
    /// The seed of these draws.
    public var seed: UInt64 = 1
    /// Intervals of volumes that measurements get; nil for none.
    public var volumeIntervals: VolumeIntervals?
    /// How results are explained, for the record: a run that resumes makes what lacks.
    public var explanations: [String] = []
    /// Steps that improve each channel of a scan before it is segmented, in order.
    package var stages: [any ScanStage] = []
    /// Classical methods that improve the labels by the scan, in order.
    package var refinements: [any ClassicalRefinement] = []
    /// A label map of seeds for a classical method, or a folder with one for each case; nil for none.
    public var seeds: String?
    /// The command line, for the record.
    public var command = ""

    /// Creates the defaults that the properties show.
    public init() {}
  }

  /// One finished case, in memory.
  public struct Result: Sendable {
    /// The scan's first channel, in the type of its file.
    let volume: AnyVolume
    /// The segmentation on the scan's grid.
    public let labelMap: LabelMap
    /// What was segmented, with which model, how.
    public let record: RunRecord
    /// The DICOM slices that were segmented, or nil.
    public let source: DICOMSource?
    /// The scan's modality, such as "CT", or nil.
    public let modality: String?
    /// Whether the scan is a picture, which has no place in a patient.
    package let isPicture: Bool
    /// What the label map counts, such as "nucleus"; nil where labels are structures.
    public let objectName: String?
    /// Class probabilities, if they were wanted.
    package let probabilities: ProbabilitySink?
    /// How unsure the model is, if it was wanted.
    package let uncertainty: UncertaintyMaps?
    /// The mean probability that the model gave to the voxels of a structure, by label.
    fileprivate let confidence: [Int: Double]
    /// Volumes that the model wants reported beside those of its structures.
    fileprivate let totals: [ModelDescription.Total]
    /// Intervals of volumes, if they were wanted.
    fileprivate let volumeIntervals: VolumeIntervals?

    /// The scan's first channel in single precision; made anew with each call.
    public var scan: Volume<Float> { volume.asFloat }

    /// Measures the structures; made anew with each call.
    ///
    /// A total is left out when one of its structures was not asked for.
    /// - Returns: The content of `statistics.json`.
    /// - Throws: `ImagingError.gridMismatch`, which a segmentation on its scan's grid never does.
    public func statistics() throws -> StatisticsFile {
      var structures = try StructureStatistics.measure(labelMap, scan: scan)
      for index in structures.indices where structures[index].voxels > 0 {
        structures[index].uncalibratedConfidence = confidence[structures[index].label]
      }
      let doubt = uncertainty?.statistics(labelMap, areObjects: objectName != nil)
      volumeIntervals?.add(to: &structures, uncertainty: doubt?.meanEntropy)
      return StatisticsFile(
        structures: structures,
        objects: objectName.map { ObjectStatistics(name: $0, of: structures) },
        totals: totals.compactMap {
          VolumeTotal(
            name: $0.name,
            labels: $0.labels,
            definition: $0.definition,
            of: structures
          )
        },
        uncertainty: doubt
      )
    }
  }

  /// A case whose scan was read.
  public struct LoadedCase: Sendable {
    /// The case.
    public let item: SegmentationInputs.Case
    fileprivate let channels: ScanChannels
    fileprivate let loaded: LoadedVolume
    fileprivate let inputSHA256: String?
    fileprivate let seeds: (path: String, sha256: String)?
    /// How long the reading took.
    fileprivate let duration: Duration
  }

  /// The precision that the run computes with, and why.
  public let precision: PrecisionDecision
  let source: LabelSource
  let predictor: any ScanPredictor
  private let uncertainty: UncertaintyEstimator?
  let options: Options
  let progress: any ProgressReporter
  let interruption: Interruption

  /// Loads one model.
  /// - Parameters:
  ///   - model: The model; its files are checked against their hashes.
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and predicting.
  ///   - interruption: Looked at between batches of slices.
  /// - Throws: As `init(models:options:progress:interruption:)`.
  public init(
    model: ModelPackage,
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    try self.init(
      models: [model],
      options: options,
      progress: progress,
      interruption: interruption
    )
  }

  /// Loads models whose class probabilities are averaged.
  /// - Parameters:
  ///   - models: At least one model; files are checked against their hashes.
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and predicting.
  ///   - interruption: Looked at between batches of slices.
  /// - Throws: `PipelinesError.damagedModel`, `.unknownStructure`, `.unknownMember`, `.unfitEnsemble`;
  ///   `LayersError`; `NetworksError.unavailablePrecision`.
  /// - Precondition: There is a model.
  public init(
    models: [ModelPackage],
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    precondition(!models.isEmpty, "no model")
    self.source = LabelSource(models)
    self.options = options
    self.progress = progress
    self.interruption = interruption
    for model in models {
      switch model.description.task {
      case .segmentation: continue
      case .start: throw PipelinesError.unsuitedModel(name: model.description.name)
      case .enhancement: throw PipelinesError.enhancingModel(name: model.description.name)
      case .recognition, .sequence, .compression, .autoencoder, .stylization:
        throw PipelinesError.recognizingModel(name: model.description.name)
      }
    }
    let known = models[0].description.labels.map(\.name)
    for name in options.structures ?? [] where !known.contains(name) {
      throw PipelinesError.unknownStructure(name: name, known: known)
    }
    let heads = models[0].description.probabilityHeads
    if models.count > 1 { try Self.checkEnsemble(models) }
    var decisions: [PrecisionDecision] = []
    var predictors: [any ScanPredictor] = []
    for model in models {
      // What was read while the hashes were computed is used only when they are right.
      let (verified, loaded) = Parallelism.both(
        { Swift.Result { try model.verify() } },
        { Swift.Result { try model.makeNetworks(folds: options.folds) } }
      )
      try verified.get()
      let networks = try loaded.get()
      let own = try PrecisionDecision(
        options.precision,
        model: model.description,
        network: networks[0]
      )
      decisions.append(own)
      predictors.append(
        try model.predictor(
          networks: networks,
          planOptions: model.planOptions(own.precision, options),
          options: options
        )
      )
    }
    precision = decisions[0]
    var base = predictors[0]
    if predictors.count > 1, let heads {
      base = EnsemblePredictor(
        parts: predictors,
        heads: heads,
        labels: models[0].description.labels
      )
    }
    let givesProbabilities = models.allSatisfy { model in
      if case .volume(let plan) = model.description.plan { plan.givesProbabilities } else { true }
    }
    predictor = try Self.refined(
      base,
      heads: givesProbabilities ? heads : nil,
      countsObjects: source.objectName != nil,
      options: options
    )
    uncertainty = try Self.estimator(of: models, base, options)
  }

  /// Takes a classical method.
  /// - Parameters:
  ///   - method: The method.
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and segmenting.
  ///   - interruption: Looked at between pieces of work.
  /// - Throws: `ClassicalSegmentationError.needsSeeds`, `.takesNoSeeds`;
  ///   `PipelinesError.noProbabilities`.
  package init(
    method: any ClassicalMethod,
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    try method.checkSeeds(options.seeds != nil)
    guard !options.needsProbabilities else {
      throw PipelinesError.noProbabilities(method: type(of: method).name)
    }
    uncertainty = nil
    source = LabelSource(method, isSeeded: options.seeds != nil)
    self.options = options
    self.progress = progress
    self.interruption = interruption
    precision = .classical
    predictor = try Self.refined(
      ClassicalPredictor(method: method, memoryLimit: options.memoryLimit),
      heads: nil,
      countsObjects: source.objectName != nil,
      options: options
    )
  }

  /// Takes atlases.
  /// - Parameters:
  ///   - atlases: Labelled scans.
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and segmenting.
  ///   - interruption: Looked at between evaluations.
  /// - Throws: `PipelinesError.unknownStructure`, `.noProbabilities`; `SupportError` for unreadable files.
  package init(
    atlases: RegisteredAtlases,
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    guard !options.needsProbabilities else {
      throw PipelinesError.noProbabilities(method: atlases.text)
    }
    uncertainty = nil
    let known = atlases.dataset.labels.map(\.name)
    for name in options.structures ?? [] where !known.contains(name) {
      throw PipelinesError.unknownStructure(name: name, known: known)
    }
    source = try LabelSource(atlases)
    self.options = options
    self.progress = progress
    self.interruption = interruption
    precision = .classical
    predictor = try Self.refined(
      RegisteredAtlasPredictor(atlases: atlases),
      heads: nil,
      options: options
    )
  }

  /// A predictor whose labels are improved as the options say.
  private static func refined(
    _ base: any ScanPredictor,
    heads: NNUNetPlan.Heads?,
    countsObjects: Bool = false,
    options: Options
  ) throws -> any ScanPredictor {
    guard let last = options.refinements.last else { return base }
    guard !options.needsProbabilities else {
      throw PipelinesError.noProbabilities(method: type(of: last).name)
    }
    return RefinedPredictor(
      base: base,
      refinements: options.refinements,
      heads: countsObjects ? nil : heads,
      countsObjects: countsObjects,
      memoryLimit: options.memoryLimit
    )
  }

  static func checkEnsemble(_ models: [ModelPackage]) throws {
    let first = models[0].description
    for model in models {
      let other = model.description
      guard other.labels.map(\.id) == first.labels.map(\.id),
        other.labels.map(\.name) == first.labels.map(\.name),
        let heads = other.probabilityHeads, heads == first.probabilityHeads
      else {
        throw PipelinesError.unfitEnsemble(
          reason: "\(other.name) and \(first.name) do not give probabilities of the same classes"
        )
      }
      guard other.channels.count == first.channels.count else {
        throw PipelinesError.unfitEnsemble(
          reason: "\(other.name) takes \(other.channels.count) channels and \(first.name) "
            + "\(first.channels.count)"
        )
      }
    }
  }

  /// Reads one scan.
  /// - Parameter item: The case.
  /// - Returns: The scan.
  /// - Throws: What reading throws; `PipelinesError.unsuitableScan`.
  public func load(_ item: SegmentationInputs.Case) throws -> LoadedCase {
    let clock = ContinuousClock()
    let start = clock.now
    let loader = ScanLoader(
      channels: source.channels,
      kind: source.kind,
      selection: options.selection,
      progress: progress
    )
    var (channels, loaded) = try loader.load(item)
    let seeds = try options.seeds.map { try SeedFile.identified(in: $0, caseID: item.id) }
    if let seeds {
      channels = ScanChannels(
        channels.volumes,
        seeds: try SeedFile.read(seeds.path, onto: channels.geometry)
      )
    }
    var hash: String?
    if loaded.files.count == 1, let file = loaded.files.first {
      hash = try SHA256.hexDigest(ofFile: file)
    }
    return LoadedCase(
      item: item,
      channels: channels,
      loaded: loaded,
      inputSHA256: hash,
      seeds: seeds,
      duration: clock.now - start
    )
  }

  /// Reads and segments one scan.
  /// - Parameter item: The case.
  /// - Returns: Scan, label map and record.
  /// - Throws: What reading throws; `PipelinesError.unsuitableScan`; `SupportError.interrupted`.
  public func segment(_ item: SegmentationInputs.Case) throws -> Result {
    try segment(load(item))
  }

  /// Segments a scan that was read.
  /// - Parameter scan: The scan.
  /// - Returns: Scan, label map and record.
  /// - Throws: `PipelinesError.unsuitableScan`; `SupportError.interrupted`.
  public func segment(_ scan: LoadedCase) throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let (item, channels, loaded) = (scan.item, scan.channels, scan.loaded)
    let readsPrediction = uncertainty?.readsPrediction ?? false
    let probabilities =
      options.wantsProbabilities || readsPrediction ? try ProbabilitySink() : nil
    let (confidence, problems) = (ConfidenceSums(), PredictionProblems())
    let seen = try channels.enhanced(
      by: options.stages,
      modality: loaded.summary.modality,
      path: item.path,
      progress: progress,
      interruption: interruption
    )
    if options.needsProbabilities, seen.geometry != channels.geometry {
      throw PipelinesError.unfitStage(
        name: options.stages.map(\.record.name).joined(separator: ", "),
        reason: "class probabilities would lie on another grid than the scan's; leave out "
          + "--write probabilities and uncertainty"
      )
    }
    if channels.seeds != nil, seen.geometry != channels.geometry {
      throw PipelinesError.unfitStage(
        name: options.stages.map(\.record.name).joined(separator: ", "),
        reason: "seeds would lie on another grid than the image; leave the stage out"
      )
    }
    var labelMap = try predictor.predict(
      seen,
      outputs: PredictionOutputs(
        probabilities: probabilities,
        confidence: confidence,
        problems: problems
      ),
      progress: progress,
      interruption: interruption
    )
    labelMap = try postprocessed(labelMap).gathered(onto: channels.geometry)
    let maps = try uncertainty.map { estimator in
      if readsPrediction, let probabilities {
        return estimator.maps(of: probabilities, on: seen.geometry)
      }
      return try estimator.maps(of: seen, progress: progress, interruption: interruption)
    }

    var record = RunRecord(
      caseID: item.id,
      input: item.path,
      model: source.records[0],
      labels: labelMap.table,
      threads: Parallelism.threadCount,
      seconds: (scan.duration + (clock.now - start)).seconds,
      peakMemoryMB: Self.peakMemoryMB,
      command: options.command
    )
    record.inputSHA256 = scan.inputSHA256
    record.ensemble = source.records.count > 1 ? source.records : nil
    record.settings = settings
    record.stages = stageRecords
    record.refinements = refinementRecords
    record.seeds = scan.seeds?.path
    record.seedsSHA256 = scan.seeds?.sha256
    record.precision = precision.precision.rawValue
    record.precisionReason = precision.reason
    record.series = options.selection.series
    record.volume = options.selection.volume
    record.timePoint = options.selection.timePoint
    record.rules = options.selection.rules.isEmpty ? nil : options.selection.rules
    record.regrids = options.selection.regrids ? true : nil
    record.usesSUV = options.selection.usesSUV ? true : nil
    record.problems = loaded.summary.problems + problems.all
    return Result(
      volume: channels.volumes[0],
      labelMap: labelMap,
      record: record,
      source: loaded.source,
      modality: loaded.summary.modality,
      isPicture: source.kind.isGreyPicture(item.path),
      objectName: source.objectName,
      probabilities: options.wantsProbabilities ? probabilities : nil,
      uncertainty: maps,
      confidence: confidence.means,
      totals: source.totals,
      volumeIntervals: options.volumeIntervals
    )
  }
}
