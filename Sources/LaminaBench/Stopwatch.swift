import Foundation
import Support

/// Times calls in the way of the other engines' timers, so that records can be compared.
package struct Stopwatch {
  /// Seconds after which no further call is begun.
  package var seconds = 8.0
  /// Calls that are timed in any case.
  package var fewest = 3
  /// Calls that are timed at most.
  package var most = 25

  /// Creates a stopwatch of the usual limits: 8 s, 3 to 25 calls.
  package init() {}

  /// What was measured.
  package struct Timing<Output> {
    /// The first call's output.
    package let output: Output
    /// Seconds from the process's start to the first output.
    package let firstResult: Double
    /// Seconds of each timed call.
    package let seconds: [Double]
    /// Largest resident memory until the last call's end, MiB.
    package let peakMemoryMiB: Int

    /// Creates a timing.
    package init(output: Output, firstResult: Double, seconds: [Double], peakMemoryMiB: Int) {
      self.output = output
      self.firstResult = firstResult
      self.seconds = seconds
      self.peakMemoryMiB = peakMemoryMiB
    }
  }

  /// Calls once for the first result, once to warm up, then times calls.
  /// - Parameter call: The work.
  /// - Returns: The times.
  /// - Throws: What the work throws.
  package func measure<Output>(_ call: () throws -> Output) rethrows -> Timing<Output> {
    let output = try call()
    let firstResult = ProcessFacts.secondsSinceStart
    _ = try call()
    let clock = ContinuousClock()
    let start = clock.now
    var times: [Double] = []
    while times.count < fewest
      || (Self.seconds(clock.now - start) < seconds && times.count < most)
    {
      let begin = clock.now
      _ = try call()
      times.append(Self.seconds(clock.now - begin))
    }
    return Timing(
      output: output,
      firstResult: firstResult,
      seconds: times,
      peakMemoryMiB: ProcessFacts.peakMemoryMiB
    )
  }

  /// A duration in seconds.
  package static func seconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

extension BenchRecord {
  /// A record of a timing, rounded as the other timers round.
  ///
  /// Rounding to 0.1 ms leaves nothing of a small network's time, so that comparisons do without.
  package init<Output>(
    engine: String,
    network: String,
    timing: Stopwatch.Timing<Output>,
    gigaflop: Double,
    relativeError: Double?,
    isRounded: Bool = true
  ) {
    let median = BenchStatistics.median(timing.seconds)
    func rounded(_ value: Double, _ decimals: Int) -> Double {
      isRounded ? BenchStatistics.rounded(value, decimals: decimals) : value
    }
    self.init(
      engine: engine,
      network: network,
      medianMS: rounded(1e3 * median, 1),
      minimumMS: rounded(1e3 * (timing.seconds.min() ?? median), 1),
      runs: timing.seconds.count,
      gflops: rounded(gigaflop / median, 1),
      firstResultS: rounded(timing.firstResult, 2),
      peakMemoryMiB: timing.peakMemoryMiB,
      relativeError: relativeError.map { BenchStatistics.rounded($0, digits: 2) }
    )
  }
}
