import Layers
import Pipelines
import Support
import Tensors

/// One discriminator that tells what a network makes from what it should make.
///
/// Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial
/// Network"; Wang et al. 2018, "ESRGAN", section 3.2 and equation 3; Isola et al. 2017, "Image-to-Image
/// Translation with Conditional Adversarial Networks", equations 1 to 4, where it sees the input too.
package struct ImageOpponent: Opponent {
  private let configuration: EnhancementConfiguration
  private let values: AdversarialConfiguration
  private var critic: Critic

  /// Begins with random weights that follow from the run's seed.
  /// - Throws: `NetworksError` for impossible values.
  package init(_ configuration: EnhancementConfiguration, _ values: AdversarialConfiguration) throws
  {
    self.configuration = configuration
    self.values = values
    var random = RandomStream(seed: configuration.seed).split(0x6372_6974)
    critic = try Critic(values, random: &random)
  }

  package mutating func play(
    against generator: inout TrainedWeights,
    _ batch: EnhancementSampler.Batch,
    _ turn: Turn
  ) throws(BrokenTurn) -> AdversarialParts {
    let output = generator.network(batch.input, in: Context(.training, random: turn.random))
    func seen(_ images: Tensor) -> Tensor {
      values.isConditional ? concatenation([batch.input, images], axis: 1) : images
    }
    let real = seen(batch.target)
    let verdict = try critic.learn(real: real, fake: seen(output.detached), turn)
    let (fakeScores, fakeFeatures) = critic.judged(seen(output))
    let (realScores, realFeatures) = critic.judged(real)
    let pixel = configuration.loss(output, target: batch.target, weights: nil)
    let perceptual = PerceptualLoss(distance: .absolute) { [$0] }
      .of(fakeFeatures, target: realFeatures)
    let adversarial = values.game.generator(real: realScores, fake: fakeScores)
    let total =
      pixel * Float(values.pixelWeight) + perceptual * Float(values.perceptualWeight)
      + adversarial * Float(values.adversarialWeight)
    let parts = (pixel.scalar, perceptual.scalar, adversarial.scalar)
    let slopes = gradients(of: total)
    let check = FiniteCheck(generator.network.namedParameters)
    guard check.isSound(loss: total, gradients: slopes) else {
      throw BrokenTurn(reason: "the network's loss or gradient is not finite")
    }
    let norm = generator.norm(of: slopes)
    generator.step(slopes, learningRate: turn.rate, clipNorm: turn.clipNorm)
    return AdversarialParts(
      pixel: Double(parts.0),
      perceptual: Double(parts.1),
      adversarial: Double(parts.2),
      critic: verdict.loss,
      slope: verdict.slope,
      scoreOfReal: verdict.scoreOfReal,
      scoreOfFake: verdict.scoreOfFake,
      generatorNorm: norm,
      criticNorm: verdict.norm,
      diversity: AdversarialParts.diversity(output, real: batch.target)
    )
  }

  package var parameters: [(name: String, parameter: Parameter)] { critic.parameters }

  package var tensors: [String: Tensor] { critic.weights.tensors }

  package mutating func restore(
    _ stored: [String: Tensor],
    stepCount: Int,
    from path: String
  ) throws {
    try critic.restore(stored, stepCount: stepCount, from: path)
  }
}
