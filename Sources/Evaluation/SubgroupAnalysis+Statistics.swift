import Support
import Synchronization

extension SubgroupAnalysis {
  /// More groups than this are no groups; a column of numbers or names was given.
  package static let maximumGroups = 20

  /// Divides a cohort by one property and compares the groups.
  ///
  /// Gaps are made for every pair of groups that state a value, of metrics that have a better
  /// direction; their intervals resample each group on its own and are not corrected for the number
  /// of pairs.
  /// - Parameters:
  ///   - report: The evaluation.
  ///   - property: The property's name.
  ///   - groups: The groups' names with the names of their cases, in the order of outputs.
  ///   - patients: The patient of each case by the case's name; empty when the case is the unit.
  ///   - minimumGroupSize: Groups of fewer units are marked as small.
  package init(
    _ report: EvaluationReport,
    property: String,
    groups: [(name: String, cases: Set<String>)],
    patients: [String: String] = [:],
    minimumGroupSize: Int = defaultMinimumGroupSize
  ) {
    let structures = report.structures
    let metrics = report.metrics
    let members = groups.map { group in
      let cases = report.evaluatedCases.filter { group.cases.contains($0.id) }
      return (name: group.name, cohort: CohortUnits(cases, patients: patients), cases: cases)
    }.filter { !$0.cases.isEmpty }
    let made = members.map { member in
      Group(
        name: member.name,
        cases: member.cases.map(\.id),
        count: member.cohort.units.count,
        isSmall: member.cohort.units.count < minimumGroupSize,
        summary: CohortSummary.statistics(
          member.cohort,
          structures: structures.map(\.key),
          metrics: metrics.map(\.key),
          plan: report.bootstrap,
          purpose: property + "=" + member.name
        )
      )
    }
    let compared = members.filter { $0.name != Self.unstated }
    let jobs = structures.flatMap { structure in
      metrics.filter { $0.better != .neither }.map { (structure, $0) }
    }
    let random = RandomStream(seed: report.bootstrap.seed)
    let found = Mutex<[Int: [Gap]]>([:])
    Parallelism.forEach(jobs.count) { index in
      let (structure, metric) = jobs[index]
      let samples = compared.map { member in
        Sample(
          name: member.name,
          values: member.cohort.units.compactMap {
            member.cohort.value(metric.key, structure.key, $0)?.number
          },
          random: CohortSummary.stream(
            random,
            structure.key,
            metric.key,
            "gap " + property + "=" + member.name
          )
        )
      }
      let gaps = Self.gaps(
        samples,
        structure,
        metric,
        report.bootstrap.method,
        minimumGroupSize
      )
      found.withLock { $0[index] = gaps }
    }
    let gaps = found.withLock { $0 }
    self.init(
      property: property,
      minimumGroupSize: minimumGroupSize,
      groups: made,
      gaps: jobs.indices.flatMap { gaps[$0] ?? [] }
    )
  }

  /// The values of a group, and their resamples where there are at least two.
  private struct Sample {
    let name: String
    let count: Int
    let mean: Double?
    let bootstrap: MeanBootstrap?

    init(name: String, values: [Double], random: RandomStream) {
      self.name = name
      count = values.count
      mean = values.isEmpty ? nil : values.sorted().reduce(0, +) / Double(values.count)
      bootstrap =
        values.count > 1
        ? MeanBootstrap(values, resamples: SummaryStatistics.resamples, random: random) : nil
    }
  }

  private static func gaps(
    _ samples: [Sample],
    _ structure: (key: String, name: String),
    _ metric: Metric,
    _ method: IntervalMethod,
    _ minimumGroupSize: Int
  ) -> [Gap] {
    var gaps: [Gap] = []
    for (index, one) in samples.enumerated() {
      for two in samples[(index + 1)...] {
        guard let meanOne = one.mean, let meanTwo = two.mean else { continue }
        let isFirstBetter = metric.better.order(meanOne, meanTwo) ?? true
        let (better, worse) = isFirstBetter ? (one, two) : (two, one)
        var interval: ClosedRange<Double>?
        if let a = better.bootstrap, let b = worse.bootstrap {
          interval = a.interval(less: b, method)
        }
        gaps.append(
          Gap(
            structure: structure.key,
            name: structure.name,
            metric: metric.key,
            better: better.name,
            worse: worse.name,
            difference: isFirstBetter ? meanOne - meanTwo : meanTwo - meanOne,
            ci95: interval,
            isSmall: min(one.count, two.count) < minimumGroupSize
          )
        )
      }
    }
    return gaps
  }
}
