import Layers
import Support
import Tensors

/// The values that define a variational autoencoder.
public struct VariationalAutoencoderConfiguration: Codable, Sendable, Equatable {
  /// Channels and levels.
  public var shape: AutoencoderShape

  /// Creates a configuration.
  /// - Parameter shape: Channels and levels.
  public init(_ shape: AutoencoderShape = AutoencoderShape()) { self.shape = shape }
}

/// A variational autoencoder with normal latent variables.
///
/// Kingma and Welling 2014, "Auto-Encoding Variational Bayes": the encoder gives mean and logarithm of the
/// variance of every latent value; while training the decoder sees μ + σ ε (section 2.4, ε drawn from the
/// context's stream), in prediction μ alone. The weight of the divergence is the training's (Higgins et al.
/// 2017, β-VAE).
public final class VariationalAutoencoder: Network {
  /// The normal distribution of each latent value.
  public struct Latent: Sendable {
    /// μ, `[N, latentChannels, H′, W′]`.
    public let mean: Tensor
    /// log σ², of the same shape, between −20 and 20.
    public let logVariance: Tensor

    /// KL(N(μ, σ²) ‖ N(0, 1)) in closed form, summed over an image's latent values, the mean over images.
    ///
    /// ½ Σ (μ² + σ² − 1 − log σ²) (Kingma and Welling 2014, appendix B), in nats.
    public var divergence: Tensor {
      let terms = mean.squared() + logVariance.exp() - 1 - logVariance
      return terms.sum * (0.5 / Float(mean.shape[0]))
    }

    /// A draw, μ + σ ε.
    /// - Parameter noise: ε, of the shape of the mean, standard normal.
    /// - Returns: The draw, through which gradients reach mean and variance.
    public func sampled(_ noise: Tensor) -> Tensor {
      mean + (logVariance * 0.5).exp() * noise
    }
  }

  /// The values that define the network.
  public let configuration: VariationalAutoencoderConfiguration
  private let encoder: AutoencoderEncoder
  private let decoder: AutoencoderDecoder

  /// Bounds of log σ², beyond which the exponential would leave single precision.
  private static let largestLogVariance: Float = 20

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: VariationalAutoencoderConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let shape = configuration.shape
    encoder = AutoencoderEncoder(shape, latentChannels: 2 * shape.latentChannels, random: &random)
    decoder = AutoencoderDecoder(shape, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("encoder", encoder), ("decoder", decoder)]
  }

  /// Finds the distribution of an image's latent values.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: Mean and variance.
  public func encoded(_ x: Tensor, in context: Context) -> Latent {
    let both = encoder(x, in: context)
    let count = configuration.shape.latentChannels
    return Latent(
      mean: both.sliced(axis: 1, start: 0, end: count),
      logVariance: both.sliced(axis: 1, start: count, end: 2 * count)
        .clamped(low: -Self.largestLogVariance, high: Self.largestLogVariance)
    )
  }

  /// Makes images of latent values.
  /// - Parameters:
  ///   - latent: `[N, latentChannels, H′, W′]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  public func decoded(_ latent: Tensor, in context: Context) -> Tensor {
    decoder(latent, in: context)
  }

  /// A draw of latent values from the context's stream.
  /// - Parameters:
  ///   - latent: Their distribution.
  ///   - context: Whose stream is drawn from.
  /// - Returns: The draw.
  public func sampled(_ latent: Latent, in context: Context) -> Tensor {
    let shape = latent.mean.shape
    let noise = context.withRandom { random in
      (0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }
    }
    return latent.sampled(Tensor(noise, shape: shape))
  }

  /// Reconstructs images, in training from a draw, in prediction from the mean.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  /// - Precondition: Rows and columns are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    guard context.mode == .training else {
      // The variance is not needed, and left out so that plans and files of graphs do without it.
      let mean = encoder(x, in: context)
        .sliced(axis: 1, start: 0, end: configuration.shape.latentChannels)
      return decoder(mean, in: context)
    }
    return decoder(sampled(encoded(x, in: context), in: context), in: context)
  }

  /// 2 for each level.
  public var sizeMultiple: Int { configuration.shape.sizeMultiple }
}

extension VariationalAutoencoderConfiguration: NetworkValues {
  var inputChannels: Int { shape.channels }
  var outputChannels: Int { shape.channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) { try shape.check(network: network) }

  func network(random: inout RandomStream) -> any Network {
    VariationalAutoencoder(self, random: &random)
  }
}
