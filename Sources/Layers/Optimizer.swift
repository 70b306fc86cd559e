import Foundation
import Tensors

/// Which optimiser changes the weights, with its constants; a value for plans.
public enum OptimizerConfiguration: Codable, Sendable, Equatable {
  /// Stochastic gradient descent with Nesterov's momentum (Sutskever et al. 2013, in PyTorch's form)
  /// and L2 weight decay added to the gradient.
  case sgd(momentum: Double, weightDecay: Double)
  /// Adam (Kingma and Ba 2015) with decoupled weight decay (AdamW, Loshchilov and Hutter 2019).
  case adamW(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)

  /// AdamW with its authors' constants and a decay of 0.01.
  public static let defaultAdamW = OptimizerConfiguration.adamW(
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01
  )
  /// nnU-Net's SGD.
  public static let nnUNetSGD = OptimizerConfiguration.sgd(momentum: 0.99, weightDecay: 3e-5)
}

/// Changes parameters by their gradients, and remembers moments in between.
public struct Optimizer: Sendable {
  /// The rule and its constants.
  public let configuration: OptimizerConfiguration
  /// Steps taken.
  public private(set) var stepCount = 0
  /// Moment estimates by slot name and parameter name, for checkpoints.
  public private(set) var moments: [String: [Float]] = [:]
  private let parameters: [(name: String, parameter: Parameter)]

  /// Creates an optimiser.
  /// - Parameters:
  ///   - configuration: The rule and its constants.
  ///   - parameters: What to change, by unique names; parameters that are not trainable are left alone.
  public init(
    _ configuration: OptimizerConfiguration,
    parameters: [(name: String, parameter: Parameter)]
  ) {
    self.configuration = configuration
    self.parameters = parameters.filter(\.parameter.isTrainable)
  }

  /// Continues from stored moments.
  /// - Parameters:
  ///   - stepCount: Steps taken so far.
  ///   - moments: Moment estimates as `moments` gave them.
  public mutating func restore(stepCount: Int, moments: [String: [Float]]) {
    self.stepCount = stepCount
    self.moments = moments
  }

  /// The Euclidean norm over all gradients.
  /// - Parameter gradients: The gradients.
  /// - Returns: √Σ g².
  public func norm(of gradients: Gradients) -> Double {
    parameters.reduce(0.0) { total, entry in
      guard let gradient = gradients[entry.parameter.key] else { return total }
      return gradient.values.reduce(total) { $0 + Double($1) * Double($1) }
    }.squareRoot()
  }

  /// Takes one step down the gradient; parameters without a gradient stay.
  /// - Parameters:
  ///   - gradients: The gradients.
  ///   - learningRate: The step size.
  ///   - clipNorm: Gradients of a larger total norm are shortened to it (Pascanu et al. 2013).
  public mutating func step(
    _ gradients: Gradients,
    learningRate: Double,
    clipNorm: Double? = nil
  ) {
    stepCount += 1
    var factor: Float = 1
    if let clipNorm {
      let norm = norm(of: gradients)
      if norm > clipNorm { factor = Float(clipNorm / norm) }
    }
    for (name, parameter) in parameters {
      guard let gradient = gradients[parameter.key] else { continue }
      var values = parameter.value.values
      let slope = gradient.values
      switch configuration {
      case .sgd(let momentum, let decay):
        stepSGD(
          &values,
          slope,
          factor,
          name: name,
          rate: Float(learningRate),
          momentum: Float(momentum),
          decay: Float(decay)
        )
      case .adamW(let beta1, let beta2, let epsilon, let decay):
        let count = Double(stepCount)
        stepAdamW(
          &values,
          slope,
          factor,
          name: name,
          beta1: Float(beta1),
          beta2: Float(beta2),
          epsilon: Float(epsilon),
          shrink: Float(1 - learningRate * decay),
          rate: Float(learningRate / (1 - pow(beta1, count))),
          secondCorrection: Float(1 / (1 - pow(beta2, count)).squareRoot())
        )
      }
      parameter.value = Tensor(values, shape: parameter.shape)
    }
  }

  /// v ← μ v + g, w ← w − η (g + μ v), with g + λ w for g.
  private mutating func stepSGD(
    _ values: inout [Float],
    _ gradient: [Float],
    _ factor: Float,
    name: String,
    rate: Float,
    momentum: Float,
    decay: Float
  ) {
    var velocity = moments["momentum." + name] ?? [Float](repeating: 0, count: values.count)
    for i in values.indices {
      let g = gradient[i] * factor + decay * values[i]
      velocity[i] = momentum * velocity[i] + g
      values[i] -= rate * (g + momentum * velocity[i])
    }
    moments["momentum." + name] = velocity
  }

  /// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← (1 − ηλ) w − η m̂ / (√v̂ + ε).
  private mutating func stepAdamW(
    _ values: inout [Float],
    _ gradient: [Float],
    _ factor: Float,
    name: String,
    beta1: Float,
    beta2: Float,
    epsilon: Float,
    shrink: Float,
    rate: Float,
    secondCorrection: Float
  ) {
    var first = moments["first." + name] ?? [Float](repeating: 0, count: values.count)
    var second = moments["second." + name] ?? [Float](repeating: 0, count: values.count)
    for i in values.indices {
      let g = gradient[i] * factor
      first[i] = beta1 * first[i] + (1 - beta1) * g
      second[i] = beta2 * second[i] + (1 - beta2) * g * g
      let step = first[i] / (second[i].squareRoot() * secondCorrection + epsilon)
      values[i] = values[i] * shrink - rate * step
    }
    moments["first." + name] = first
    moments["second." + name] = second
  }
}
