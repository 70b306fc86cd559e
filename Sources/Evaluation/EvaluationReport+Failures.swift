extension EvaluationReport {
  /// The report with cases that could not be evaluated, which the statistics leave out.
  /// - Parameter failed: The cases, without structures; their problems say why.
  /// - Returns: The report with all cases by name.
  public func adding(failed: [CaseEvaluation]) -> EvaluationReport {
    EvaluationReport(
      emptyPolicy: emptyPolicy,
      toleranceMM: toleranceMM,
      cases: (cases + failed).sorted { $0.id < $1.id },
      summary: summary,
      foregroundMean: foregroundMean
    )
  }
}
