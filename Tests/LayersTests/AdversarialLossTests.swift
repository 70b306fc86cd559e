import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("AdversarialLoss")
struct AdversarialLossTests {
  /// Scores of about 10 in single precision, 6e-7 each, over a difference of 2e-2.
  private static let close = Tolerance(absolute: 1e-3, relative: 1e-3)

  @Test("a linear critic's penalty and its gradient are (‖w‖ − 1)² and 2 (‖w‖ − 1) w / ‖w‖")
  func linearCritic() {
    let weight = Parameter(Tensor([3, -4], shape: [2]))
    let context = Context(.training)
    let penalty = gradientPenalty(at: Tensor([0.5, 2], shape: [1, 2]), weight: 10) { x in
      (x * weight.value(in: context).reshaped([1, 2])).sum.reshaped([1])
    }
    expectClose([penalty.scalar], [160], Tolerance(absolute: 0, relative: 1e-5))
    let found = gradients(of: penalty)[weight.key]?.values ?? []
    expectClose(found, [10 * 2 * 4 * 0.6, 10 * 2 * 4 * -0.8], Self.close)
  }

  @Test("a quadratic critic's penalty and its gradient follow from ∇(w x²/2) = w x")
  func quadraticCritic() {
    let weight = Parameter(Tensor([1.5], shape: [1]))
    let context = Context(.training)
    let x = Tensor([0.5, 2], shape: [2, 1])
    let penalty = gradientPenalty(at: x, weight: 1) { x in
      let w = weight.value(in: context)
      let both = concatenation([w.reshaped([1, 1]), w.reshaped([1, 1])]).reshaped([2, 1])
      return x * x * both * 0.5
    }
    // Slopes 0.75 and 3: ((−0.25)² + 2²) / 2; derivative (2 · −0.25 · 0.5 + 2 · 2 · 2) / 2.
    expectClose([penalty.scalar], [2.03125], Tolerance(absolute: 0, relative: 1e-5))
    let found = gradients(of: penalty)[weight.key]?.values ?? []
    expectClose(found, [3.875], Self.close)
  }

  @Test("a critic without slope costs λ and pulls nowhere")
  func flatCritic() {
    let weight = Parameter(Tensor([0, 0], shape: [2]))
    let context = Context(.training)
    let penalty = gradientPenalty(at: Tensor([0.5, 2], shape: [1, 2]), weight: 10) { x in
      (x * weight.value(in: context).reshaped([1, 2])).sum.reshaped([1])
    }
    #expect(penalty.scalar == 10)
    #expect(gradients(of: penalty)[weight.key]?.values == [0, 0])
  }

  @Test(
    "a perfect critic's hinge loss is 0 and games survive JSON",
    arguments: AdversarialLoss.allCases
  )
  func configurations(_ game: AdversarialLoss) throws {
    let data = try JSONEncoder().encode([game])
    #expect(try JSONDecoder().decode([AdversarialLoss].self, from: data) == [game])
    let (real, fake) = (Tensor([2, 3], shape: [2]), Tensor([-2, -1.5], shape: [2]))
    if game == .hinge { #expect(game.critic(real: real, fake: fake).scalar == 0) }
  }

  @Test("composite losses survive JSON, and every named loss falls towards the labels")
  func segmentationLosses() throws {
    let labels = LabelTensor([0, 1, 1], shape: [1, 3])
    let (good, bad) =
      (
        Tensor([4, -4, -4, -4, 4, 4], shape: [1, 2, 3]),
        Tensor([-4, 4, 4, 4, -4, -4], shape: [1, 2, 3])
      )
    for loss in SegmentationLoss.allCases {
      #expect(loss(good, labels: labels).scalar < loss(bad, labels: labels).scalar, "\(loss)")
      let composite = CompositeSegmentationLoss(loss.terms, ignoredLabel: 9)
      let data = try JSONEncoder().encode(composite)
      #expect(try JSONDecoder().decode(CompositeSegmentationLoss.self, from: data) == composite)
      #expect(composite(good, labels: labels).scalar == loss(good, labels: labels).scalar)
    }
  }
}
