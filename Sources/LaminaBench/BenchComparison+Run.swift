import Support

extension BenchComparison {
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
  ) throws(BenchError) -> BenchComparison {
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
    return BenchComparison(
      rival: Side(command: rival.command, records: others),
      lamina: Side(command: own.command, records: owns)
    )
  }
}
