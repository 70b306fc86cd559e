/// Records of two programs that were run in turn.
public struct BenchComparison: Codable, Sendable, Equatable {
  /// One program's records.
  public struct Side: Codable, Sendable, Equatable {
    /// The command line.
    public let command: String
    /// Medians over the records of each value; the largest relative error.
    public let median: BenchRecord
    /// The records in the order of the runs.
    public let records: [BenchRecord]

    /// Summarises records.
    /// - Parameters:
    ///   - command: The command line.
    ///   - records: The records in the order of the runs.
    /// - Precondition: There is a record.
    public init(command: String, records: [BenchRecord]) {
      func median(_ value: (BenchRecord) -> Double) -> Double {
        BenchStatistics.median(records.map(value))
      }
      self.command = command
      self.records = records
      let errors = records.map(\.relativeError)
      self.median = BenchRecord(
        engine: records[0].engine,
        network: records[0].network,
        medianMS: median(\.medianMS),
        minimumMS: median(\.minimumMS),
        runs: records.reduce(0) { $0 + $1.runs },
        gflops: median(\.gflops),
        firstResultS: median(\.firstResultS),
        peakMemoryMiB: Int(median { Double($0.peakMemoryMiB) }),
        relativeError: errors.contains(nil) ? nil : errors.compactMap { $0 }.max()
      )
    }

    private enum CodingKeys: String, CodingKey { case command, median, records }

    /// Reads a side; its medians are those of its records, whatever the source says.
    /// - Parameter decoder: The source.
    /// - Throws: `DecodingError` for any other form, and for no or too many records.
    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      self.init(
        command: try container.decode(String.self, forKey: .command),
        records: try container.decodeChecked([BenchRecord].self, forKey: .records) {
          (1...BenchComparison.mostPairs).contains($0.count)
        }
      )
    }

    /// The fastest and the slowest record's median time of a call, ms.
    public var rangeMS: ClosedRange<Double> {
      let times = records.map(\.medianMS)
      return (times.min() ?? 0)...(times.max() ?? 0)
    }
  }

  /// Lamina's median divided by the rival's: below 1 where Lamina needs less; nil where a side has 0.
  public struct Ratio: Codable, Sendable, Equatable {
    /// Of the time of a call.
    public let time: Double?
    /// Of the peak memory.
    public let memory: Double?
    /// Of the time to the first result.
    public let firstResult: Double?
  }

  /// Why a ratio of times should not be relied on.
  public enum Doubt: Sendable, Equatable {
    /// Each side ran fewer than `fewestPairs` times.
    case fewRuns
    /// The medians of a side's runs lie further apart than `largestSpread` of their median.
    case largeSpread
  }

  /// No more runs of each side than this are taken.
  public static let mostPairs = 100
  /// With fewer runs of each side a median hides no outlier.
  public static let fewestPairs = 3
  /// The share of the median that a quiet machine's runs stay within.
  public static let largestSpread = 0.1

  /// How many times each side ran.
  public let pairs: Int
  /// The other program.
  public let rival: Side
  /// Lamina.
  public let lamina: Side
  /// Lamina to the rival.
  public let ratio: Ratio

  /// Summarises two sides.
  /// - Parameters:
  ///   - rival: The other program.
  ///   - lamina: Lamina.
  public init(rival: Side, lamina: Side) {
    pairs = min(lamina.records.count, rival.records.count)
    self.rival = rival
    self.lamina = lamina
    func ratio(_ value: (BenchRecord) -> Double) -> Double? {
      Self.quotient(value(lamina.median), value(rival.median))
    }
    self.ratio = Ratio(
      time: ratio(\.medianMS),
      memory: ratio { Double($0.peakMemoryMiB) },
      firstResult: ratio(\.firstResultS)
    )
  }

  private enum CodingKeys: String, CodingKey { case pairs, rival, lamina, ratio }

  /// Reads a comparison; its ratios are those of its records, whatever the source says.
  /// - Parameter decoder: The source.
  /// - Throws: `DecodingError` for any other form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      rival: try container.decode(Side.self, forKey: .rival),
      lamina: try container.decode(Side.self, forKey: .lamina)
    )
  }

  /// The ratios of times pair by pair; pairs in which a side has 0 are left out.
  public var pairRatios: [Double] {
    zip(lamina.records, rival.records).compactMap { Self.quotient($0.medianMS, $1.medianMS) }
  }

  /// Why the ratio of times should not be relied on; empty for a ratio that can be.
  public var doubts: [Doubt] {
    var doubts: [Doubt] = pairs < Self.fewestPairs ? [.fewRuns] : []
    let isSpread = [lamina, rival].contains { side in
      let range = side.rangeMS
      return range.upperBound - range.lowerBound > Self.largestSpread * side.median.medianMS
    }
    if isSpread { doubts.append(.largeSpread) }
    return doubts
  }

  /// Four digits say more than any timing knows, for large and for small ratios.
  private static func quotient(_ own: Double, _ other: Double) -> Double? {
    own > 0 && other > 0 ? BenchStatistics.rounded(own / other, digits: 4) : nil
  }
}
