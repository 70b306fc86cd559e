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
