import Imaging
import Support

/// A step that improves a scan before it is segmented, or for its own sake.
package protocol ScanStage: Sendable {
  /// What the step is, for the record of a run.
  var record: StageRecord { get }
  /// Whether the step takes noise away and keeps the grid, so that it is for each colour of a picture.
  var removesNoise: Bool { get }

  /// Checks that the step is made for a scan.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - modality: The modality that its file states, or nil.
  ///   - path: The scan's name for messages.
  /// - Throws: `PipelinesError.unsuitableScan`.
  func check(_ scan: Volume<Float>, modality: String?, path: String) throws

  /// Improves a scan.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between pieces.
  /// - Returns: The improved scan over the same field of view, perhaps on a finer grid.
  /// - Throws: What goes wrong; `SupportError.interrupted`.
  func apply(
    _ scan: Volume<Float>,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> Volume<Float>
}

/// What a record says of a step that improved a scan.
public struct StageRecord: Codable, Equatable, Sendable {
  /// A model's or a filter's name.
  public var name: String
  /// The model's own version; nil for filters.
  public var version: String?
  /// SHA-256 of the model's weights; nil for filters.
  public var weightsSHA256: String?
  /// What it does in a few words, with its settings.
  public var summary: String

  /// Creates a record.
  /// - Parameters:
  ///   - name: A model's or a filter's name.
  ///   - version: The model's own version.
  ///   - weightsSHA256: SHA-256 of the model's weights.
  ///   - summary: What it does in a few words.
  public init(
    name: String,
    version: String? = nil,
    weightsSHA256: String? = nil,
    summary: String
  ) {
    self.name = name
    self.version = version
    self.weightsSHA256 = weightsSHA256
    self.summary = summary
  }
}

extension ScanChannels {
  /// The channels after some steps, in single precision.
  /// - Parameters:
  ///   - stages: The steps, in order.
  ///   - modality: The modality that the scan's file states, or nil.
  ///   - path: The scan's name for messages.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between pieces.
  /// - Returns: The channels themselves without steps.
  /// - Throws: What the steps throw.
  func enhanced(
    by stages: [any ScanStage],
    modality: String?,
    path: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> ScanChannels {
    guard !stages.isEmpty else { return self }
    return ScanChannels(
      try volumes.map { volume in
        var scan = volume.asFloat
        for stage in stages {
          try stage.check(scan, modality: modality, path: path)
          scan = try stage.apply(scan, progress: progress, interruption: interruption)
        }
        return .float32(scan)
      },
      seeds: seeds
    )
  }
}

extension ScanStage {
  package var removesNoise: Bool { false }
}
