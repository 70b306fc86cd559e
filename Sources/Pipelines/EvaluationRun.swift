import Dispatch
import Evaluation
import Foundation
import Imaging
import ImagingIO
import Support
import Synchronization

/// Evaluates paired cases, several at a time; one that fails never stops the others.
public struct EvaluationRun: Sendable {
  /// What is compared.
  public enum Content: Sendable, Equatable {
    /// Label maps.
    case labelMaps
    /// Images, whose true values span `dataRange` when that is known.
    case images(dataRange: Double?)
  }

  /// The metrics and their conventions.
  public let evaluator: Evaluator
  /// What is compared.
  public let content: Content
  /// Whether a label map on another grid is brought onto the reference's, by nearest neighbour.
  public let resamplesPrediction: Bool
  /// How many cases are evaluated at a time; nil for a number by the threads.
  public let jobs: Int?

  /// How many cases are evaluated at a time unless another number is asked for.
  ///
  /// Each holds two volumes and what the metrics need; the other threads work within the cases.
  public static let defaultJobs = 4

  /// Creates a run.
  /// - Parameters:
  ///   - evaluator: The metrics and their conventions.
  ///   - content: What is compared.
  ///   - resamplesPrediction: Whether a label map on another grid is brought onto the reference's.
  ///   - jobs: How many cases are evaluated at a time, at least 1; nil for a number by the threads.
  public init(
    evaluator: Evaluator,
    content: Content = .labelMaps,
    resamplesPrediction: Bool = false,
    jobs: Int? = nil
  ) {
    precondition(jobs.map { $0 > 0 } ?? true, "\(jobs ?? 0) cases at a time")
    self.evaluator = evaluator
    self.content = content
    self.resamplesPrediction = resamplesPrediction
    self.jobs = jobs
  }

