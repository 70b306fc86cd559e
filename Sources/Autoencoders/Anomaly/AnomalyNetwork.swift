import Networks
import Pipelines

/// The networks that unusual images can be found by.
public enum AnomalyNetwork: String, Codable, Sendable, CaseIterable {
  /// A convolutional autoencoder.
  case conv
  /// An autoencoder that is given noisy images and gives clean ones.
  case denoising
  /// A variational autoencoder.
  case vae
  /// A vector-quantised autoencoder.
  case vq
  /// Principal components: linear, and not trained by steps.
  case pca

  /// Channels of the levels; a level more where images are larger.
  private static let features = [16, 32, 64, 64, 64, 64, 64, 64]
  /// Levels of the network that keeps a grid of codes.
  private static let codeLevels = 3

  /// Levels with which about one pixel is left of an image, at most 8.
  static func levels(for size: [Int]) -> Int {
    var levels = 2
    while levels < features.count, 1 << levels < (size.max() ?? 1) { levels += 1 }
    return levels
  }

  /// Levels of this network.
  func levels(for size: [Int]) -> Int {
    switch self {
    case .vq: min(Self.codeLevels, Self.levels(for: size))
    case .pca: 0
    default: Self.levels(for: size)
    }
  }

  /// The network's values.
  /// - Parameters:
  ///   - channels: Channels of an image.
  ///   - size: Rows and columns of the network's grid.
  ///   - latent: Numbers of the middle; of codes their length.
  ///   - codes: Codes of the book.
  ///   - components: Principal components.
  /// - Returns: The values.
  func configuration(
    channels: Int,
    size: [Int],
    latent: Int,
    codes: Int,
    components: Int
  ) -> NetworkConfiguration {
    let widths = Array(Self.features.prefix(max(1, levels(for: size))))
    let shape = AutoencoderShape(channels: channels, features: widths, latentChannels: latent)
    switch self {
    case .conv: return .convolutionalAutoencoder(ConvolutionalAutoencoderConfiguration(shape))
    case .denoising:
      return .denoisingAutoencoder(
        DenoisingAutoencoderConfiguration(
          channels: channels,
          features: widths.dropLast() + [latent]
        )
      )
    case .vae: return .variationalAutoencoder(VariationalAutoencoderConfiguration(shape))
    case .vq:
      return .vectorQuantizedAutoencoder(
        VectorQuantizedAutoencoderConfiguration(shape, codes: codes)
      )
    case .pca:
      return .linearAutoencoder(
        LinearAutoencoderConfiguration(channels: channels, patch: size, components: components)
      )
    }
  }
}
