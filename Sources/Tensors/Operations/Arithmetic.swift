import CKernels
import Support

extension Tensor {
  /// The sum, value by value, with NumPy's broadcasting.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    binary(left, right, Addition.self, action: left.shape == right.shape ? .addition : nil)
  }

  /// The difference, value by value, with NumPy's broadcasting.
  public static func - (left: Tensor, right: Tensor) -> Tensor {
    // Plans know sums of scaled maps.
    if left.symbol != nil || right.symbol != nil, left.shape == right.shape {
      return left + right * -1
    }
    return binary(left, right, Subtraction.self)
  }

  /// The product, value by value, with NumPy's broadcasting.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    binary(left, right, Multiplication.self)
  }

  /// The quotient, value by value, with NumPy's broadcasting; x / 0 is ±∞ or NaN as IEEE 754 says.
  public static func / (left: Tensor, right: Tensor) -> Tensor {
    binary(left, right, Division.self)
  }

  /// Every value times a number.
  public static func * (left: Tensor, factor: Float) -> Tensor {
    if usesReference { return binary(left, Tensor([factor], shape: []), Multiplication.self) }
    return operation(
      "scaling",
      on: [left],
      shape: left.shape,
      action: .scaling(factor)
    ) { operands in
      let x = operands[0]
      let result = x.emptyLike()
      let (source, target) = (x.storage, result.storage)
      EngineThreads.forEachRange(source.count) { range in
        ck_scale(
          source.pointer + range.lowerBound,
          factor,
          target.pointer + range.lowerBound,
          Int64(range.count)
        )
      }
      return result.recorded(from: [x]) { [$0 * factor] }
    }
  }

  /// A number times every value.
  public static func * (factor: Float, right: Tensor) -> Tensor { right * factor }

  /// Every value plus a number.
  public static func + (left: Tensor, right: Float) -> Tensor {
    binary(left, Tensor([right], shape: []), Addition.self)
  }

  /// A number plus every value.
  public static func + (left: Float, right: Tensor) -> Tensor { right + left }

  /// Every value minus a number.
  public static func - (left: Tensor, right: Float) -> Tensor {
    binary(left, Tensor([right], shape: []), Subtraction.self)
  }

  /// A number minus every value.
  public static func - (left: Float, right: Tensor) -> Tensor {
    binary(Tensor([left], shape: []), right, Subtraction.self)
  }

  /// Every value over a number.
  public static func / (left: Tensor, right: Float) -> Tensor {
    binary(left, Tensor([right], shape: []), Division.self)
  }

  /// A number over every value.
  public static func / (left: Float, right: Tensor) -> Tensor {
    binary(Tensor([left], shape: []), right, Division.self)
  }
}

/// The larger of two values, with NumPy's broadcasting.
///
/// NaN if either is. Of equal values the left one gets the gradient.
/// - Parameters:
///   - left: Any shape.
///   - right: A shape that can be broadcast with it.
/// - Returns: The broadcast shape.
public func maximum(_ left: Tensor, _ right: Tensor) -> Tensor {
  binary(left, right, Larger.self)
}

/// The smaller of two values, with NumPy's broadcasting.
///
/// NaN if either is. Of equal values the left one gets the gradient.
/// - Parameters:
///   - left: Any shape.
///   - right: A shape that can be broadcast with it.
/// - Returns: The broadcast shape.
public func minimum(_ left: Tensor, _ right: Tensor) -> Tensor {
  binary(left, right, Smaller.self)
}

/// A value to the power of another, with NumPy's broadcasting.
///
/// The derivative by a base is 0 where the exponent is 0, and by an exponent ≥ 0 where the base is 0.
/// - Parameters:
///   - base: Any shape.
///   - exponent: A shape that can be broadcast with it.
/// - Returns: The broadcast shape; NaN for a negative base and a fractional exponent.
public func power(_ base: Tensor, _ exponent: Tensor) -> Tensor {
  binary(base, exponent, Power.self)
}

/// Every value to the power of a number.
/// - Parameters:
///   - base: Any shape.
///   - exponent: The exponent.
/// - Returns: The shape of the base; NaN for a negative base and a fractional exponent.
public func power(_ base: Tensor, _ exponent: Float) -> Tensor {
  power(base, Tensor([exponent], shape: []))
}