  /// Evaluates every pair.
  /// - Parameters:
  ///   - pairing: The cases; those without a partner are reported as failed.
  ///   - cohort: What is known about the cases, and what they are compared with.
  ///   - progress: Told about each case.
  ///   - interruption: Stops between cases.
  /// - Returns: The evaluation, and how many cases failed, those of other predictions included.
  /// - Throws: `SupportError.interrupted`; the error of the only case, when there is just one.
  public func evaluate(
    _ pairing: CasePairing,
    cohort: EvaluationCohort = EvaluationCohort(),
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (report: EvaluationReport, failedCount: Int) {
    let masks = Self.masks(cohort.mask, pairing)
    let first = try outcomes(pairing, masks, "evaluating", progress, interruption)
    var others: [(EvaluationCohort.Other, Outcomes)] = []
    for other in cohort.others {
      switch other.source {
      case .predictions(let predictions):
        let step = "evaluating \(other.title)"
        let named = predictions.named(as: pairing)
        others.append((other, try outcomes(named, masks, step, progress, interruption)))
      case .evaluation(let report):
        try check(report, from: other.path, hasMask: masks != nil)
        others.append((other, Self.outcomes(report, named: pairing)))
      }
    }
    if !cohort.others.isEmpty || cohort.subgroups != nil {
      progress.begin("comparing", total: nil)
    }
    defer { progress.end() }
    let aliases = Self.aliases([pairing] + cohort.others.compactMap(\.pairing))
    let patients = cohort.patients?.content.renamed(aliases)
    var report = EvaluationReport(
      cases: first.done,
      evaluator: evaluator,
      patients: patients?.patients ?? [:],
      interval: cohort.interval
    )
    report.pairing = pairing.record
    report.problems += Self.rules(pairing)
    let ids = first.done.map(\.id)
    if let table = cohort.patients, let patients {
      report.problems += patients.problems(cases: ids, name: table.name)
    }
    if let table = cohort.subgroups {
      let renamed = table.content.renamed(aliases)
      if cohort.patients?.name != table.name {
        report.problems += renamed.problems(cases: ids, name: table.name)
      }
      report.addSubgroups(
        renamed,
        tableName: table.name,
        patients: patients?.patients ?? [:],
        minimumGroupSize: cohort.minimumGroupSize
      )
    }
    report = report.adding(failed: first.failed)
    compare(&report, with: others, patients?.patients ?? [:])
    return (report, first.failed.count + others.reduce(0) { $0 + $1.1.failed.count })
  }

  private func compare(
    _ report: inout EvaluationReport,
    with others: [(EvaluationCohort.Other, Outcomes)],
    _ patients: [String: String]
  ) {
    guard !others.isEmpty else { return }
    let evaluations = others.map { other, outcomes in
      ModelComparison.Other(
        title: other.title,
        path: other.path,
        report: EvaluationReport(
          cases: outcomes.done,
          evaluator: evaluator,
          patients: patients,
          interval: report.bootstrap.method
        )
      )
    }
    let comparisons = ModelComparison.compare(report, with: evaluations, patients: patients)
    report.comparisons = zip(comparisons, others).map { comparison, other in
      comparison.adding(
        problems: other.1.failed.map { "\($0.id): \($0.problems.joined(separator: " "))" }
      )
    }
    report.ranking = ModelRanking(report, others: evaluations, patients: patients)
  }

  // MARK: Cases

  struct Outcomes {
    var done: [CaseEvaluation] = []
    var failed: [CaseEvaluation] = []
  }

  private func outcomes(
    _ pairing: CasePairing,
    _ masks: (@Sendable (String) -> String?)?,
    _ step: String,
    _ progress: any ProgressReporter,
    _ interruption: Interruption
  ) throws -> Outcomes {
    let pairs = pairing.pairs
    progress.begin(step, total: pairs.count)
    let results = evaluateAll(pairs, masks, progress, interruption)
    progress.end()
    try interruption.check()
    var outcomes = Outcomes()
    outcomes.failed = pairing.unpaired.map {
      CaseEvaluation(id: $0.id, prediction: "", reference: "", labels: [], problems: [$0.reason])
    }
    for (pair, result) in zip(pairs, results) {
      switch result {
      case .success(let evaluation)?: outcomes.done.append(evaluation)
      case .failure(let error as any ClassifiedError)? where error.failure != .interrupted:
        if pairs.count == 1, pairing.unpaired.isEmpty { throw error }
        outcomes.failed.append(
          CaseEvaluation(
            id: pair.id,
            prediction: pair.prediction,
            reference: pair.reference,
            labels: [],
            problems: [error.description]
          )
        )
      case .failure(let error)?: throw error
      case nil: throw SupportError.interrupted
      }
    }
    return outcomes
  }

  /// The outcome of each pair, in their order; nil for those that an interruption left out.
  private func evaluateAll(
    _ pairs: [CasePair],
    _ masks: (@Sendable (String) -> String?)?,
    _ progress: any ProgressReporter,
    _ interruption: Interruption
  ) -> [Result<CaseEvaluation, any Error>?] {
    struct State {
      var next = 0
      var completed = 0
      var results: [Result<CaseEvaluation, any Error>?]
    }
    let threads = Parallelism.threadCount
    let workers = max(1, min(jobs ?? min(threads, Self.defaultJobs), pairs.count))
    let state = Mutex(State(results: .init(repeating: nil, count: pairs.count)))
    @Sendable func work() {
      while !interruption.isRaised {
        let index = state.withLock { state in
          defer { state.next += 1 }
          return state.next
        }
        guard index < pairs.count else { return }
        let result = Result { try evaluate(pairs[index], masks) }
        let completed = state.withLock { state in
          state.results[index] = result
          state.completed += 1
          return state.completed
        }
        if case .failure(let error as any ClassifiedError) = result, pairs.count > 1 {
          progress.warn("\(pairs[index].id): \(error)")
        }
        progress.update(completed, detail: pairs[index].id)
      }
    }
    if workers == 1 {
      work()
    } else {
      DispatchQueue.concurrentPerform(iterations: workers) { _ in
        Parallelism.$threadCount.withValue(max(1, threads / workers)) { work() }
      }
    }
    return state.withLock { $0.results }
  }

  private func evaluate(
    _ pair: CasePair,
    _ masks: ((String) -> String?)?
  ) throws -> CaseEvaluation {
    switch content {
    case .labelMaps:
      let reference = try Self.labelMap(pair.reference)
      let (prediction, problems) = try EvaluationGuards(
        resamplesPrediction: resamplesPrediction,
        hasLabelFile: evaluator.labels != nil || evaluator.objectName != nil
      ).checked(try Self.labelMap(pair.prediction), against: reference, id: pair.id)
      return try evaluator.evaluate(
        prediction: prediction,
        reference: reference,
        id: pair.id,
        predictionSource: pair.prediction,
        referenceSource: pair.reference
      ).with(problems: problems)
    case .images(let dataRange):
      let prediction = try ImageFormats.read(pair.prediction).volume.asFloat
      let reference = try ImageFormats.read(pair.reference).volume.asFloat
      return try evaluator.evaluateImages(
        prediction: prediction,
        reference: reference,
        dataRange: dataRange,
        mask: try masks.map { masks in
          guard let path = masks(pair.reference) else {
            throw EvaluationError.missingMask(caseID: pair.id)
          }
          return try Self.labelMap(path)
        },
        id: pair.id,
        predictionSource: pair.prediction,
        referenceSource: pair.reference
      )
    }
  }

  /// A label map with the names of the `labels.json` beside it, if one is there.
  private static func labelMap(_ path: String) throws -> LabelMap {
    let volume = try ImageFormats.read(path).volume
    let names = URL(fileURLWithPath: path).deletingLastPathComponent()
      .appendingPathComponent("labels.json").path
    return try NIfTIReader.labelMap(from: volume, table: LabelTableFile.read(names), path: path)
  }

  // MARK: Names

  /// The names of files that became other cases' names, so that tables may use either.
  private static func aliases(_ pairings: [CasePairing]) -> [String: String] {
    var aliases: [String: String] = [:]
    for pair in pairings.flatMap(\.pairs) {
      for path in [pair.prediction, pair.reference] {
        let name = CaseListing.caseName(ofFile: path)
        if name != pair.id { aliases[name] = aliases[name] ?? pair.id }
      }
    }
    return aliases
  }

  /// One sentence for each rule by which cases were paired.
  private static func rules(_ pairing: CasePairing) -> [String] {
    let groups = Dictionary(grouping: pairing.pairs.filter { $0.rule != nil }) { $0.rule ?? "" }
    return groups.sorted { $0.key < $1.key }.map { rule, pairs in
      let example = pairs[0]
      let names = [example.prediction, example.reference].map(CaseListing.caseName(ofFile:))
      return "\(pairs.count) case\(pairs.count == 1 ? "" : "s") paired because \(rule), such as "
        + "\(names[0]) with \(names[1])"
    }
  }
}
