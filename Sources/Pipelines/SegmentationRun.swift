import Evaluation
import Foundation
import Imaging
import ImagingIO
import Networks
import Support
import Tensors

/// Segments scans with one model and writes what the command line promises.
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
    /// A ceiling of memory in bytes, or nil.
    public var memoryLimit: Int?
    /// Whether class probabilities are wanted.
    public var wantsProbabilities = false
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
    /// Class probabilities, if they were wanted.
    package let probabilities: ProbabilitySink?

    /// The scan's first channel in single precision; made anew with each call.
    public var scan: Volume<Float> { volume.asFloat }
  }

  /// The precision that the run computes with, and why.
  public let precision: PrecisionDecision
  private let model: ModelPackage
  private let predictor: any ScanPredictor
  private let options: Options
  private let progress: any ProgressReporter
  private let interruption: Interruption

  /// Loads the model.
  /// - Parameters:
  ///   - model: The model; its files are checked against their hashes.
  ///   - options: What the run depends on besides its inputs.
  ///   - progress: Told about reading and predicting.
  ///   - interruption: Looked at between batches of slices.
  /// - Throws: `PipelinesError.damagedModel`, `.unknownStructure`, `.unknownMember`; `LayersError`;
  ///   `NetworksError.unavailablePrecision`.
  public init(
    model: ModelPackage,
    options: Options,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    self.model = model
    self.options = options
    self.progress = progress
    self.interruption = interruption
    let known = model.description.labels.map(\.name)
    for name in options.structures ?? [] where !known.contains(name) {
      throw PipelinesError.unknownStructure(name: name, known: known)
    }
    try model.verify()
    let networks = try model.makeNetworks(folds: options.folds)
    precision = try PrecisionDecision(
      options.precision,
      model: model.description,
      network: networks[0]
    )
    predictor = try model.predictor(
      networks: networks,
      planOptions: model.planOptions(precision.precision, options),
      options: options
    )
  }

  /// Segments one scan.
  /// - Parameter item: The case.
  /// - Returns: Scan, label map and record.
  /// - Throws: What reading throws; `PipelinesError.unsuitableScan`; `SupportError.interrupted`.
  public func segment(_ item: SegmentationInputs.Case) throws -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let loader = ScanLoader(
      channels: model.description.channels.count,
      plan: model.description.plan,
      selection: options.selection,
      progress: progress
    )
    let (channels, loaded) = try loader.load(item)
    let probabilities = options.wantsProbabilities ? try ProbabilitySink() : nil
    var labelMap = try predictor.predict(
      channels,
      outputs: PredictionOutputs(probabilities: probabilities),
      progress: progress,
      interruption: interruption
    )
    labelMap = postprocessed(labelMap)

    let description = model.description
    var record = RunRecord(
      caseID: item.id,
      input: item.path,
      model: RunRecord.Model(
        name: description.name,
        version: description.version,
        path: model.path,
        weightsSHA256: description.files[description.ensemble[0].weights] ?? "",
        plan: "\(description.network.name), \(description.plan.summary)"
      ),
      labels: labelMap.table,
      threads: Parallelism.threadCount,
      seconds: (clock.now - start).seconds,
      peakMemoryMB: Self.peakMemoryMB,
      command: options.command
    )
    if loaded.files.count == 1, let file = loaded.files.first {
      record.inputSHA256 = try SHA256.hexDigest(ofFile: file)
    }
    record.precision = precision.precision.rawValue
    record.precisionReason = precision.reason
    record.series = options.selection.series
    record.volume = options.selection.volume
    record.timePoint = options.selection.timePoint
    record.rules = options.selection.rules.isEmpty ? nil : options.selection.rules
    record.regrids = options.selection.regrids ? true : nil
    record.usesSUV = options.selection.usesSUV ? true : nil
    record.problems = loaded.summary.problems
    return Result(
      volume: channels.volumes[0],
      labelMap: labelMap,
      record: record,
      source: loaded.source,
      modality: loaded.summary.modality,
      probabilities: probabilities
    )
  }

  private func postprocessed(_ labelMap: LabelMap) -> LabelMap {
    var result = labelMap
    // TotalSegmentator clears small pieces before its labels come back onto the scan's grid.
    if options.postprocesses, model.description.totalSegmentator == nil {
      result =
        model.description.postprocessing?.applied(to: result) ?? result.keepingLargestComponent()
    }
    guard let names = options.structures else { return result }
    let kept = result.table.filter { names.contains($0.name) }
    let ids = Set(kept.map { UInt16($0.id) })
    return LabelMap(
      geometry: result.geometry,
      labels: result.labels.map { ids.contains($0) ? $0 : 0 },
      table: kept
    )
  }

  /// Writes a case's files into a folder that exists.
  /// - Parameters:
  ///   - result: The finished case.
  ///   - folder: The folder.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public static func write(_ result: Result, to folder: String) throws {
    try NIfTIWriter.write(result.labelMap, to: folder + "/" + CasePairing.resultFileName)
    let statistics = try StructureStatistics.measure(result.labelMap, scan: result.scan)
    let names = Dictionary(
      result.labelMap.table.map { ($0.name, $0.id) },
      uniquingKeysWith: { first, _ in first }
    )
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    for (name, data) in [
      ("labels.json", try encoder.encode(names) + Data("\n".utf8)),
      ("statistics.json", try StatisticsFile(structures: statistics).json()),
      (RunRecord.fileName, try result.record.json()),
    ] {
      do {
        try data.write(to: URL(fileURLWithPath: folder + "/" + name))
      } catch {
        throw SupportError.unwritable(
          path: folder + "/" + name,
          reason: OutputGuard.reason(of: error)
        )
      }
    }
  }

  /// The most memory that the process ever held, MB (10^6 bytes).
  public static var peakMemoryMB: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return (Double(usage.ru_maxrss) * 1024 / 1e5).rounded() / 10
  }
}

