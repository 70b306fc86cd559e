extension EvaluationReport {
  /// The report with cases that could not be evaluated, which the statistics leave out.
  /// - Parameter failed: The cases, without structures; their problems say why.
  /// - Returns: The report with all cases by name.
  public func adding(failed: [CaseEvaluation]) -> EvaluationReport {
    var report = EvaluationReport(
      emptyPolicy: emptyPolicy,
      toleranceMM: toleranceMM,
      cases: (cases + failed).sorted { $0.id < $1.id },
      summary: summary,
      foregroundMean: foregroundMean
    )
    report.tolerancesMM = tolerancesMM
    report.ignoreLabel = ignoreLabel
    report.bootstrap = bootstrap
    report.unit = unit
    report.patients = patients
    report.problems = problems
    report.pairing = pairing
    report.volumeAgreement = volumeAgreement
    report.subgroups = subgroups
    report.comparisons = comparisons
    report.ranking = ranking
    return report
  }

  /// The cases that could be evaluated.
  public var evaluatedCases: [CaseEvaluation] { cases.filter { !$0.labels.isEmpty } }

  /// The cases that could not be evaluated: without a partner, damaged, or on another grid.
  public var failedCases: [CaseEvaluation] { cases.filter(\.labels.isEmpty) }
}
