import Support
import Synchronization

/// Statistics of every structure and metric over the units of a cohort.
package enum CohortSummary {
  /// Summarises units.
  ///
  /// The intervals of a structure do not depend on which others are there, nor on the number of
  /// threads.
  /// - Parameters:
  ///   - cohort: The cases by units.
  ///   - units: The units to summarise; nil for all.
  ///   - structures: The structures' keys.
  ///   - metrics: The metrics' keys.
  ///   - plan: How the intervals are made.
  ///   - purpose: A name that keeps the random streams of different summaries apart.
  /// - Returns: The statistics by structure key, then by metric key; a metric of which no unit has
  ///   a value or a reason is left out.
  package static func statistics(
    _ cohort: CohortUnits,
    units: [CohortUnits.Unit]? = nil,
    structures: [String],
    metrics: [String],
    plan: BootstrapPlan,
    purpose: String = ""
  ) -> [String: [String: SummaryStatistics]] {
    let units = units ?? cohort.units
    let jobs = structures.flatMap { key in metrics.map { (structure: key, metric: $0) } }
    let random = RandomStream(seed: plan.seed)
    let results = Mutex<[Int: SummaryStatistics]>([:])
    Parallelism.forEach(jobs.count) { index in
      let (structure, metric) = jobs[index]
      let values = units.compactMap { cohort.value(metric, structure, $0) }
      guard !values.isEmpty else { return }
      let statistics = SummaryStatistics(
        values,
        random: stream(random, structure, metric, purpose),
        method: plan.method,
        missed: cohort.count(.missed, structure, units),
        falseAlarms: cohort.count(.falseAlarm, structure, units)
      )
      results.withLock { $0[index] = statistics }
    }
    let found = results.withLock { $0 }
    var summary: [String: [String: SummaryStatistics]] = [:]
    for (index, job) in jobs.enumerated() {
      if let statistics = found[index] {
        summary[job.structure, default: [:]][job.metric] = statistics
      }
    }
    return summary
  }

  /// The random stream of one structure's metric.
  package static func stream(
    _ random: RandomStream,
    _ structure: String,
    _ metric: String,
    _ purpose: String = ""
  ) -> RandomStream {
    let stream = random.split(stableHash(structure), stableHash(metric))
    return purpose.isEmpty ? stream : stream.split(stableHash(purpose))
  }

  /// FNV-1a.
  private static func stableHash(_ text: String) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: hash)
  }
}