/// Where a value is greater than another, with NumPy's broadcasting; its gradient is 0.
/// - Parameters:
///   - left: Any shape.
///   - right: A shape that can be broadcast with it.
/// - Returns: 1 where `left` is greater, else 0, of the broadcast shape.
public func isGreater(_ left: Tensor, _ right: Tensor) -> Tensor {
  binary(left, right, IsGreater.self)
}

/// Where two values are equal, with NumPy's broadcasting; its gradient is 0.
/// - Parameters:
///   - left: Any shape.
///   - right: A shape that can be broadcast with it.
/// - Returns: 1 where they are equal, else 0, of the broadcast shape.
public func isEqual(_ left: Tensor, _ right: Tensor) -> Tensor {
  binary(left, right, IsEqual.self)
}

/// f(left, right) of broadcast operands, with gradients summed over what was repeated.
private func binary<Function: BinaryFunction>(
  _ left: Tensor,
  _ right: Tensor,
  _ function: Function.Type,
  action: GraphStep.Action? = nil
) -> Tensor {
  let shape =
    left.shape == right.shape
    ? left.shape : Broadcasting.shape([left.shape, right.shape], for: Function.name)
  return operation(Function.name, on: [left, right], shape: shape, action: action) { operands in
    let (a, b) = (operands[0].detached, operands[1].detached)
    let (needsLeft, needsRight) = (operands[0].isTracked, operands[1].isTracked)
    if usesReference {
      return ReferenceElementwise.map([a, b], shape: shape) { Function.exact($0[0], $0[1]) }
        .recorded(from: operands) { gradient in
          [
            needsLeft
              ? ReferenceElementwise.gradient(of: 0, [a, b], shape: shape, gradient: gradient) {
                Function.exactDerivatives($0[0], $0[1]).left
              } : nil,
            needsRight
              ? ReferenceElementwise.gradient(of: 1, [a, b], shape: shape, gradient: gradient) {
                Function.exactDerivatives($0[0], $0[1]).right
              } : nil,
          ]
        }
    }
    let result = binaryValues(a, b, shape: shape, function)
    if function is Addition.Type || function is Subtraction.Type {
      // These gradients need no values, which would stay in memory for them.
      let (leftShape, rightShape) = (a.shape, b.shape)
      let sign: Float = function is Addition.Type ? 1 : -1
      return result.recorded(from: operands) { gradient in
        [
          needsLeft ? summed(gradient, to: leftShape) : nil,
          needsRight
            ? summed(sign == 1 ? gradient : gradient * sign, to: rightShape) : nil,
        ]
      }
    }
    return result.recorded(from: operands) { gradient in
      if function is Multiplication.Type {
        return [
          needsLeft ? summed(gradient * b, to: a.shape) : nil,
          needsRight ? summed(gradient * a, to: b.shape) : nil,
        ]
      }
      return [true, false].map { ofLeft in
        guard ofLeft ? needsLeft : needsRight else { return nil }
        return summed(
          ElementLoops.gradient(gradient, a, b, ofLeft: ofLeft, function),
          to: ofLeft ? a.shape : b.shape
        )
      }
    }
  }
}

/// f(a, b); sums and products of equal shapes by the vectorised kernels.
private func binaryValues<Function: BinaryFunction>(
  _ a: Tensor,
  _ b: Tensor,
  shape: [Int],
  _ function: Function.Type
) -> Tensor {
  guard a.shape == b.shape, function is Addition.Type || function is Multiplication.Type else {
    return ElementLoops.map(a, b, shape: shape, function)
  }
  let isSum = function is Addition.Type
  let second = b.relaid(a.layout)
  let result = a.emptyLike()
  let (left, right, to) = (a.storage, second.storage, result.storage)
  EngineThreads.forEachRange(left.count) { range in
    let (start, count) = (range.lowerBound, Int64(range.count))
    if isSum {
      ck_add(left.pointer + start, right.pointer + start, to.pointer + start, count)
    } else {
      ck_multiply(left.pointer + start, right.pointer + start, to.pointer + start, count)
    }
  }
  return result
}

/// The sum over all that an operand of this shape was repeated to.
func summed(_ gradient: Tensor, to shape: [Int]) -> Tensor {
  if gradient.shape == shape { return gradient }
  let axes = Broadcasting.repeatedAxes(shape, in: gradient.shape)
  return ReductionLoops.sum(gradient.plain, axes: axes).withShape(shape)
}
