import Support
import Tensors

/// v ← α v + (1 − α) g², b ← μ b + g / (√v + ε), w ← w − η b; g with λ w added.
///
/// Tieleman and Hinton 2012, lecture 6.5, in PyTorch's form, not centred.
struct RMSprop: OptimizerRule {
  let smoothing: Double
  let epsilon: Double
  let momentum: Double
  let weightDecay: Double

  var slots: [String] { momentum == 0 ? ["square"] : ["square", "momentum"] }

  func stepped(
    _ value: Tensor,
    _ gradient: Tensor,
    moments: [AlignedBuffer<Float>],
    scale: GradientScale,
    learningRate: Double,
    stepCount: Int
  ) -> Tensor {
    ParameterSteps.rmsprop(
      value,
      gradient,
      square: moments[0],
      velocity: moments.count > 1 ? moments[1] : nil,
      scale: scale,
      rate: Float(learningRate),
      smoothing: Float(smoothing),
      epsilon: Float(epsilon),
      momentum: Float(momentum),
      decay: Float(weightDecay)
    )
  }
}
