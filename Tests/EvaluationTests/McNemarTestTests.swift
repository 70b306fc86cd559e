import Evaluation
import Testing

@Suite struct McNemarTestTests {
  /// Against sums of binomial coefficients in exact fractions (Python).
  @Test(arguments: [
    (0, 0, 1.0), (5, 5, 1.0), (1, 9, 0.021484375), (12, 4, 0.076812744140625),
    (0, 6, 0.03125), (700, 800, 0.010559255466711544),
  ]) func mcNemarsTestIsExact(_ gained: Int, _ lost: Int, _ p: Double) {
    let found = McNemarTest.p(gained, lost)
    #expect(abs(found - p) < 1e-9 * max(1, p))
  }
}
