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
