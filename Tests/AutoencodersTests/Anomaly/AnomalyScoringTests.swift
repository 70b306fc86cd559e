import Autoencoders
import Pipelines
import Testing

@Suite struct AnomalyScoringTests {
  private static let plan = {
    var plan = AutoencoderPlan.Anomaly(normalClass: "normal", components: 1)
    (plan.window, plan.share, plan.floor) = (3, 1.0 / 9, 0.5)
    return plan
  }()

  @Test func heatIsTheMagnitudeOfTheMeanOfStandardisedResiduals() {
    let scoring = AnomalyScoring(
      plan: Self.plan,
      size: [3, 3],
      deviations: [Float](repeating: 2, count: 9)
    )
    // One residual of −18 in the middle is −9 standardised; the middle's window has nine pixels.
    var residual = [Float](repeating: 0, count: 9)
    residual[4] = -18
    let (score, heat) = scoring.score(residual)
    #expect(heat[4] == 1)
    // A corner's window has four pixels.
    #expect(heat[0] == 2.25)
    #expect(score == 2.25)
  }

  @Test func noImageHasAPartInTheDeviationsThatItIsScoredBy() {
    var plan = Self.plan
    (plan.window, plan.share, plan.quantile) = (1, 1, 0.5)
    let fitted = AnomalyScoring.fitted(
      to: [[3], [4], [0]],
      plan: plan,
      size: [1, 1]
    )
    // 3 over √((16 + 0) / 2) + ½, and so on.
    let expected = [3 / (8.0.squareRoot() + 0.5), 4 / (4.5.squareRoot() + 0.5), 0]
    for (score, wanted) in zip(fitted.scores, expected) { #expect(abs(score - wanted) < 1e-6) }
    // ⌈4 · ½⌉ = 2: the second smallest.
    #expect(abs(fitted.threshold - expected[0]) < 1e-6)
  }
}
