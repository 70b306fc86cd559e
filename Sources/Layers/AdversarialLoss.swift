import Tensors

/// Which game generator and critic play; a value for plans.
public enum AdversarialLoss: String, Codable, Sendable, CaseIterable {
  /// Binary cross-entropy; the generator maximises log D(fake) (Goodfellow et al. 2014, section 3).
  case nonSaturating
  /// Squared distance to 1 and 0, halved (LSGAN, Mao et al. 2017, equation 9).
  case leastSquares
  /// Hinge (Lim and Ye 2017; Miyato et al. 2018, equations 16 and 17).
  case hinge
  /// Difference of means (Arjovsky et al. 2017); the critic needs a penalty, see `gradientPenalty`.
  case wasserstein

  /// The critic's loss.
  /// - Parameters:
  ///   - real: The critic's scores of real samples, any shape.
  ///   - fake: Its scores of generated samples, any shape; generator outputs should be `detached`.
  /// - Returns: One number.
  public func critic(real: Tensor, fake: Tensor) -> Tensor {
    switch self {
    case .nonSaturating:
      binaryCrossEntropy(real, targets: constant(1, real))
        + binaryCrossEntropy(fake, targets: constant(0, fake))
    case .leastSquares:
      (squaredLoss(real, target: constant(1, real)) + squaredLoss(fake, target: constant(0, fake)))
        * 0.5
    case .hinge:
      hingeLoss(real, signs: constant(1, real)) + hingeLoss(fake, signs: constant(-1, fake))
    case .wasserstein:
      meanProduct(fake, constant(1, fake)) + meanProduct(real, constant(-1, real))
    }
  }

  /// The generator's loss.
  /// - Parameter fake: The critic's scores of generated samples, any shape.
  /// - Returns: One number.
  public func generator(fake: Tensor) -> Tensor {
    switch self {
    case .nonSaturating: binaryCrossEntropy(fake, targets: constant(1, fake))
    case .leastSquares: squaredLoss(fake, target: constant(1, fake)) * 0.5
    case .hinge, .wasserstein: meanProduct(fake, constant(-1, fake))
    }
  }

  private func constant(_ value: Float, _ like: Tensor) -> Tensor {
    Tensor(repeating: value, shape: like.shape)
  }
}

/// The penalty that keeps a Wasserstein critic's slope near 1: λ · mean (‖∇D(x)‖ − 1)².
///
/// Gulrajani et al. 2017, equation 3. The value is exact: ∇D comes from `gradients(of:)`. Its gradient for
/// the critic's parameters needs a derivative of ∇D, which is taken as a central difference along the
/// unit slope u of each sample: ∂‖∇D‖/∂θ = ∂/∂θ (D(x + h u) − D(x − h u)) / 2h, up to h²/6 times D's
/// third derivative along u. It is exact for critics that are quadratic along u, and for piecewise
/// linear ones wherever no kink lies within h. No gradient goes back to x. The critic is run three times.
/// - Parameters:
///   - x: `[N, …]`; the paper takes random points between real and generated samples.
///   - weight: λ.
///   - step: h, in the unit of x.
///   - critic: Scores, one or more for each sample, which must not depend on other samples (no batch
///     normalisation); its parameters must be tracked. It must give the same result each time.
/// - Returns: One number.
/// - Precondition: N ≥ 1, the scores' first dimension is N, h > 0.
public func gradientPenalty(
  at x: Tensor,
  weight: Double = 10,
  step: Float = 1e-2,
  critic: (Tensor) -> Tensor
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
  let value = weight * norms.reduce(0.0) { $0 + ($1 - 1) * ($1 - 1) } / Double(samples)
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
      Float(2 * weight * (norms[place / perSample] - 1) / (Double(samples) * 2 * Double(step)))
    },
    shape: scores.shape
  )
  let difference =
    (critic(points + shift) * factors).sum - (critic(points - shift) * factors).sum
  return difference + Tensor([Float(value) - difference.scalar], shape: difference.shape)
}
