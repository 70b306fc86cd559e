import Support
import Tensors

/// v ← μ v + g, w ← w − η (g + μ v) with Nesterov's momentum, else w − η v; g with λ w added.
///
/// Sutskever et al. 2013, in PyTorch's form: the learning rate is not part of the velocity.
struct SGD: OptimizerRule {
  let momentum: Double
  let weightDecay: Double
  let isNesterov: Bool

  var slots: [String] { momentum == 0 ? [] : ["momentum"] }

  func stepped(
    _ value: Tensor,
    _ gradient: Tensor,
    moments: [AlignedBuffer<Float>],
    scale: GradientScale,
    learningRate: Double,
    stepCount: Int
  ) -> Tensor {
    ParameterSteps.sgd(
      value,
      gradient,
      velocity: moments.first,
      scale: scale,
      rate: Float(learningRate),
      momentum: Float(momentum),
      decay: Float(weightDecay),
      isNesterov: isNesterov
    )
  }
}
