import Support
import Tensors

/// w ← (1 − η λ) w − η sign(β₁ m + (1 − β₁) g), m ← β₂ m + (1 − β₂) g.
///
/// Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2.
struct Lion: OptimizerRule {
  let beta1: Double
  let beta2: Double
  let weightDecay: Double

  var slots: [String] { ["first"] }

  func stepped(
    _ value: Tensor,
    _ gradient: Tensor,
    moments: [AlignedBuffer<Float>],
    scale: GradientScale,
    learningRate: Double,
    stepCount: Int
  ) -> Tensor {
    ParameterSteps.lion(
      value,
      gradient,
      first: moments[0],
      scale: scale,
      rate: Float(learningRate),
      beta1: Float(beta1),
      beta2: Float(beta2),
      shrink: Float(1 - learningRate * weightDecay)
    )
  }
}
