import Foundation
import Support

/// A loss that compares two tensors value by value and averages.
protocol PointwiseLoss: Sendable {
  /// The loss of a pair.
  func value(_ x: Float, _ target: Float) -> Float
  /// The derivatives for both; 0 for a target that counts as constant.
  func slopes(_ x: Float, _ target: Float) -> (x: Float, target: Float)
  /// The formula.
  func formula(_ x: Scalar, _ target: Scalar) -> Scalar
}

/// The mean of a pointwise loss.
private func mean(
  _ loss: some PointwiseLoss,
  _ name: String,
  _ x: Tensor,
  _ target: Tensor
) -> Tensor {
  precondition(x.shape == target.shape, "\(name) of \(x.shape) and \(target.shape)")
  precondition(x.count > 0, "\(name) of nothing")
  let scale = 1 / Double(x.count)
  return lossOperation(name, on: [x, target]) { operands in
    let (x, target) = (operands[0], operands[1])
    let total = FixedChunks.sum(x.count, itemCost: 16) { range in
      let (a, b) = (x.storage.elements, target.storage.elements)
      var sum = 0.0
      for i in range { sum += Double(loss.value(a[i], b[i])) }
      return sum
    }
    return LossOutcome(value: total * scale) { gradient in
      let factor = gradient * Float(scale)
      let (forX, forTarget) = (x.emptyLike(), x.emptyLike())
      EngineThreads.forEachRange(x.count, itemCost: 16) { range in
        let (a, b) = (x.storage.elements, target.storage.elements)
        let (da, db) = (forX.storage.mutableElements, forTarget.storage.mutableElements)
        for i in range {
          let slopes = loss.slopes(a[i], b[i])
          da[i] = factor * slopes.x
          db[i] = factor * slopes.target
        }
      }
      return [forX, forTarget]
    }
  } reference: { operands in
    zip(operands[0], operands[1]).map { loss.formula($0, $1) }.sum * Scalar(scale)
  }
}

/// A loss of the difference alone.
private protocol DifferenceLoss: PointwiseLoss {
  func value(_ difference: Float) -> Float
  func slope(_ difference: Float) -> Float
  func formula(_ difference: Scalar) -> Scalar
}

extension DifferenceLoss {
  func value(_ x: Float, _ target: Float) -> Float { value(x - target) }
  func slopes(_ x: Float, _ target: Float) -> (x: Float, target: Float) {
    let slope = slope(x - target)
    return (slope, -slope)
  }
  func formula(_ x: Scalar, _ target: Scalar) -> Scalar { formula(x - target) }
}

private struct Absolute: DifferenceLoss {
  func value(_ d: Float) -> Float { abs(d) }
  func slope(_ d: Float) -> Float { d > 0 ? 1 : d < 0 ? -1 : d }
  func formula(_ d: Scalar) -> Scalar { d.magnitude }
}

private struct SquaredError: DifferenceLoss {
  func value(_ d: Float) -> Float { d * d }
  func slope(_ d: Float) -> Float { 2 * d }
  func formula(_ d: Scalar) -> Scalar { d * d }
}

/// factor · (d² / 2β below β, |d| − β/2 above).
private struct Smooth: DifferenceLoss {
  let beta: Float
  let factor: Float
  func value(_ d: Float) -> Float {
    factor * (abs(d) < beta ? d * d / (2 * beta) : abs(d) - beta / 2)
  }
  func slope(_ d: Float) -> Float {
    factor * (abs(d) < beta ? d / beta : d > 0 ? 1 : d < 0 ? -1 : d)
  }
  func formula(_ d: Scalar) -> Scalar {
    let (beta, factor) = (Double(beta), Scalar(Double(factor)))
    if abs(d.value) < beta { return factor * d * d / Scalar(2 * beta) }
    return factor * (d.magnitude - Scalar(beta / 2))
  }
}

private struct Charbonnier: DifferenceLoss {
  let epsilon: Float
  func value(_ d: Float) -> Float { (d * d + epsilon * epsilon).squareRoot() }
  func slope(_ d: Float) -> Float { d / value(d) }
  func formula(_ d: Scalar) -> Scalar {
    (d * d + Scalar(Double(epsilon) * Double(epsilon))).squareRoot
  }
}

