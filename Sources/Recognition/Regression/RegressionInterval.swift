import Pipelines

extension RecognitionPlan.Regression.Target {
  /// The interval of a number; nil without calibration.
  func interval(_ told: RegressionScoring.Prediction) -> ClosedRange<Double>? {
    guard let quantile else { return nil }
    let reach = quantile * (told.spread ?? 1)
    return told.value - reach...told.value + reach
  }
}
