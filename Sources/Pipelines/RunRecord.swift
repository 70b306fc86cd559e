import Foundation
import Imaging
import ImagingIO
import Support

/// The `run.json` of a segmentation: what was segmented, with which model, how.
public struct RunRecord: Codable, Equatable, Sendable {
  /// The model that was used.
  public struct Model: Codable, Equatable, Sendable {
    /// The package's name.
    public var name: String
    /// The model's own version.
    public var version: String
    /// The package's folder.
    public var path: String
    /// SHA-256 of the weights; empty for a classical method.
    public var weightsSHA256: String
    /// The plan in a few words, such as "coronal slices of 64 x 64"; of a classical method its settings.
    public var plan: String

    /// Creates the record of a model.
    /// - Parameters:
    ///   - name: The package's name.
    ///   - version: The model's own version.
    ///   - path: The package's folder.
    ///   - weightsSHA256: SHA-256 of the weights.
    ///   - plan: The plan in a few words.
    public init(
      name: String,
      version: String,
      path: String,
      weightsSHA256: String,
      plan: String
    ) {
      self.name = name
      self.version = version
      self.path = path
      self.weightsSHA256 = weightsSHA256
      self.plan = plan
    }
  }

  /// The options that a result depends on; those that were not given are nil.
  public struct Settings: Codable, Equatable, Sendable {
    /// `--exact`.
    public var exact: Bool?
    /// `--tta`.
    public var mirroring: Bool?
    /// `--folds`.
    public var folds: [String]?
    /// `--step`.
    public var step: Double?
    /// `--labels`.
    public var structures: [String]?
    /// `--postprocess`.
    public var postprocess: Bool?
    /// `--skip-air`.
    public var skipsAir: Bool?
    /// `--uncertainty-samples`.
    public var uncertaintySamples: Int?
    /// `--seed`, where something was drawn.
    public var seed: UInt64?
    /// `--explain`.
    public var explanations: [String]?

    package init(
      exact: Bool? = nil,
      mirroring: Bool? = nil,
      folds: [String]? = nil,
      step: Double? = nil,
      structures: [String]? = nil,
      postprocess: Bool? = nil,
      skipsAir: Bool? = nil,
      uncertaintySamples: Int? = nil,
      seed: UInt64? = nil
    ) {
      self.exact = exact
      self.mirroring = mirroring
      self.folds = folds
      self.step = step
      self.structures = structures
      self.postprocess = postprocess
      self.skipsAir = skipsAir
      self.uncertaintySamples = uncertaintySamples
      self.seed = seed
    }
  }

  /// The record's name in a result folder.
  public static let fileName = "run.json"
  /// The schema that this version writes and reads.
  public static let currentSchema = "lamina.run/1"

  /// The format's name and version.
  public var schema = RunRecord.currentSchema
  /// The case's name.
  public var caseID: String
  /// The scan, as its path was given.
  public var input: String
  /// SHA-256 of the scan when it is one file.
  public var inputSHA256: String?
  /// `--series`, if it was given.
  public var series: String?
  /// `--volume`, if it was given.
  public var volume: Int?
  /// `--time-point`, if it was given.
  public var timePoint: Int?
  /// The rules for series, if any were given.
  public var rules: SeriesRules?
  /// Whether `--regrid` was given.
  public var regrids: Bool?
  /// Whether `--suv` was given.
  public var usesSUV: Bool?
  /// The model; the first where several were averaged.
  public var model: Model
  /// The models whose probabilities were averaged, or nil for one.
  public var ensemble: [Model]?
  /// The steps that improved the scan before; nil for none.
  public var stages: [StageRecord]?
  /// The classical methods that improved the labels; nil for none.
  public var refinements: [StageRecord]?
  /// The label map that `--seeds` named, if it was given.
  public var seeds: String?
  /// SHA-256 of the seeds' file.
  public var seedsSHA256: String?
  /// The options that the result depends on; nil in records of earlier versions.
  public var settings: Settings?
  /// What the numbers of the label map mean, with colours and codes.
  public var labels: [LabelDefinition]
  /// What was odd about the scan.
  public var problems: [InputProblem]
  /// The arithmetic, such as "f32".
  public var precision: String
  /// Why that precision; nil in records of earlier versions.
  public var precisionReason: String?
  /// The number of threads.
  public var threads: Int
  /// Wall time in seconds.
  public var seconds: Double
  /// Peak memory of the process in MB (10^6 bytes).
  public var peakMemoryMB: Double
  /// When the run ended, ISO 8601 in UTC.
  public var date: String
  /// The command line.
  public var command: String
  /// The program's version.
  public var laminaVersion = Version.current
  /// That this is no medical device.
  public var disclaimer = Version.disclaimer

  /// Creates a record of a run that ends now.
  /// - Parameters:
  ///   - caseID: The case's name.
  ///   - input: The scan, as its path was given.
  ///   - model: The model.
  ///   - labels: What the numbers of the label map mean.
  ///   - threads: The number of threads.
  ///   - seconds: Wall time in seconds.
  ///   - peakMemoryMB: Peak memory of the process in MB.
  ///   - command: The command line.
  public init(
    caseID: String,
    input: String,
    model: Model,
    labels: [LabelDefinition],
    threads: Int,
    seconds: Double,
    peakMemoryMB: Double,
    command: String
  ) {
    self.caseID = caseID
    self.input = input
    self.model = model
    self.labels = labels
    self.threads = threads
    self.seconds = seconds
    self.peakMemoryMB = peakMemoryMB
    self.command = command
    problems = []
    precision = "f32"
    date = Date().formatted(.iso8601)
  }

  /// What was read of the input.
  public var selection: VolumeSelection {
    var selection = VolumeSelection(series: series, volume: volume)
    selection.timePoint = timePoint
    selection.rules = rules ?? SeriesRules()
    selection.regrids = regrids ?? false
    selection.usesSUV = usesSUV ?? false
    return selection
  }

  /// Reads the record of a result folder.
  /// - Parameter path: A `run.json`.
  /// - Returns: The record, or nil when the file is not there or not a record of this schema.
  public static func read(_ path: String) -> RunRecord? {
    guard let data = FileManager.default.contents(atPath: path),
      let record = try? JSONDecoder().decode(RunRecord.self, from: data),
      record.schema == currentSchema
    else { return nil }
    return record
  }

  /// The record as JSON with sorted keys.
  /// - Returns: UTF-8 text that ends in a line feed.
  /// - Throws: `EncodingError` when a number is not finite.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
