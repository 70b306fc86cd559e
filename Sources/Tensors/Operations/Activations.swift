import CKernels
import Support

/// Which of its two forms a GELU takes.
public enum GELUForm: String, Codable, Hashable, Sendable, CaseIterable {
  /// x Φ(x), with the normal distribution function itself.
  case exact
  /// ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).
  case tanh
}

/// Logistic function 1 / (1 + e⁻ˣ).
/// - Parameter x: Any shape.
/// - Returns: The shape of `x`, values between 0 and 1.
public func sigmoid(_ x: Tensor) -> Tensor { activated(x, .sigmoid) }

/// Hyperbolic tangent.
/// - Parameter x: Any shape.
/// - Returns: The shape of `x`, values between −1 and 1.
public func tanh(_ x: Tensor) -> Tensor { activated(x, .tanh) }

/// Smooth rectifier log(1 + e^(βx)) / β.
/// - Parameters:
///   - x: Any shape.
///   - beta: β, positive; the larger, the closer to a rectifier.
/// - Returns: The shape of `x`.
public func softplus(_ x: Tensor, beta: Float = 1) -> Tensor {
  precondition(beta > 0, "softplus with β = \(beta)")
  return activated(x, .softplus(beta: beta))
}

/// Exponential linear unit: v for v > 0, else α (eᵛ − 1).
///
/// Clevert, Unterthiner and Hochreiter 2016, equation 16.
/// - Parameters:
///   - x: Any shape.
///   - alpha: α.
/// - Returns: The shape of `x`.
public func elu(_ x: Tensor, alpha: Float = 1) -> Tensor { activated(x, .elu(alpha: alpha)) }

/// Gaussian error linear unit.
///
/// Hendrycks and Gimpel 2016, section 2.
/// - Parameters:
///   - x: Any shape.
///   - form: The definition itself or the approximation by a tanh.
/// - Returns: The shape of `x`.
public func gelu(_ x: Tensor, form: GELUForm = .exact) -> Tensor { activated(x, .gelu(form)) }

/// Sigmoid linear unit x / (1 + e⁻ˣ), also called swish.
/// - Parameter x: Any shape.
/// - Returns: The shape of `x`.
public func silu(_ x: Tensor) -> Tensor { activated(x, .silu) }

/// Piecewise form of the swish: x · min(max(x + 3, 0), 6) / 6.
///
/// Howard et al. 2019, section 5.2. The slope is 0 at −3 and 1 at 3, as in PyTorch.
/// - Parameter x: Any shape.
/// - Returns: The shape of `x`.
public func hardSwish(_ x: Tensor) -> Tensor { activated(x, .hardSwish) }

/// A function of one number, as the kernels and the reference know it.
package enum Activation: Sendable, Hashable {
  case sigmoid
  case tanh
  case softplus(beta: Float)
  case elu(alpha: Float)
  case gelu(GELUForm)
  case silu
  case hardSwish

  /// The name in traces and profiles.
  package var name: String {
    switch self {
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .softplus: "softplus"
    case .elu: "elu"
    case .gelu: "gelu"
    case .silu: "silu"
    case .hardSwish: "hard-swish"
    }
  }

  /// The kernels' number of the function.
  var kind: Int32 {
    let kind =
      switch self {
      case .sigmoid: CK_SIGMOID
      case .tanh: CK_TANH
      case .softplus: CK_SOFTPLUS
      case .elu: CK_ELU
      case .gelu(.exact): CK_GELU
      case .gelu(.tanh): CK_GELU_TANH
      case .silu: CK_SILU
      case .hardSwish: CK_HARD_SWISH
      }
    return Int32(kind.rawValue)
  }

  /// The kernels' parameter.
  var parameter: Float {
    switch self {
    case .softplus(let beta): beta
    case .elu(let alpha): alpha
    default: 0
    }
  }

  /// What the function depends on.
  fileprivate var attributes: [String: StepAttribute] {
    switch self {
    case .softplus(let beta): ["beta": .number(beta)]
    case .elu(let alpha): ["alpha": .number(alpha)]
    case .gelu(let form): ["form": .text(form.rawValue)]
    case .sigmoid, .tanh, .silu, .hardSwish: [:]
    }
  }

  /// Whether f(0) = 0, so that padding lanes keep their zeros.
  fileprivate var keepsZero: Bool {
    switch self {
    case .sigmoid, .softplus: false
    default: true
    }
  }
}

private func activated(_ x: Tensor, _ activation: Activation) -> Tensor {
  operation(
    activation.name,
    on: [x],
    shape: x.shape,
    action: .activation(activation),
    attributes: activation.attributes
  ) { operands in
    let x = operands[0]
    if Kernels.current.isReference {
      let input = x.detached
      return ActivationReference.value(input, activation).recorded(from: [x]) { gradient in
        [ActivationReference.gradient(gradient, x: input, activation)]
      }
    }
    let fillsBlocks = x.lanes == 1 || x.shape[1] % x.lanes == 0
    let input = activation.keepsZero || fillsBlocks ? x.detached : x.plain
    let result = input.emptyLike()
    let (source, target) = (input.storage, result.storage)
    let (kind, parameter) = (activation.kind, activation.parameter)
    EngineThreads.forEachRange(source.count, itemCost: 4) { range in
      ck_activation(
        kind,
        source.pointer + range.lowerBound,
        target.pointer + range.lowerBound,
        parameter,
        Int64(range.count)
      )
    }
    return result.recorded(from: [x]) { gradient in
      let arriving = gradient.relaid(input.layout)
      let back = input.emptyLike()
      let (x, dy, dx) = (input.storage, arriving.storage, back.storage)
      EngineThreads.forEachRange(x.count, itemCost: 4) { range in
        let start = range.lowerBound
        ck_activation_gradient(
          kind,
          x.pointer + start,
          dy.pointer + start,
          dx.pointer + start,
          parameter,
          Int64(range.count)
        )
      }
      return [back]
    }
  }
}
