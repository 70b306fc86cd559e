import Layers
import Networks
import Tensors

/// In what numbers a network computes.
package enum BenchPrecision: String, CaseIterable, Sendable {
  /// Single precision.
  case f32
  /// bfloat16 with single-precision sums.
  case bf16
  /// 8-bit integers with 32-bit sums.
  case int8

  /// The precision of a plan.
  var inference: InferencePrecision {
    switch self {
    case .f32: .float32
    case .bf16: .bfloat16
    case .int8: .int8
    }
  }
}

/// A network made ready to predict; the one place where measurements meet the engine.
package struct Predictor {
  /// Predicts; the result is in single precision and row-major.
  package let predict: (Tensor) throws -> Tensor
  /// The plan that predicts; nil where each operation runs by itself.
  package let plan: InferencePlan?

  /// Prepares a network.
  /// - Parameters:
  ///   - network: The network with its weights.
  ///   - example: An input of the shape that will be predicted, and with the usual values.
  ///   - precision: In what numbers to compute.
  ///   - isEager: Whether each operation runs by itself, without a plan.
  ///   - isExact: Whether the plan computes every convolution directly.
  /// - Throws: `BenchError.unavailablePrecision`.
  package init(
    _ network: any Network,
    example: Tensor,
    precision: BenchPrecision,
    isEager: Bool,
    isExact: Bool = false
  ) throws {
    if isEager, precision != .f32 {
      throw BenchError.unavailablePrecision(precision.rawValue, purpose: "Eager prediction")
    }
    let context = Context.inference
    if isEager {
      predict = { network($0, in: context).single.plain }
      plan = nil
    } else {
      var options = InferencePlanOptions()
      options.precision = precision.inference
      options.usesWinograd = !isExact
      if precision == .int8 {
        options.largestInputs = InferencePlan.largestInputs(
          inputShape: example.shape,
          examples: [example]
        ) { network($0, in: context) }
      }
      let plan = InferencePlan(inputShape: example.shape, options: options) {
        network($0, in: context)
      }
      predict = { plan($0) }
      self.plan = plan
    }
  }
}

/// A network made ready to be trained: forward, mean of squares, backward, SGD with momentum.
package struct TrainingStep {
  private let network: any Network
  private let context = Context(.training)
  private let type: ElementType
  private var optimizer: Optimizer

  /// Prepares a network.
  /// - Parameters:
  ///   - network: The network with its weights, which steps change.
  ///   - precision: In what numbers to compute.
  /// - Throws: `BenchError.unavailablePrecision`.
  package init(_ network: any Network, precision: BenchPrecision) throws {
    guard precision != .int8 else {
      throw BenchError.unavailablePrecision(precision.rawValue, purpose: "Training")
    }
    self.network = network
    type = precision == .bf16 ? .bfloat16 : .float32
    optimizer = Optimizer(
      .sgd(momentum: 0.9, weightDecay: 0),
      parameters: network.namedParameters
    )
  }

  /// Takes one step of learning rate 10⁻⁶.
  /// - Parameter x: The batch.
  /// - Returns: The loss before the step.
  package mutating func callAsFunction(_ x: Tensor) -> Float {
    let y = network(x.cast(to: type), in: context).cast(to: .float32)
    let loss = (y * y).mean
    let value = loss.scalar
    optimizer.step(gradients(of: loss), learningRate: 1e-6)
    return value
  }
}
