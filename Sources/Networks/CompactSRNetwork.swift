import Layers
import Support
import Tensors

/// The values that define Real-ESRGAN's compact network.
public struct CompactSRConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output.
  public var channels: Int
  /// Convolutions between the first and the last; 16 and 32 in the published networks.
  public var depth: Int
  /// Channels in between, 64 in the published networks.
  public var features: Int
  /// How many times larger the output is along each axis.
  public var scale: Int
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are those of the smaller published network.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - depth: Convolutions between the first and the last.
  ///   - features: Channels in between.
  ///   - scale: How many times larger the output is along each axis, 1 to 8.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 3,
    depth: Int = 16,
    features: Int = 64,
    scale: Int = 4,
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.depth = depth
    self.features = features
    self.scale = scale
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// A chain of convolutions at the small size, whose last one adds detail to repeated pixels.
///
/// Wang, Xie, Dong and Shan 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
/// Synthetic Data"; the small network of the authors' program (`SRVGGNetCompact`), with parametric
/// rectifiers. Parameters have its names (`body.2.weight`).
public final class CompactSRNetwork: Network {
  /// The values that define the network.
  public let configuration: CompactSRConfiguration
  private let layers: [Convolution]
  private let slopes: [ParametricReLU]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: CompactSRConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let fine = c.channels * shuffleCells(c.scale, c.dimensions)
    layers = (0..<c.depth + 2).map { index in
      Convolution(
        inputChannels: index == 0 ? c.inputChannels : c.features,
        outputChannels: index == c.depth + 1 ? fine : c.features,
        kernelSize: [Int](repeating: 3, count: c.dimensions),
        random: &random
      )
    }
    slopes = (0...c.depth).map { _ in ParametricReLU(channels: c.features) }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    layers.enumerated().map { ("body.\(2 * $0.offset)", $0.element as any Layer) }
      + slopes.enumerated().map { ("body.\(2 * $0.offset + 1)", $0.element as any Layer) }
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
    let scale = configuration.scale
    var y = layers[0](x, in: context)
    for (slope, layer) in zip(slopes, layers.dropFirst()) {
      y = layer(slope(y, in: context), in: context)
    }
    if scale > 1 { y = pixelShuffled(y, factor: scale) }
    return y + x.middleChannels(configuration.channels).enlarged(scale, .nearest)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }

  /// As configured.
  public var outputScale: Int { configuration.scale }
}

extension CompactSRConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var outputScale: Int { scale }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.require((0...256).contains(depth), "a depth of \(depth)")
    try check.require((1...4096).contains(features), "\(features) features")
    try check.require((1...8).contains(scale), "a scale of \(scale)")
    try check.weights(
      widest: max(inputChannels, features, channels * shuffleCells(scale, dimensions)),
      window: dimensions == 3 ? 27 : 9,
      layers: depth + 2
    )
  }

  func network(random: inout RandomStream) -> any Network {
    CompactSRNetwork(self, random: &random)
  }
}
