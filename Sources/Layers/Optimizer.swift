import Support
import Tensors

/// Which optimiser changes the weights, with its constants; a value for plans.
public enum OptimizerConfiguration: Codable, Sendable, Equatable {
  /// Stochastic gradient descent with Nesterov's momentum (Sutskever et al. 2013, in PyTorch's form)
  /// and L2 weight decay added to the gradient.
  case sgd(momentum: Double, weightDecay: Double)
  /// The same with plain momentum (Polyak 1964).
  case heavyBall(momentum: Double, weightDecay: Double)
  /// Adam (Kingma and Ba 2015) with weight decay added to the gradient.
  case adam(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)
  /// Adam with decoupled weight decay (AdamW, Loshchilov and Hutter 2019).
  case adamW(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)
  /// RMSprop (Tieleman and Hinton 2012) with momentum and L2 weight decay added to the gradient.
  case rmsprop(smoothing: Double, epsilon: Double, momentum: Double, weightDecay: Double)
  /// Lion (Chen et al. 2023) with decoupled weight decay.
  case lion(beta1: Double, beta2: Double, weightDecay: Double)

  /// AdamW with its authors' constants and a decay of 0.01.
  public static let defaultAdamW = OptimizerConfiguration.adamW(
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01
  )
  /// nnU-Net's SGD.
  public static let nnUNetSGD = OptimizerConfiguration.sgd(momentum: 0.99, weightDecay: 3e-5)
  /// Lion with its authors' constants; its learning rate should be 3 to 10 times smaller than AdamW's.
  public static let defaultLion = OptimizerConfiguration.lion(
    beta1: 0.9,
    beta2: 0.99,
    weightDecay: 0.1
  )

  var rule: any OptimizerRule {
    switch self {
    case .sgd(let momentum, let decay):
      SGD(momentum: momentum, weightDecay: decay, isNesterov: true)
    case .heavyBall(let momentum, let decay):
      SGD(momentum: momentum, weightDecay: decay, isNesterov: false)
    case .adam(let beta1, let beta2, let epsilon, let decay):
      Adam(
        beta1: beta1,
        beta2: beta2,
        epsilon: epsilon,
        weightDecay: decay,
        isDecoupled: false
      )
    case .adamW(let beta1, let beta2, let epsilon, let decay):
      Adam(
        beta1: beta1,
        beta2: beta2,
        epsilon: epsilon,
        weightDecay: decay,
        isDecoupled: true
      )
    case .rmsprop(let smoothing, let epsilon, let momentum, let decay):
      RMSprop(smoothing: smoothing, epsilon: epsilon, momentum: momentum, weightDecay: decay)
    case .lion(let beta1, let beta2, let decay):
      Lion(beta1: beta1, beta2: beta2, weightDecay: decay)
    }
  }
}

/// Changes parameters by their gradients, and remembers moments in between.
///
/// Results have the same bits for every number of threads, as far as the gradients do.
public struct Optimizer: Sendable {
  /// The rule and its constants.
  public let configuration: OptimizerConfiguration
  /// Steps taken.
  public private(set) var stepCount = 0
  private let rule: any OptimizerRule
  /// By slot name and parameter name; a copy of the optimiser shares them until one takes a step.
  private var buffers: [String: AlignedBuffer<Float>] = [:]
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
    rule = configuration.rule
    self.parameters = parameters.filter(\.parameter.isTrainable)
  }

  /// Moment estimates by slot name and parameter name ("first.encoder.0.weight"), for checkpoints.
  public var moments: [String: [Float]] { buffers.mapValues { Array($0.elements) } }

  /// Continues from stored moments.
  /// - Parameters:
  ///   - stepCount: Steps taken so far.
  ///   - moments: Moment estimates as `moments` gave them.
  public mutating func restore(stepCount: Int, moments: [String: [Float]]) {
    self.stepCount = stepCount
    buffers = moments.mapValues { Tensor($0, shape: [$0.count]).storage }
  }

  /// The Euclidean norm over all gradients.
  /// - Parameter gradients: The gradients.
  /// - Returns: √Σ g².
  public func norm(of gradients: Gradients) -> Double {
    parameters.reduce(0.0) { $0 + (gradients[$1.parameter.key]?.sumOfSquares ?? 0) }.squareRoot()
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
    step(gradients, learningRate: learningRate, clipping: clipNorm.map { .norm($0) } ?? .none)
  }

  /// Takes one step down the gradient; parameters without a gradient stay.
  /// - Parameters:
  ///   - gradients: The gradients.
  ///   - learningRate: The step size.
  ///   - clipping: How gradients are kept from being too large.
  public mutating func step(
    _ gradients: Gradients,
    learningRate: Double,
    clipping: GradientClipping
  ) {
    stepCount += 1
    let scale = scale(gradients, clipping)
    for (name, parameter) in parameters {
      guard let gradient = gradients[parameter.key] else { continue }
      let value = parameter.value
      let slots = rule.slots.map { $0 + "." + name }
      let moments = slots.map { takeBuffer($0, count: value.count) }
      parameter.value = rule.stepped(
        value,
        gradient,
        moments: moments,
        scale: scale,
        learningRate: learningRate,
        stepCount: stepCount
      )
      for (slot, buffer) in zip(slots, moments) { buffers[slot] = buffer }
    }
  }

  private func scale(_ gradients: Gradients, _ clipping: GradientClipping) -> GradientScale {
    switch clipping {
    case .none: return GradientScale()
    case .value(let limit): return GradientScale(limit: Float(limit))
    case .norm(let limit):
      let norm = norm(of: gradients)
      return GradientScale(factor: norm > limit ? Float(limit / norm) : 1)
    }
  }

  /// A buffer of the optimiser's own, taken out so that it may be changed.
  private mutating func takeBuffer(_ slot: String, count: Int) -> AlignedBuffer<Float> {
    guard var buffer = buffers.removeValue(forKey: slot) else {
      return AlignedBuffer(repeating: 0, count: count)
    }
    precondition(buffer.count == count, "\(buffer.count) moments \(slot) for \(count) values")
    if isKnownUniquelyReferenced(&buffer) { return buffer }
    let copy = AlignedBuffer<Float>(uninitializedCount: count)
    copy.pointer.update(from: buffer.pointer, count: count)
    return copy
  }
}
