import Layers
import Support
import Tensors

/// The values that define SRGAN's generator.
public struct SRResNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output, 3 in the paper.
  public var channels: Int
  /// Residual blocks, 16 in the paper.
  public var blocks: Int
  /// Channels in between, 64 in the paper.
  public var features: Int
  /// How many times larger the output is along each axis, 4 in the paper: 1, 2, 3, 4 or 8.
  public var scale: Int
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are the paper's.
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

/// SRResNet, the generator of SRGAN.
///
/// Ledig, Theis, Huszár et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative
/// Adversarial Network", section 2.1 and figure 4: residual blocks with batch normalisation and
/// parametric rectifiers, a skip over all of them, sub-pixel enlargement by steps of 2.
public final class SRResNet: Network {
  /// The values that define the network.
  public let configuration: SRResNetConfiguration
  private let first: Convolution
  private let firstSlope: ParametricReLU
  private let blocks: [SRResNetBlock]
  private let afterBlocks: Convolution
  private let normalization: BatchNormalization
  private let up: [(convolution: Convolution, slope: ParametricReLU)]
  private let last: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: SRResNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    func convolution(_ input: Int, _ output: Int, _ window: Int) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: window, count: c.dimensions),
        random: &random
      )
    }
    first = convolution(c.inputChannels, c.features, 9)
    firstSlope = ParametricReLU()
    afterBlocks = convolution(c.features, c.features, 3)
    normalization = BatchNormalization(channels: c.features)
    up = shuffleFactors(c.scale).map { factor in
      (
        convolution(c.features, c.features * shuffleCells(factor, c.dimensions), 3),
        ParametricReLU()
      )
    }
    last = convolution(c.features, c.channels, 9)
    blocks = (0..<c.blocks).map { _ in
      SRResNetBlock(c.features, dimensions: c.dimensions, random: &random)
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("first", first), ("first_slope", firstSlope)]
      + blocks.enumerated().map { ("blocks.\($0.offset)", $0.element as any Layer) }
      + [("after_blocks", afterBlocks), ("normalization", normalization)]
      + up.enumerated().flatMap { index, step -> [(name: String, layer: any Layer)] in
        [("up.\(index).convolution", step.convolution), ("up.\(index).slope", step.slope)]
      } + [("last", last)]
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
    let shallow = firstSlope(first(x, in: context), in: context)
    var y = blocks.reduce(shallow) { $1($0, in: context) }
    y = shallow + normalization(afterBlocks(y, in: context), in: context)
    for (step, factor) in zip(up, shuffleFactors(configuration.scale)) {
      y = step.slope(pixelShuffled(step.convolution(y, in: context), factor: factor), in: context)
    }
    return last(y, in: context)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }

  /// As configured.
  public var outputScale: Int { configuration.scale }
}

/// Two convolutions with batch normalisation, the input added.
private final class SRResNetBlock: Layer {
  private let convolutions: [Convolution]
  private let normalizations: [BatchNormalization]
  private let slope = ParametricReLU()

  init(_ features: Int, dimensions: Int, random: inout RandomStream) {
    convolutions = (0..<2).map { _ in
      Convolution(
        inputChannels: features,
        outputChannels: features,
        kernelSize: [Int](repeating: 3, count: dimensions),
        hasBias: false,
        random: &random
      )
    }
    normalizations = (0..<2).map { _ in BatchNormalization(channels: features) }
  }

  var children: [(name: String, layer: any Layer)] {
    [
      ("conv1", convolutions[0]), ("norm1", normalizations[0]), ("slope", slope),
      ("conv2", convolutions[1]), ("norm2", normalizations[1]),
    ]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = slope(normalizations[0](convolutions[0](x, in: context), in: context), in: context)
    return x + normalizations[1](convolutions[1](y, in: context), in: context)
  }
}

extension SRResNetConfiguration: NetworkValues {
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
      layers: 2 * blocks + 60
    )
  }

  func network(random: inout RandomStream) -> any Network { SRResNet(self, random: &random) }
}
