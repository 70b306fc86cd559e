import Support
import Tensors

/// How one optimiser changes one parameter.
protocol OptimizerRule: Sendable {
  /// Names of the moments that it keeps for each parameter, as long as the parameter.
  var slots: [String] { get }

  /// The parameter's new value; moments, in the order of `slots`, are changed in place.
  func stepped(
    _ value: Tensor,
    _ gradient: Tensor,
    moments: [AlignedBuffer<Float>],
    scale: GradientScale,
    learningRate: Double,
    stepCount: Int
  ) -> Tensor
}
