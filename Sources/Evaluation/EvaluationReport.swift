import Support

/// The evaluation of a cohort: its cases, and the statistics of every structure and metric.
///
/// Written as JSON of schema `lamina.evaluation/1`, and read again from it.
public struct EvaluationReport: Equatable, Sendable {
  /// The schema's name in the JSON.
  public static let schema = "lamina.evaluation/1"
  /// The seed of the confidence intervals' resamples.
  public static let bootstrapSeed: UInt64 = 20_250_101

  /// What empty masks mean.
  public let emptyPolicy: EmptyPolicy
  /// The tolerance of surface Dice in mm, when it was computed.
  public let toleranceMM: Double?
  /// The cases, in the order given.
  public let cases: [CaseEvaluation]
  /// The statistics by structure key, then by metric key.
  public let summary: [String: [String: SummaryStatistics]]
  /// For each metric the mean over the structures of their means; nil when no structure has one.
  public let foregroundMean: [String: Double?]

  /// Summarises cases.
  ///
  /// A structure that some case lacks altogether counts there as empty in both maps.
  /// - Parameters:
  ///   - cases: The evaluated cases.
  ///   - evaluator: What evaluated them.
  public init(cases: [CaseEvaluation], evaluator: Evaluator) {
    let completed = Self.completing(cases, evaluator)
    let metrics = evaluator.metrics.map(\.key)
    var summary: [String: [String: SummaryStatistics]] = [:]
    let random = RandomStream(seed: Self.bootstrapSeed)
    for key in Self.keys(of: completed) {
      for metric in metrics {
        let values = completed.compactMap { item in
          item.labels.first { $0.key == key }?.values[metric]
        }
        guard !values.isEmpty else { continue }
        summary[key, default: [:]][metric] = SummaryStatistics(
          values,
          random: random.split(Self.stableHash(key), Self.stableHash(metric))
        )
      }
    }
    self.init(
      emptyPolicy: evaluator.emptyPolicy,
      toleranceMM: metrics.contains("nsd") ? evaluator.toleranceMM : nil,
      cases: completed,
      summary: summary,
      foregroundMean: Self.foregroundMean(of: summary)
    )
  }

  init(
    emptyPolicy: EmptyPolicy,
    toleranceMM: Double?,
    cases: [CaseEvaluation],
    summary: [String: [String: SummaryStatistics]],
    foregroundMean: [String: Double?]
  ) {
    self.emptyPolicy = emptyPolicy
    self.toleranceMM = toleranceMM
    self.cases = cases
    self.summary = summary
    self.foregroundMean = foregroundMean
  }

  /// The structures of the cohort with their names, by rising label.
  public var structures: [(key: String, name: String)] {
    var names: [String: String] = [:]
    for label in cases.lazy.flatMap(\.labels) where names[label.key] == nil {
      names[label.key] = label.name
    }
    return names.sorted { LabelSet.precedes($0.key, $1.key) }.map { ($0.key, $0.value) }
  }

  /// The metrics that were computed, in the order of the catalogue.
  public var metrics: [Metric] {
    let used = Set(cases.lazy.flatMap(\.labels).flatMap(\.values.keys))
    return Metric.all.filter { used.contains($0.key) }
  }

  /// The values of a metric of a structure, case by case.
  /// - Parameters:
  ///   - metric: The metric's key.
  ///   - structure: The structure's key.
  /// - Returns: The case's name and the value, for each case that has the structure.
  public func values(
    of metric: String,
    structure: String
  ) -> [(caseID: String, value: MetricValue)] {
    cases.compactMap { item in
      guard let value = item.labels.first(where: { $0.key == structure })?.values[metric] else {
        return nil
      }
      return (item.id, value)
    }
  }

  private static func keys(of cases: [CaseEvaluation]) -> [String] {
    Set(cases.flatMap { $0.labels.map(\.key) }).sorted(by: LabelSet.precedes)
  }

  private static func completing(
    _ cases: [CaseEvaluation],
    _ evaluator: Evaluator
  ) -> [CaseEvaluation] {
    var names: [String: String] = [:]
    for label in cases.lazy.flatMap(\.labels) where names[label.key] == nil {
      names[label.key] = label.name
    }
    return cases.map { item in
      let present = Set(item.labels.map(\.key))
      let missing = names.filter { !present.contains($0.key) && $0.key != "image" }
      guard !missing.isEmpty, !present.contains("image") else { return item }
      let added = missing.map {
        LabelEvaluation(
          key: $0.key,
          name: $0.value,
          values: evaluator.valuesOfAbsentStructure()
        )
      }
      return CaseEvaluation(
        id: item.id,
        prediction: item.prediction,
        reference: item.reference,
        labels: (item.labels + added).sorted { LabelSet.precedes($0.key, $1.key) },
        problems: item.problems
      )
    }
  }

  private static func foregroundMean(
    of summary: [String: [String: SummaryStatistics]]
  ) -> [String: Double?] {
    var means: [String: [Double]] = [:]
    for key in summary.keys.sorted(by: LabelSet.precedes) {
      for (metric, statistics) in summary[key] ?? [:] {
        means[metric, default: []] += [statistics.mean].compactMap(\.self)
      }
    }
    return means.mapValues { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }
  }

  /// FNV-1a, so that a structure's interval does not depend on which others are there.
  private static func stableHash(_ text: String) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: hash)
  }
}
