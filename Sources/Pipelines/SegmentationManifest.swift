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
