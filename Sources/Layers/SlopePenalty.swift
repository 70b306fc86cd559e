import Tensors

/// The penalty that keeps a Wasserstein critic's slope near 1: λ · mean (‖∇D(x)‖ − 1)².
///
/// Gulrajani et al. 2017, equation 3. The value is exact: ∇D comes from `gradients(of:)`. Its gradient for
/// the critic's parameters needs a derivative of ∇D, which is taken as a central difference along the
/// unit slope u of each sample: ∂‖∇D‖/∂θ = ∂/∂θ (D(x + h u) − D(x − h u)) / 2h, up to h²/6
/// times D's third derivative along u. It is exact for critics that are quadratic along u, and for piecewise
/// linear ones wherever no kink lies within h. No gradient goes back to x. The critic is run three times.
/// - Parameters:
///   - x: `[N, …]`; the paper takes random points between real and generated samples.
///   - weight: λ.
///   - step: h, in the unit of x.
///   - critic: Scores, one or more for each sample, which must not depend on other samples (no batch
///     normalisation); its parameters must be tracked. It must give the same result each time, so that
///     spectral norms must stay (`Context.replay`).
/// - Returns: One number.
/// - Precondition: N ≥ 1, the scores' first dimension is N, h > 0.
public func gradientPenalty(
  at x: Tensor,
  weight: Double = 10,
  step: Float = 1e-2,
  critic: (Tensor) -> Tensor
) -> Tensor {
  slopePenalty(at: x, step: step, critic: critic) { norm in
    (weight * (norm - 1) * (norm - 1), 2 * weight * (norm - 1))
  }
}

/// The penalty that calms a critic around real samples, R₁: γ/2 · mean ‖∇D(x)‖².
///
/// Mescheder, Geiger and Nowozin 2018, "Which Training Methods for GANs do actually Converge?", equation
/// 9. Value and gradient are found as those of `gradientPenalty`.
/// - Parameters:
///   - x: Real samples, `[N, …]`.
///   - weight: γ; 10 in the paper.
///   - step: h, in the unit of x.
///   - critic: As for `gradientPenalty`.
/// - Returns: One number.
/// - Precondition: N ≥ 1, the scores' first dimension is N, h > 0.
public func realSlopePenalty(
  at x: Tensor,
  weight: Double = 10,
  step: Float = 1e-2,
  critic: (Tensor) -> Tensor
) -> Tensor {
  slopePenalty(at: x, step: step, critic: critic) { norm in
    (weight / 2 * norm * norm, weight * norm)
  }
}

/// The mean over samples of a function of ‖∇D(x)‖: `penalty` gives its value and its derivative.
private func slopePenalty(
  at x: Tensor,
  step: Float,
  critic: (Tensor) -> Tensor,
  penalty: (Double) -> (value: Double, slope: Double)
) -> Tensor {
  precondition(x.rank > 0 && x.shape[0] > 0, "a gradient penalty at \(x.shape)")
  precondition(step > 0, "a gradient penalty by steps of \(step)")
  let samples = x.shape[0]
  let size = x.count / samples
  let points = x.detached
  let key = GradientKey()
  let scores = critic(points.tracked(by: key))
  precondition(
    scores.rank > 0 && scores.shape[0] == samples,
    "scores \(scores.shape) of \(samples) samples"
  )
  let slopes =
    gradients(of: scores.sum)[key]?.values ?? [Float](repeating: 0, count: points.count)
  let norms = (0..<samples).map { sample in
    slopes[sample * size..<(sample + 1) * size].reduce(0.0) { $0 + Double($1) * Double($1) }
      .squareRoot()
  }
  let costs = norms.map(penalty)
  let value = costs.reduce(0.0) { $0 + $1.value } / Double(samples)
  // Where the slope is 0, it has no direction, and the penalty no derivative.
  let shift = Tensor(
    slopes.enumerated().map { place, slope in
      let norm = norms[place / size]
      return norm > 0 ? step * Float(Double(slope) / norm) : 0
    },
    shape: x.shape
  )
  // d penalty / d ‖∇D‖, over the width of the difference.
  let perSample = scores.count / samples
  let factors = Tensor(
    (0..<scores.count).map { place in
      Float(costs[place / perSample].slope / (Double(samples) * 2 * Double(step)))
    },
    shape: scores.shape
  )
  let difference =
    (critic(points + shift) * factors).sum - (critic(points - shift) * factors).sum
  return difference + Tensor([Float(value) - difference.scalar], shape: difference.shape)
}
