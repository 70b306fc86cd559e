import CKernels
import Support

/// Leaky rectifier: v for v > 0, else slope · v; a ReLU with slope 0.
/// - Parameters:
///   - x: Any shape.
///   - negativeSlope: The slope for negative values, 0 to 1.
/// - Returns: The shape of `x`.
public func leakyReLU(_ x: Tensor, negativeSlope: Float) -> Tensor {
  operation(
    "leaky ReLU",
    on: [x],
    shape: x.shape,
    action: .leakyReLU(negativeSlope: negativeSlope)
  ) { operands in
    let kernels = Kernels.current
    let result = kernels.leakyReLU(operands[0].detached, negativeSlope: negativeSlope)
    let output = result.detached
    return result.recorded(from: operands) { gradient in
      [kernels.leakyReLUGradient(gradient, output: output, negativeSlope: negativeSlope)]
    }
  }
}

/// Rectifier: the larger of v and 0.
/// - Parameter x: Any shape.
/// - Returns: The shape of `x`.
public func relu(_ x: Tensor) -> Tensor { leakyReLU(x, negativeSlope: 0) }

extension Tensor {
  /// The sum, value by value; the shapes must be equal.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    operation("addition", on: [left, right], shape: left.shape, action: .addition) { operands in
      combine(operands[0], operands[1], ck_add).recorded(from: operands) { [$0, $0] }
    }
  }

  /// The difference, value by value; the shapes must be equal.
  public static func - (left: Tensor, right: Tensor) -> Tensor { left + right * -1 }

  /// The product, value by value; the shapes must be equal.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    operation("product", on: [left, right], shape: left.shape) { operands in
      let (a, b) = (operands[0].detached, operands[1].detached)
      return combine(a, b, ck_multiply).recorded(from: operands) { [$0 * b, $0 * a] }
    }
  }

  /// Every value times a number.
  public static func * (left: Tensor, factor: Float) -> Tensor {
    operation("scaling", on: [left], shape: left.shape, action: .scaling(factor)) { operands in
      let result = operands[0].emptyLike()
      let (source, target) = (operands[0].storage, result.storage)
      EngineThreads.forEachRange(source.count) { range in
        ck_scale(
          source.pointer + range.lowerBound,
          factor,
          target.pointer + range.lowerBound,
          Int64(range.count)
        )
      }
      return result.recorded(from: operands) { [$0 * factor] }
    }
  }

  /// The sum of all values, as a tensor of one element.
  public var sum: Tensor {
    let total = plain.withElements { $0.reduce(0.0) { $0 + Double($1) } }
    let shape = self.shape
    return Tensor([Float(total)], shape: []).recorded(from: [self]) { gradient in
      [Tensor(repeating: gradient.scalar, shape: shape)]
    }
  }

  /// The mean of all values, as a tensor of one element.
  public var mean: Tensor { sum * (1 / Float(count)) }

  private static func combine(
    _ left: Tensor,
    _ right: Tensor,
    _ kernel:
      @Sendable (
        UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int64
      ) -> Void
  ) -> Tensor {
    precondition(left.shape == right.shape, "the shapes \(left.shape) and \(right.shape) differ")
    let second = right.relaid(left.layout)
    let result = left.emptyLike()
    let (a, b, y) = (left.storage, second.storage, result.storage)
    EngineThreads.forEachRange(a.count) { range in
      let start = range.lowerBound
      kernel(a.pointer + start, b.pointer + start, y.pointer + start, Int64(range.count))
    }
    return result
  }
}

/// Sets values to 0 at random and enlarges the rest, so that the expectation stays.
///
/// Srivastava et al. 2014, with the inverse scaling at training time. Random
/// numbers meet values in row-major order, whatever the layout: the same seed and shape give the same
/// result.
/// - Parameters:
///   - x: `[N, C, spatial…]` or any shape.
///   - probability: The share set to 0, 0 ≤ p < 1.
///   - wholeChannels: Whether a sample's channel is kept or dropped as one (spatial dropout).
///   - random: The stream to draw from.
/// - Returns: The shape of `x`.
public func dropout(
  _ x: Tensor,
  probability: Double,
  wholeChannels: Bool = false,
  random: inout RandomStream
) -> Tensor {
  precondition((0..<1).contains(probability), "the dropout probability \(probability)")
  if probability == 0 { return x }
  let kept = Float(1 / (1 - probability))
  let run = wholeChannels ? x.spatialCount : 1
  let planes = x.count / max(1, run)
  var values = [Float](repeating: 0, count: x.count)
  for plane in 0..<planes where !random.chance(probability) {
    for offset in plane * run..<(plane + 1) * run { values[offset] = kept }
  }
  let mask = Tensor(values, shape: x.shape).relaid(x.layout)
  return x * mask
}
