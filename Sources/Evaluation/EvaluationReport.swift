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
  /// The tolerance of surface Dice and boundary IoU in mm, when one of them was computed.
  public let toleranceMM: Double?
  /// The cases, in the order given.
  public let cases: [CaseEvaluation]
  /// The statistics by structure key, then by metric key.
  public let summary: [String: [String: SummaryStatistics]]
  /// For each metric the mean over the structures of their means; nil when no structure has one.
  public let foregroundMean: [String: Double?]

  /// The tolerances in mm of structures, by name, that have one of their own.
  public var tolerancesMM: [String: Double]
  /// The reference label whose voxels were left out, if there is one.
  public var ignoreLabel: Int?
  /// What the labels count; nil when they are structures.
  public var objectName: String?
  /// How the confidence intervals were made.
  public var bootstrap: BootstrapPlan
  /// What counts as one observation in the statistics.
  public var unit: StatisticalUnit
  /// The cases of each patient, when the patient is the unit; without the patients' names.
  public var patients: [[String]]
  /// What the user should know about the cohort as a whole, one sentence each.
  public var problems: [String]
  /// How cases found their partners; nil for two single files.
  public var pairing: PairingRecord?
  /// Whether uncertainty goes with errors; nil where it was not evaluated.
  public var uncertainty: UncertaintyEvaluation?
  /// How well volumes agree, by rising structure; empty when they were not computed.
  public var volumeAgreement: [VolumeAgreement]
  /// The results of groups of cases, one entry for each property.
  public var subgroups: [SubgroupAnalysis]
  /// The comparisons with other predictions, in the order given.
  public var comparisons: [ModelComparison]
  /// The mean ranks among all compared predictions; nil without a comparison.
  public var ranking: ModelRanking?

  /// Summarises cases.
  ///
  /// A structure that some case lacks altogether counts there as empty in both maps.
  /// - Parameters:
  ///   - cases: The evaluated cases.
  ///   - evaluator: What evaluated them.
  ///   - patients: The patient of each case by the case's name: the values of a patient's cases are
  ///     averaged first. Empty when each case counts by itself.
  ///   - interval: How confidence intervals are made of resamples.
  public init(
    cases: [CaseEvaluation],
    evaluator: Evaluator,
    patients: [String: String] = [:],
    interval: IntervalMethod = .percentile
  ) {
    let completed = Self.completing(cases, evaluator)
    let metrics = evaluator.metrics.map(\.key)
    let usesTolerance = evaluator.metrics.contains(where: \.usesTolerance)
    let plan = BootstrapPlan(method: interval)
    let cohort = CohortUnits(completed, patients: patients)
    let structures = Self.structures(of: completed)
    let summary = CohortSummary.statistics(
      cohort,
      structures: structures.map(\.key),
      metrics: metrics,
      plan: plan
    )
    self.init(
      emptyPolicy: evaluator.emptyPolicy,
      toleranceMM: usesTolerance ? evaluator.toleranceMM : nil,
      cases: completed,
      summary: summary,
      foregroundMean: Self.foregroundMean(of: summary)
    )
    if usesTolerance {
      let names = Set(structures.map(\.name))
      tolerancesMM = evaluator.tolerances.filter { names.contains($0.key) }
      problems += evaluator.tolerances.keys.sorted().filter { !names.contains($0) }
        .map { "the tolerance of \"\($0)\" was not used: no structure has this name" }
    }
    ignoreLabel = evaluator.ignoredReferenceLabel
    objectName = evaluator.objectName
    bootstrap = plan
    unit = cohort.kind
    if cohort.kind == .patient {
      self.patients = cohort.units.map { unit in unit.cases.map { completed[$0].id } }
    }
    volumeAgreement = structures.compactMap { VolumeAgreement(cohort, structure: $0) }
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
    tolerancesMM = [:]
    bootstrap = BootstrapPlan()
    unit = .case
    patients = []
    problems = []
    volumeAgreement = []
    subgroups = []
    comparisons = []
  }

  /// The structures of the cohort with their names, by rising label.
  public var structures: [(key: String, name: String)] { Self.structures(of: cases) }

  /// The metrics that were computed, in the order of the catalogue.
  public var metrics: [Metric] {
    let used = Set(cases.lazy.flatMap(\.labels).flatMap(\.values.keys))
    return Metric.all.filter { used.contains($0.key) }
  }

  /// The tolerance in words, with those of structures that have their own; nil without one.
  /// - Parameter number: Writes a number of mm.
  /// - Returns: Such as "1 mm; liver 3 mm".
  public func toleranceText(_ number: (Double) -> String) -> String? {
    toleranceMM.map { tolerance in
      let own = tolerancesMM.sorted { $0.key < $1.key }.map { "\($0.key) \(number($0.value)) mm" }
      return (["\(number(tolerance)) mm"] + own).joined(separator: "; ")
    }
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

  static func structures(of cases: [CaseEvaluation]) -> [(key: String, name: String)] {
    var names: [String: String] = [:]
    for label in cases.lazy.flatMap(\.labels) where names[label.key] == nil {
      names[label.key] = label.name
    }
    return names.sorted { LabelSet.precedes($0.key, $1.key) }.map { ($0.key, $0.value) }
  }

  private static func completing(
    _ cases: [CaseEvaluation],
    _ evaluator: Evaluator
  ) -> [CaseEvaluation] {
    let names = structures(of: cases).filter { $0.key != Evaluator.imageKey }
    return cases.map { item in
      let present = Set(item.labels.map(\.key))
      let missing = names.filter { !present.contains($0.key) }
      guard !missing.isEmpty, !present.contains(Evaluator.imageKey) else { return item }
      let added = missing.map {
        LabelEvaluation(
          key: $0.key,
          name: $0.name,
          values: evaluator.valuesOfAbsentStructure(),
          state: .absent
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
}