/// The `manifest.json` of a batch: what became of each case.
public struct SegmentationManifest: Codable, Sendable, Equatable {
  /// What became of a case.
  public enum Status: String, Codable, Sendable {
    /// Segmented in this run.
    case done
    /// Not segmented; `error` says why.
    case failed
    /// Segmented by an earlier run.
    case skipped
  }

  /// One case.
  public struct Case: Codable, Sendable, Equatable {
    /// The case's name.
    public let id: String
    /// The scan, as its path was given.
    public let input: String
    /// What became of it.
    public let status: Status
    /// Wall time in seconds.
    public let seconds: Double
    /// Peak memory of the process so far in MB (10^6 bytes).
    public let peakMemoryMB: Double
    /// Why the case failed, one sentence.
    public let error: String?

    /// Creates an entry.
    /// - Parameters:
    ///   - id: The case's name.
    ///   - input: The scan.
    ///   - status: What became of it.
    ///   - seconds: Wall time.
    ///   - peakMemoryMB: Peak memory of the process so far.
    ///   - error: Why the case failed.
    public init(
      id: String,
      input: String,
      status: Status,
      seconds: Double,
      peakMemoryMB: Double,
      error: String? = nil
    ) {
      self.id = id
      self.input = input
      self.status = status
      self.seconds = seconds
      self.peakMemoryMB = peakMemoryMB
      self.error = error
    }
  }

  /// Version of this manifest.
  public var schema = "lamina.manifest/1"
  /// The model's name.
  public let model: String
  /// The cases, in the order of the inputs.
  public var cases: [Case]

  /// Creates a manifest without cases.
  /// - Parameter model: The model's name.
  public init(model: String) {
    self.model = model
    cases = []
  }

  /// The manifest's name in a batch's folder.
  public static let fileName = "manifest.json"
}
