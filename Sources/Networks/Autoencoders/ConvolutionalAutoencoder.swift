import Layers
import Support
import Tensors

/// The values that define a convolutional autoencoder.
public struct ConvolutionalAutoencoderConfiguration: Codable, Sendable, Equatable {
  /// Channels and levels.
  public var shape: AutoencoderShape

  /// Creates a configuration.
  /// - Parameter shape: Channels and levels.
  public init(_ shape: AutoencoderShape = AutoencoderShape()) { self.shape = shape }
}

/// A convolutional autoencoder: an image through a narrow middle and back.
///
/// Masci, Meier, Ciresan and Schmidhuber 2011, "Stacked Convolutional Auto-Encoders", trained as one, with
/// strided convolutions and batch normalisation instead of pooling. There are no skips: with as many levels
/// as halve the image to one pixel, the image must pass through `latentChannels` numbers.
public final class ConvolutionalAutoencoder: Network {
  /// The values that define the network.
  public let configuration: ConvolutionalAutoencoderConfiguration
  private let encoder: AutoencoderEncoder
  private let decoder: AutoencoderDecoder

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ConvolutionalAutoencoderConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let shape = configuration.shape
    encoder = AutoencoderEncoder(shape, latentChannels: shape.latentChannels, random: &random)
    decoder = AutoencoderDecoder(shape, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("encoder", encoder), ("decoder", decoder)]
  }

  /// Reconstructs images.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  /// - Precondition: Rows and columns are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    decoder(encoder(x, in: context), in: context)
  }

  /// 2 for each level.
  public var sizeMultiple: Int { configuration.shape.sizeMultiple }
}

extension ConvolutionalAutoencoderConfiguration: NetworkValues {
  var inputChannels: Int { shape.channels }
  var outputChannels: Int { shape.channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) { try shape.check(network: network) }

  func network(random: inout RandomStream) -> any Network {
    ConvolutionalAutoencoder(self, random: &random)
  }
}
