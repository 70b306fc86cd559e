extension Tensor {
  /// eˣ, value by value.
  public func exp() -> Tensor { unary(self, Exponential()) }

  /// The natural logarithm, value by value; −∞ at 0, NaN below.
  public func log() -> Tensor { unary(self, Logarithm()) }

  /// The square root, value by value; NaN below 0, and an infinite derivative at 0.
  public func squareRoot() -> Tensor { unary(self, SquareRoot()) }

  /// x², value by value.
  public func squared() -> Tensor { unary(self, Square()) }

  /// |x|, value by value; the derivative at 0 is 0.
  public func magnitude() -> Tensor { unary(self, Magnitude()) }

  /// 1 / x, value by value.
  public func reciprocal() -> Tensor { unary(self, Reciprocal()) }

  /// −x, value by value.
  public static prefix func - (x: Tensor) -> Tensor { unary(x, Negation()) }

  /// The nearest number within limits, value by value.
  ///
  /// The derivative is 1 within the limits and on them, else 0.
  /// - Parameters:
  ///   - low: The smallest result.
  ///   - high: The largest result.
  /// - Returns: The same shape; NaN stays NaN.
  /// - Precondition: `low ≤ high`.
  public func clamped(low: Float = -.infinity, high: Float = .infinity) -> Tensor {
    precondition(low <= high, "no number lies within \(low) and \(high)")
    return unary(self, Clamp(low: low, high: high))
  }
}

private func unary<Function: UnaryFunction>(_ x: Tensor, _ function: Function) -> Tensor {
  operation(Function.name, on: [x], shape: x.shape, attributes: function.attributes) { operands in
    let x = operands[0].detached
    let shape = x.shape
    if usesReference {
      return ReferenceElementwise.map([x], shape: shape) { function.exact($0[0]) }
        .recorded(from: operands) { gradient in
          [
            ReferenceElementwise.gradient(of: 0, [x], shape: shape, gradient: gradient) {
              function.exactDerivative($0[0])
            }
          ]
        }
    }
    let y = ElementLoops.map(x, function)
    return y.recorded(from: operands) { gradient in
      [ElementLoops.gradient(gradient, x: x, y: y, function)]
    }
  }
}

/// Chooses between two tensors, value by value, with NumPy's broadcasting.
/// - Parameters:
///   - mask: Not 0 where the first is taken; it gets no gradient.
///   - first: Any shape.
///   - second: Any shape.
/// - Returns: The broadcast shape of all three.
public func selection(where mask: Tensor, _ first: Tensor, _ second: Tensor) -> Tensor {
  let shape = Broadcasting.shape([mask.shape, first.shape, second.shape], for: "select")
  return operation("select", on: [mask, first, second], shape: shape) { operands in
    let (mask, a, b) = (operands[0].detached, operands[1].detached, operands[2].detached)
    let (aShape, bShape) = (a.shape, b.shape)
    if usesReference {
      let all = [mask, a, b]
      return ReferenceElementwise.map(all, shape: shape) { $0[0] != 0 ? $0[1] : $0[2] }
        .recorded(from: operands) { gradient in
          [nil]
            + [1, 2].map { index in
              ReferenceElementwise.gradient(of: index, all, shape: shape, gradient: gradient) {
                ($0[0] != 0) == (index == 1) ? 1 : 0
              }
            }
        }
    }
    return chosen(mask, a, b, shape: shape).recorded(from: operands) { gradient in
      let zero = Tensor([0], shape: [])
      return [
        nil, summed(chosen(mask, gradient, zero, shape: shape), to: aShape),
        summed(chosen(mask, zero, gradient, shape: shape), to: bShape),
      ]
    }
  }
}

private func chosen(_ mask: Tensor, _ a: Tensor, _ b: Tensor, shape: [Int]) -> Tensor {
  let aligned = AlignedOperands([mask, a, b], shape: shape, keepsZero: false)
  let result = ElementLoops.empty(shape, aligned.layout)
  let storages = aligned.operands.map(\.storage)
  let (masks, first, second, to) = (storages[0], storages[1], storages[2], result.storage)
  let steps = aligned.nest.innerSteps
  aligned.nest.run { place, offsets, count in
    let (m, a, b) =
      (masks.pointer + offsets[0], first.pointer + offsets[1], second.pointer + offsets[2])
    let y = to.pointer + place
    for i in 0..<count { y[i] = m[i * steps[0]] != 0 ? a[i * steps[1]] : b[i * steps[2]] }
  }
  return result
}
