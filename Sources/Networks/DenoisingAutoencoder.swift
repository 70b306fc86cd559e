import Layers
import Support
import Tensors

/// The values that define a denoising autoencoder.
public struct DenoisingAutoencoderConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output.
  public var channels: Int
  /// Channels of each level, full resolution first; 64 and 64 in Gondara's network.
  public var features: [Int]
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are Gondara's.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - features: Channels of each level, full resolution first.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 1,
    features: [Int] = [64, 64],
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.features = features
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// A convolutional autoencoder that gives the clean image for a noisy one, through a narrow middle.
///
/// Vincent, Larochelle, Lajoie, Bengio and Manzagol 2010, "Stacked Denoising Autoencoders"; with
/// convolutions for medical images after Gondara 2016, "Medical Image Denoising Using Convolutional
/// Denoising Autoencoders", figure 3: each level a convolution and maximum pooling, on the way back a
/// convolution and repeated pixels. There are no skips, so that all goes through the middle.
public final class DenoisingAutoencoder: Network {
  /// The values that define the network.
  public let configuration: DenoisingAutoencoderConfiguration
  private let encoder: [Convolution]
  private let decoder: [Convolution]
  private let last: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: DenoisingAutoencoderConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    func convolution(_ input: Int, _ output: Int) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: 3, count: c.dimensions),
        random: &random
      )
    }
    let widths = [c.inputChannels] + c.features
    encoder = zip(widths, c.features).map { convolution($0, $1) }
    let back = Array(c.features.reversed())
    decoder = back.enumerated().map { index, width in
      convolution(index == 0 ? width : back[index - 1], width)
    }
    last = convolution(c.features[0], c.channels)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    encoder.enumerated().map { ("encoder.\($0.offset)", $0.element as any Layer) }
      + decoder.enumerated().map { ("decoder.\($0.offset)", $0.element as any Layer) }
      + [("last", last)]
  }

  /// Removes noise.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    let halving = PoolingShape(kernel: [Int](repeating: 2, count: configuration.dimensions))
    var y = x
    for layer in encoder { y = maxPooling(relu(layer(y, in: context)), shape: halving) }
    for layer in decoder { y = relu(layer(y, in: context)).enlarged(2, .nearest) }
    return last(y, in: context)
  }

  /// 2 for each level.
  public var sizeMultiple: Int { 1 << configuration.features.count }
}

extension DenoisingAutoencoderConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.features(features, count: 1...8)
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: dimensions == 3 ? 27 : 9,
      layers: 2 * features.count + 1
    )
  }

  func network(random: inout RandomStream) -> any Network {
    DenoisingAutoencoder(self, random: &random)
  }
}
