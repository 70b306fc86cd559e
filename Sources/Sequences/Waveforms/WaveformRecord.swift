/// Signals that were sampled together, such as the leads of an electrocardiogram.
///
/// A record has no patient: comments of its file are not read.
public struct WaveformRecord: Sendable, Equatable {
  /// One signal.
  public struct Signal: Sendable, Equatable {
    /// What was measured, such as "MLII"; may be empty.
    public let name: String
    /// The unit of the values, such as "mV".
    public let unit: String
    /// One value for each sample; not a number where the sample is missing.
    public var values: [Float]

    /// Creates a signal.
    /// - Parameters:
    ///   - name: What was measured.
    ///   - unit: The unit of the values.
    ///   - values: One value for each sample.
    public init(name: String, unit: String, values: [Float]) {
      self.name = name
      self.unit = unit
      self.values = values
    }
  }

  /// The record's name, that of its header.
  public let name: String
  /// Samples a second of each signal.
  public let samplingHz: Double
  /// The signals, all of one length.
  public let signals: [Signal]

  /// Creates a record.
  /// - Parameters:
  ///   - name: The record's name.
  ///   - samplingHz: Samples a second, above 0.
  ///   - signals: The signals, all of one length.
  /// - Precondition: There is a signal, and the lengths are equal.
  public init(name: String, samplingHz: Double, signals: [Signal]) {
    precondition(
      samplingHz > 0 && !signals.isEmpty
        && signals.allSatisfy { $0.values.count == signals[0].values.count },
      "signals of \(signals.map(\.values.count)) samples at \(samplingHz) Hz"
    )
    self.name = name
    self.samplingHz = samplingHz
    self.signals = signals
  }

  /// Samples of each signal.
  public var count: Int { signals[0].values.count }

  /// How long the record is, s.
  public var durationSeconds: Double { Double(count) / samplingHz }
}
