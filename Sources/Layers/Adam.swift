import Foundation
import Support
import Tensors

/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η m̂ / (√v̂ + ε).
///
/// Kingma and Ba 2015, algorithm 1, with weight decay added to the gradient; or decoupled, w ← (1 − η λ) w
/// first (AdamW, Loshchilov and Hutter 2019, algorithm 2 in PyTorch's form).
struct Adam: OptimizerRule {
  let beta1: Double
  let beta2: Double
  let epsilon: Double
  let weightDecay: Double
  let isDecoupled: Bool

  var slots: [String] { ["first", "second"] }

  func stepped(
    _ value: Tensor,
    _ gradient: Tensor,
    moments: [AlignedBuffer<Float>],
    scale: GradientScale,
    learningRate: Double,
    stepCount: Int
  ) -> Tensor {
    let count = Double(stepCount)
    return ParameterSteps.adam(
      value,
      gradient,
      first: moments[0],
      second: moments[1],
      scale: scale,
      rate: Float(learningRate / (1 - pow(beta1, count))),
      beta1: Float(beta1),
      beta2: Float(beta2),
      epsilon: Float(epsilon),
      correction: Float(1 / (1 - pow(beta2, count)).squareRoot()),
      decay: isDecoupled ? 0 : Float(weightDecay),
      shrink: isDecoupled ? Float(1 - learningRate * weightDecay) : 1
    )
  }
}
