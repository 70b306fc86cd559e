/// Mean and biased variance that a normalisation found, for running averages.
public struct NormalizationStatistics: Sendable {
  /// Means, `[N, C]` for instance and `[C]` for batch normalisation.
  public let mean: [Float]
  /// Biased variances, likewise.
  public let variance: [Float]

  /// Creates statistics.
  /// - Parameters:
  ///   - mean: Means.
  ///   - variance: Biased variances.
  public init(mean: [Float], variance: [Float]) {
    self.mean = mean
    self.variance = variance
  }
}

/// Normalises each channel, scales and shifts it, and applies a leaky ReLU, in one pass.
///
/// y = leaky(γ (x − μ) / √(σ² + ε) + β), leaky(v) = v for v > 0, else slope · v. Instance
/// normalisation: Ulyanov et al. 2016; batch normalisation: Ioffe and Szegedy 2015, equation 1 to 4.
/// A slope of 1 means no activation, 0 a ReLU.
/// - Parameters:
///   - x: `[N, C, spatial…]`.
///   - extent: Over what mean and variance are taken.
///   - scale: γ, `[C]`, or nil for 1.
///   - shift: β, `[C]`, or nil for 0.
///   - epsilon: Added to the variance.
///   - negativeSlope: The slope for negative values, 0 to 1.
///   - statistics: Mean and variance to use (`[C]`) instead of the input's own.
/// - Returns: The result, of the shape of `x`, and the statistics used.
public func normalization(
  _ x: Tensor,
  extent: NormalizationExtent,
  scale: Tensor?,
  shift: Tensor?,
  epsilon: Float = 1e-5,
  negativeSlope: Float = 1,
  statistics: NormalizationStatistics? = nil
) -> (output: Tensor, statistics: NormalizationStatistics) {
  precondition(statistics == nil || extent == .batch, "stored statistics are for batches")
  precondition(
    (0...1).contains(negativeSlope),
    "the slope \(negativeSlope) is not between 0 and 1"
  )
  let operands = [x] + (scale.map { [$0] } ?? []) + (shift.map { [$0] } ?? [])
  if let trace = GraphTrace.current, x.symbol != nil {
    precondition(
      extent == .instance || statistics != nil,
      "a plan normalises batches by stored statistics only"
    )
    let (hasScale, hasShift) = (scale != nil, shift != nil)
    let action = NormalizationAction(
      extent: extent,
      epsilon: epsilon,
      negativeSlope: negativeSlope,
      statistics: statistics,
      hasScale: hasScale,
      hasShift: hasShift
    )
    let output = trace.note(.normalization(action), on: operands, shape: x.shape) { operands in
      normalization(
        operands[0],
        extent: extent,
        scale: hasScale ? operands[1] : nil,
        shift: hasShift ? operands[hasScale ? 2 : 1] : nil,
        epsilon: epsilon,
        negativeSlope: negativeSlope,
        statistics: statistics
      ).output
    }
    return (output, statistics ?? NormalizationStatistics(mean: [], variance: []))
  }
  let kernels = Kernels.current
  // The fast kernels take bfloat16 as it is; statistics are in single precision in any case.
  let isWidened = x.elementType == .bfloat16 && kernels.isReference
  let (input, gain) = (isWidened ? x.single : x.detached, scale?.single)
  let result = kernels.normalization(
    input,
    extent: extent,
    scale: gain,
    shift: shift?.single,
    epsilon: epsilon,
    negativeSlope: negativeSlope,
    statistics: statistics.map { ($0.mean, $0.variance) }
  )
  let (hasScale, hasShift) = (scale != nil, shift != nil)
  let ownStatistics = statistics == nil
  let types = operands.map(\.elementType)
  let output = result.output.converted(to: types[0]).recorded(from: operands) { gradient in
    let back = kernels.normalizationGradient(
      gradient.converted(to: input.elementType),
      x: input,
      result: result,
      extent: extent,
      scale: gain,
      epsilon: epsilon,
      negativeSlope: negativeSlope,
      usesOwnStatistics: ownStatistics
    )
    let all = [back.x] + (hasScale ? [back.scale] : []) + (hasShift ? [back.shift] : [])
    return zip(all, types).map { $0.converted(to: $1) }
  }
  return (output, NormalizationStatistics(mean: result.mean, variance: result.variance))
}