/// log(1 + eˣ) without overflow.
private func softplus(_ x: Float) -> Float { max(x, 0) + log1p(exp(-abs(x))) }

private func softplus(_ x: Scalar) -> Scalar { [Scalar(0), x].logSumExp }

/// 1 / (1 + e⁻ˣ) without overflow.
private func sigmoid(_ x: Float) -> Float {
  let small = exp(-abs(x))
  return (x >= 0 ? 1 : small) / (1 + small)
}

private struct BinaryCrossEntropy: PointwiseLoss {
  let positiveWeight: Float
  func value(_ x: Float, _ t: Float) -> Float {
    positiveWeight * t * softplus(-x) + (1 - t) * softplus(x)
  }
  func slopes(_ x: Float, _ t: Float) -> (x: Float, target: Float) {
    (
      (1 - t) * sigmoid(x) - positiveWeight * t * sigmoid(-x),
      positiveWeight * softplus(-x) - softplus(x)
    )
  }
  func formula(_ x: Scalar, _ t: Scalar) -> Scalar {
    Scalar(Double(positiveWeight)) * t * softplus(-x) + (1 - t) * softplus(x)
  }
}

private struct BinaryFocal: PointwiseLoss {
  let alpha: Float
  let gamma: Float
  private func parts(_ x: Float, _ t: Float) -> (sign: Float, weight: Float) {
    t > 0.5 ? (1, alpha) : (-1, 1 - alpha)
  }
  func value(_ x: Float, _ t: Float) -> Float {
    let (sign, weight) = parts(x, t)
    return weight * pow(sigmoid(-sign * x), gamma) * softplus(-sign * x)
  }
  func slopes(_ x: Float, _ t: Float) -> (x: Float, target: Float) {
    let (sign, weight) = parts(x, t)
    let (p, q) = (sigmoid(sign * x), sigmoid(-sign * x))
    return (-sign * weight * pow(q, gamma) * (gamma * p * softplus(-sign * x) + q), 0)
  }
  func formula(_ x: Scalar, _ t: Scalar) -> Scalar {
    let (sign, weight) = parts(Float(x.value), Float(t.value))
    let surprise = softplus(Scalar(Double(-sign)) * x)
    let rest = 1 - (-surprise).exponential
    return Scalar(Double(weight)) * rest.power(Double(gamma)) * surprise
  }
}

/// max(0, 1 − t x).
private struct Hinge: PointwiseLoss {
  func value(_ x: Float, _ t: Float) -> Float { max(0, 1 - t * x) }
  func slopes(_ x: Float, _ t: Float) -> (x: Float, target: Float) {
    t * x < 1 ? (-t, -x) : (0, 0)
  }
  func formula(_ x: Scalar, _ t: Scalar) -> Scalar { (1 - t * x).atLeast(0) }
}

/// t x.
private struct Product: PointwiseLoss {
  func value(_ x: Float, _ t: Float) -> Float { t * x }
  func slopes(_ x: Float, _ t: Float) -> (x: Float, target: Float) { (t, x) }
  func formula(_ x: Scalar, _ t: Scalar) -> Scalar { t * x }
}

/// Mean absolute difference.
/// - Parameters:
///   - x: Any shape.
///   - target: Of the same shape.
/// - Returns: One number; where both are equal the derivative is 0.
/// - Precondition: The shapes are equal and not empty.
public func absoluteLoss(_ x: Tensor, target: Tensor) -> Tensor {
  mean(Absolute(), "L1 loss", x, target)
}

/// Mean squared difference.
/// - Parameters:
///   - x: Any shape.
///   - target: Of the same shape.
/// - Returns: One number.
/// - Precondition: The shapes are equal and not empty.
public func squaredLoss(_ x: Tensor, target: Tensor) -> Tensor {
  mean(SquaredError(), "L2 loss", x, target)
}

