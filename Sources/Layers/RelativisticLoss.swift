import Tensors

/// A game in which a critic tells how much more real a sample is than the others are on average.
///
/// Jolicoeur-Martineau 2018, "The relativistic discriminator", as Wang et al. 2018, "ESRGAN", section 3.2,
/// take it: D(a, b) = σ(C(a) − mean C(b)). The generator learns from real samples too, since its loss
/// depends on how they are judged beside its own.
public enum RelativisticLoss {
  /// The critic's loss, −mean log D(real, fake) − mean log (1 − D(fake, real)).
  /// - Parameters:
  ///   - real: The critic's scores of real samples, any shape.
  ///   - fake: Its scores of generated samples, any shape; generator outputs should be `detached`.
  /// - Returns: One number; 2 log 2 where the critic sees no difference.
  public static func critic(real: Tensor, fake: Tensor) -> Tensor {
    judged(real, beside: fake, as: 1) + judged(fake, beside: real, as: 0)
  }

  /// The generator's loss, −mean log (1 − D(real, fake)) − mean log D(fake, real).
  /// - Parameters:
  ///   - real: The critic's scores of real samples, any shape.
  ///   - fake: Its scores of generated samples, any shape.
  /// - Returns: One number; 2 log 2 where the critic sees no difference.
  public static func generator(real: Tensor, fake: Tensor) -> Tensor {
    judged(real, beside: fake, as: 0) + judged(fake, beside: real, as: 1)
  }

  private static func judged(_ scores: Tensor, beside others: Tensor, as target: Float) -> Tensor {
    let mean = others.mean.reshaped(scores.shape.map { _ in 1 })
    return binaryCrossEntropy(
      scores - mean,
      targets: Tensor(repeating: target, shape: scores.shape)
    )
  }
}
