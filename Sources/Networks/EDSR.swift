import Layers
import Support
import Tensors

/// The values that define an enhanced deep residual network.
public struct EDSRConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output.
  public var channels: Int
  /// Residual blocks; 16 in the authors' baseline, 32 in their large network.
  public var blocks: Int
  /// Channels in between; 64 in the baseline, 256 in the large network.
  public var features: Int
  /// How many times larger the output is along each axis: 1, 2, 3, 4 or 8.
  public var scale: Int
  /// What the blocks' results are multiplied by; 1 in the baseline, 0.1 in the large network.
  public var residualScale: Float
  /// Whether stored means of the channels are taken away at the start and added at the end.
  public var shiftsMean: Bool
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are the authors' baseline.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - blocks: Residual blocks.
  ///   - features: Channels in between.
  ///   - scale: How many times larger the output is along each axis: 1, 2, 3, 4 or 8.
  ///   - residualScale: What the blocks' results are multiplied by.
  ///   - shiftsMean: Whether stored means are taken away at the start and added at the end.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 3,
    blocks: Int = 16,
    features: Int = 64,
    scale: Int = 2,
    residualScale: Float = 1,
    shiftsMean: Bool = false,
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.blocks = blocks
    self.features = features
    self.scale = scale
    self.residualScale = residualScale
    self.shiftsMean = shiftsMean
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// Super-resolution by residual blocks without normalisation.
///
/// Lim, Son, Kim, Nah and Lee 2017, "Enhanced Deep Residual Networks for Single Image
/// Super-Resolution", section 3 and figures 2 and 3. Parameters have the names of the authors' PyTorch
/// program (`body.0.body.2.weight`), whose published weights are for values from 0 to 255.
public final class EDSR: Network {
  /// The values that define the network.
  public let configuration: EDSRConfiguration
  private let shifts: [ChannelShift]
  private let first: Convolution
  private let body: [[Convolution]]
  private let afterBody: Convolution
  private let up: [Convolution]
  private let last: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: EDSRConfiguration, random: inout RandomStream) {
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
    shifts =
      c.shiftsMean
      ? [c.inputChannels, c.channels].map { ChannelShift($0, dimensions: c.dimensions) } : []
    first = convolution(c.inputChannels, c.features)
    body = (0..<c.blocks).map { _ in
      (0..<2).map { _ in convolution(c.features, c.features) }
    }
    afterBody = convolution(c.features, c.features)
    up = shuffleFactors(c.scale).map { factor in
      convolution(c.features, c.features * shuffleCells(factor, c.dimensions))
    }
    last = convolution(c.features, c.channels)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    zip(["sub_mean", "add_mean"], shifts).map { ($0, $1 as any Layer) } + [("head.0", first)]
      + body.enumerated().flatMap { block, layers -> [(name: String, layer: any Layer)] in
        [("body.\(block).body.0", layers[0]), ("body.\(block).body.2", layers[1])]
      } + [("body.\(body.count)", afterBody)]
      + up.enumerated().map { ("tail.0.\(2 * $0.offset)", $0.element as any Layer) }
      + [("tail.1", last)]
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
    let shallow = first(shifts.first?(x, in: context) ?? x, in: context)
    var y = shallow
    for block in body {
      let change = block[1](relu(block[0](y, in: context)), in: context)
      y = y + (configuration.residualScale == 1 ? change : change * configuration.residualScale)
    }
    y = shallow + afterBody(y, in: context)
    for (layer, factor) in zip(up, shuffleFactors(configuration.scale)) {
      y = pixelShuffled(layer(y, in: context), factor: factor)
    }
    y = last(y, in: context)
    return shifts.last?(y, in: context) ?? y
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }

  /// As configured.
  public var outputScale: Int { configuration.scale }
}

/// A fixed mixture of the channels and a shift, which no optimiser changes.
private final class ChannelShift: Layer {
  private let weight: Parameter
  private let bias: Parameter

  init(_ channels: Int, dimensions: Int) {
    let identity = (0..<channels * channels).map { Float($0 % (channels + 1) == 0 ? 1 : 0) }
    let ones = [Int](repeating: 1, count: dimensions)
    weight = Parameter(Tensor(identity, shape: [channels, channels] + ones), isTrainable: false)
    bias = Parameter(Tensor(repeating: 0, shape: [channels]), isTrainable: false)
  }

  var ownParameters: [(name: String, parameter: Parameter)] {
    [("weight", weight), ("bias", bias)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let axes = weight.shape.count - 2
    return convolution(
      x,
      weight: weight.value(in: context),
      bias: bias.value(in: context),
      shape: ConvolutionShape(
        stride: [Int](repeating: 1, count: axes),
        padding: [Int](repeating: 0, count: axes),
        dilation: [Int](repeating: 1, count: axes)
      )
    )
  }
}

extension EDSRConfiguration: NetworkValues {
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
    try check.require(residualScale.isFinite, "a scale of residuals of \(residualScale)")
    try check.weights(
      widest: max(inputChannels, features),
      window: dimensions == 3 ? 27 : 9,
      layers: 2 * blocks + 30
    )
  }

  func network(random: inout RandomStream) -> any Network { EDSR(self, random: &random) }
}