/// Smooth L1 loss: the mean of d²/2β where |d| < β, else |d| − β/2 (Girshick 2015, equation 3).
/// - Parameters:
///   - x: Any shape.
///   - target: Of the same shape.
///   - beta: β, larger than 0.
/// - Returns: One number.
/// - Precondition: The shapes are equal and not empty.
public func smoothAbsoluteLoss(_ x: Tensor, target: Tensor, beta: Float = 1) -> Tensor {
  precondition(beta > 0, "the border \(beta) of a smooth L1 loss")
  return mean(Smooth(beta: beta, factor: 1), "smooth L1 loss", x, target)
}

/// Huber loss: the mean of d²/2 where |d| < δ, else δ (|d| − δ/2) (Huber 1964).
/// - Parameters:
///   - x: Any shape.
///   - target: Of the same shape.
///   - delta: δ, larger than 0.
/// - Returns: One number.
/// - Precondition: The shapes are equal and not empty.
public func huberLoss(_ x: Tensor, target: Tensor, delta: Float = 1) -> Tensor {
  precondition(delta > 0, "the border \(delta) of a Huber loss")
  return mean(Smooth(beta: delta, factor: delta), "Huber loss", x, target)
}

/// Charbonnier loss: the mean of √(d² + ε²).
///
/// Charbonnier et al. 1994; Lai et al. 2017, section 3.2.
/// - Parameters:
///   - x: Any shape.
///   - target: Of the same shape.
///   - epsilon: ε, larger than 0.
/// - Returns: One number, at least ε.
/// - Precondition: The shapes are equal and not empty.
public func charbonnierLoss(_ x: Tensor, target: Tensor, epsilon: Float = 1e-3) -> Tensor {
  precondition(epsilon > 0, "the constant \(epsilon) of a Charbonnier loss")
  return mean(Charbonnier(epsilon: epsilon), "Charbonnier loss", x, target)
}

/// Binary cross-entropy of a sigmoid: the mean of −(w t log σ(x) + (1 − t) log(1 − σ(x))).
/// - Parameters:
///   - logits: x, any shape.
///   - targets: t, of the same shape, 0 to 1.
///   - positiveWeight: w.
/// - Returns: One number.
/// - Precondition: The shapes are equal and not empty.
public func binaryCrossEntropy(
  _ logits: Tensor,
  targets: Tensor,
  positiveWeight: Float = 1
) -> Tensor {
  mean(
    BinaryCrossEntropy(positiveWeight: positiveWeight),
    "binary cross-entropy",
    logits,
    targets
  )
}

/// Focal loss of a sigmoid: the mean of −α(t) (1 − p(t))^γ log p(t).
///
/// Lin et al. 2017, equation 5.
/// - Parameters:
///   - logits: Any shape.
///   - targets: Of the same shape, 0 or 1 (taken as 1 above 0.5); no gradient goes back to them.
///   - alpha: The weight of ones; zeros weigh 1 − α.
///   - gamma: γ, at least 0.
/// - Returns: One number, the mean over all values.
/// - Precondition: The shapes are equal and not empty.
public func binaryFocalLoss(
  _ logits: Tensor,
  targets: Tensor,
  alpha: Float = 0.25,
  gamma: Float = 2
) -> Tensor {
  precondition(gamma >= 0, "the focal exponent \(gamma)")
  return mean(
    BinaryFocal(alpha: alpha, gamma: gamma),
    "binary focal loss",
    logits,
    targets.detached
  )
}

/// Hinge loss: the mean of max(0, 1 − t x).
/// - Parameters:
///   - scores: x, any shape.
///   - signs: t, of the same shape, 1 or −1.
/// - Returns: One number.
/// - Precondition: The shapes are equal and not empty.
public func hingeLoss(_ scores: Tensor, signs: Tensor) -> Tensor {
  mean(Hinge(), "hinge loss", scores, signs)
}

/// The mean of products, value by value.
/// - Parameters:
///   - x: Any shape.
///   - weights: Of the same shape.
/// - Returns: One number.
/// - Precondition: The shapes are equal and not empty.
public func meanProduct(_ x: Tensor, _ weights: Tensor) -> Tensor {
  mean(Product(), "mean product", x, weights)
}
