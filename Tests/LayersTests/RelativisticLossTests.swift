import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite struct RelativisticLossTests {
  private static let close = Tolerance(absolute: 1e-5, relative: 1e-5)

  private func softplus(_ x: Double) -> Double { log(1 + exp(x)) }

  @Test func scoresAreJudgedBesideTheMeanOfTheOthers() {
    let (real, fake) = (Tensor([2, 0], shape: [2, 1]), Tensor([-1, 0.5], shape: [2, 1]))
    // Means 1 and −0.25: real ones lie 2.25 and 0.25 above the fakes', fake ones −2 and −0.5.
    let critic =
      (softplus(-2.25) + softplus(-0.25)) / 2 + (softplus(-2) + softplus(-0.5)) / 2
    let generator = (softplus(2.25) + softplus(0.25)) / 2 + (softplus(2) + softplus(0.5)) / 2
    expectClose(
      [Double(RelativisticLoss.critic(real: real, fake: fake).scalar)],
      [critic],
      Self.close
    )
    expectClose(
      [Double(RelativisticLoss.generator(real: real, fake: fake).scalar)],
      [generator],
      Self.close
    )
  }

  @Test func equalScoresCostTwiceTheLogarithmOfTwo() {
    let scores = Tensor(repeating: 3, shape: [2, 1, 2, 2])
    for loss in [RelativisticLoss.critic, RelativisticLoss.generator] {
      expectClose([Double(loss(scores, scores).scalar)], [2 * log(2)], Self.close)
    }
  }

  @Test func theTwoSidesPullScoresApart() throws {
    let keys = (GradientKey(), GradientKey())
    func slopes(_ loss: (Tensor, Tensor) -> Tensor) -> (real: Float, fake: Float) {
      let found = gradients(
        of: loss(
          Tensor([0.3], shape: [1, 1]).tracked(by: keys.0),
          Tensor([-0.2], shape: [1, 1]).tracked(by: keys.1)
        )
      )
      return (found[keys.0]?.scalar ?? 0, found[keys.1]?.scalar ?? 0)
    }
    let critic = slopes { RelativisticLoss.critic(real: $0, fake: $1) }
    #expect(critic.real < 0 && critic.fake > 0)
    let generator = slopes { RelativisticLoss.generator(real: $0, fake: $1) }
    #expect(generator.real > 0 && generator.fake < 0)
  }
}

@Suite struct RealSlopePenaltyTests {
  @Test func ofALinearCriticItIsHalfOfItsSquaredWeight() {
    let weight = Parameter(Tensor([3, -4], shape: [2]))
    let context = Context(.training)
    let x = Tensor([0.5, 2, -1, 0.25], shape: [2, 2])
    let penalty = realSlopePenalty(at: x, weight: 2) { x in
      (x * weight.value(in: context).reshaped([1, 2])).sum(axes: [1])
    }
    expectClose([penalty.scalar], [25], Tolerance(absolute: 0, relative: 1e-5))
    // ∂ ‖w‖² / ∂w = 2 w, up to the rounding of scores in a difference over 2e-2.
    let found = gradients(of: penalty)[weight.key]?.values ?? []
    expectClose(found, [6, -8], Tolerance(absolute: 2e-3, relative: 2e-3))
  }
}
