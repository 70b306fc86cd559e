import Layers
import Support
import Tensors

/// The values that define a sub-pixel network.
public struct ESPCNConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output; 1 in the paper, the luminance.
  public var channels: Int
  /// Channels after the first and the second convolution, 64 and 32 in the paper.
  public var features: [Int]
  /// How many times larger the output is along each axis.
  public var scale: Int
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are the paper's.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - features: Channels after the first and the second convolution.
  ///   - scale: How many times larger the output is along each axis, 1 to 8.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 1,
    features: [Int] = [64, 32],
    scale: Int = 2,
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.features = features
    self.scale = scale
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// Super-resolution whose last convolution finds the fine pixels as channels.
///
/// Shi, Caballero, Huszár et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an
/// Efficient Sub-Pixel Convolutional Neural Network", section 3 and figure 1; with tanh as in its
/// section 4.1. Parameters have the names of the usual PyTorch program (`first_part.2.weight`).
public final class ESPCN: Network {
  /// The values that define the network.
  public let configuration: ESPCNConfiguration
  private let layers: [Convolution]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ESPCNConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let widths =
      [c.inputChannels] + c.features + [c.channels * shuffleCells(c.scale, c.dimensions)]
    layers = [5, 3, 3].enumerated().map { index, window in
      Convolution(
        inputChannels: widths[index],
        outputChannels: widths[index + 1],
        kernelSize: [Int](repeating: window, count: c.dimensions),
        random: &random
      )
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("first_part.0", layers[0]), ("first_part.2", layers[1]), ("last_part.0", layers[2])]
  }

  /// Enlarges images.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, scale · H, scale · W]` or with depth.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    let y = layers.dropFirst().reduce(layers[0](x, in: context)) { $1(tanh($0), in: context) }
    return configuration.scale == 1 ? y : pixelShuffled(y, factor: configuration.scale)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }

  /// As configured.
  public var outputScale: Int { configuration.scale }
}

extension ESPCNConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var outputScale: Int { scale }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.features(features, count: 2...2)
    try check.require((1...8).contains(scale), "a scale of \(scale)")
    try check.weights(
      widest: max(
        inputChannels,
        features.max() ?? 1,
        channels * shuffleCells(scale, dimensions)
      ),
      window: shuffleCells(5, dimensions),
      layers: 3
    )
  }

  func network(random: inout RandomStream) -> any Network { ESPCN(self, random: &random) }
}
