import Layers
import Support
import Tensors

/// The values that define the modified SRResNet.
public struct MSRResNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output.
  public var channels: Int
  /// Residual blocks, 16 in the published networks.
  public var blocks: Int
  /// Channels in between, 64 in the published networks.
  public var features: Int
  /// How many times larger the output is along each axis: 1, 2, 3, 4 or 8.
  public var scale: Int
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are those of the published networks.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - blocks: Residual blocks.
  ///   - features: Channels in between.
  ///   - scale: How many times larger the output is along each axis: 1, 2, 3, 4 or 8.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 3,
    blocks: Int = 16,
    features: Int = 64,
    scale: Int = 4,
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.blocks = blocks
    self.features = features
    self.scale = scale
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// SRResNet without normalisation, which adds detail to a linearly enlarged image.
///
/// Wang, Yu, Wu et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks",
/// section 4.1: the network of Ledig et al. 2017 without batch normalisation, as the program BasicSR
/// trains it: leaky ReLU of slope 0.1, sub-pixel enlargement. Parameters have BasicSR's names
/// (`body.0.conv1.weight`).
public final class MSRResNet: Network {
  /// The values that define the network.
  public let configuration: MSRResNetConfiguration
  private let first: Convolution
  private let body: [[Convolution]]
  private let up: [Convolution]
  private let fine: Convolution
  private let last: Convolution

  /// Slope of the activation for negative values.
  private static let negativeSlope: Float = 0.1

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: MSRResNetConfiguration, random: inout RandomStream) {
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
    first = convolution(c.inputChannels, c.features)
    body = (0..<c.blocks).map { _ in
      (0..<2).map { _ in convolution(c.features, c.features) }
    }
    up = shuffleFactors(c.scale).map { factor in
      convolution(c.features, c.features * shuffleCells(factor, c.dimensions))
    }
    fine = convolution(c.features, c.features)
    last = convolution(c.features, c.channels)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("conv_first", first)]
      + body.enumerated().flatMap { block, layers -> [(name: String, layer: any Layer)] in
        [("body.\(block).conv1", layers[0]), ("body.\(block).conv2", layers[1])]
      } + up.enumerated().map { ("upconv\($0.offset + 1)", $0.element as any Layer) }
      + [("conv_hr", fine), ("conv_last", last)]
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
    func activated(_ x: Tensor) -> Tensor { leakyReLU(x, negativeSlope: Self.negativeSlope) }
    var y = activated(first(x, in: context))
    for block in body {
      y = y + block[1](relu(block[0](y, in: context)), in: context)
    }
    for (layer, factor) in zip(up, shuffleFactors(configuration.scale)) {
      y = activated(pixelShuffled(layer(y, in: context), factor: factor))
    }
    y = last(activated(fine(y, in: context)), in: context)
    return x.middleChannels(configuration.channels).enlarged(configuration.scale, .linear) + y
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }

  /// As configured.
  public var outputScale: Int { configuration.scale }
}

extension MSRResNetConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var outputScale: Int { scale }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.require((1...512).contains(blocks), "\(blocks) blocks")
    try check.require((1...4096).contains(features), "\(features) features")
    try check.scale(scale)
    try check.weights(
      widest: max(inputChannels, features),
      window: dimensions == 3 ? 27 : 9,
      layers: 2 * blocks + 30
    )
  }

  func network(random: inout RandomStream) -> any Network { MSRResNet(self, random: &random) }
}
