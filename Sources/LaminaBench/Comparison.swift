/// Records of two programs that were run in turn.
package struct Comparison: Codable, Sendable, Equatable {
  /// One program's records.
  package struct Side: Codable, Sendable, Equatable {
    /// The command line.
    package let command: String
    /// Medians over the records of each value; the largest relative error.
    package let median: BenchRecord
    /// The records in the order of the runs.
    package let records: [BenchRecord]

    /// Summarises records.
    /// - Precondition: There is a record.
    package init(command: String, records: [BenchRecord]) {
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
  }

  /// Lamina's median divided by the rival's: below 1 where Lamina needs less; nil where a side has 0.
  package struct Ratio: Codable, Sendable, Equatable {
    /// Of the time of a call.
    package let time: Double?
    /// Of the peak memory.
    package let memory: Double?
    /// Of the time to the first result.
    package let firstResult: Double?
  }

  /// How many times each side ran.
  package let pairs: Int
  /// The other program.
  package let rival: Side
  /// Lamina.
  package let lamina: Side
  /// Lamina to the rival.
  package let ratio: Ratio

  /// Summarises two sides.
  package init(rival: Side, lamina: Side) {
    pairs = lamina.records.count
    self.rival = rival
    self.lamina = lamina
    func ratio(_ value: (BenchRecord) -> Double) -> Double? {
      let (own, other) = (value(lamina.median), value(rival.median))
      return own > 0 && other > 0 ? BenchStatistics.rounded(own / other, decimals: 3) : nil
    }
    self.ratio = Ratio(
      time: ratio(\.medianMS),
      memory: ratio { Double($0.peakMemoryMiB) },
      firstResult: ratio(\.firstResultS)
    )
  }

  /// Runs both programs in turn, the rival first in each pair.
  /// - Parameters:
  ///   - rival: The other program and its command line for messages.
  ///   - own: Lamina's run and its command line.
  ///   - pairs: How many times each runs, at least 1.
  ///   - note: Called with each record when it is there.
  /// - Returns: The comparison.
  /// - Throws: `BenchError.rivalFailed`, `BenchError.ownRunFailed`.
  package static func run(
    rival: (run: ChildRun, command: String),
    own: (run: ChildRun, command: String),
    pairs: Int,
    note: (BenchRecord) -> Void = { _ in }
  ) throws(BenchError) -> Comparison {
    precondition(pairs > 0, "\(pairs) pairs of runs")
    var (others, owns): ([BenchRecord], [BenchRecord]) = ([], [])
    for _ in 0..<pairs {
      switch rival.run.run() {
      case .record(let record):
        others.append(record)
        note(record)
      case .failure(_, let reason):
        throw .rivalFailed(command: rival.command, reason: reason)
      }
      switch own.run.run() {
      case .record(let record):
        owns.append(record)
        note(record)
      case .failure(let status, let reason):
        throw .ownRunFailed(command: own.command, status: status, reason: reason)
      }
    }
    return Comparison(
      rival: Side(command: rival.command, records: others),
      lamina: Side(command: own.command, records: owns)
    )
  }
}
