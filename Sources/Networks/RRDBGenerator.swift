import Layers
import Support
import Tensors

/// The values that define ESRGAN's generator.
public struct RRDBConfiguration: Codable, Sendable, Equatable {
  /// Channels of input and output, 3 in the paper.
  public var channels: Int
  /// Residual-in-residual dense blocks, 23 in the paper.
  public var blocks: Int
  /// Channels between the blocks, 64 in the paper.
  public var features: Int
  /// Channels that each convolution of a dense block adds, 32 in the paper.
  public var growth: Int
  /// Steps that double the size at the end, 2 in the paper.
  public var doublings = 2
  /// Factor by which pixels become channels at the start, 1 in the paper.
  ///
  /// The published networks for a scale of 2 have 2 (Wang et al. 2021, "Real-ESRGAN", section 3.4), those
  /// that keep the size 4.
  public var unshuffling = 1
  /// Slices on each side that enter as channels.
  public var contextSlices = 0
  /// Spatial axes, 2 or 3.
  public var dimensions = 2

  /// How many times larger the output is along each axis.
  public var scale: Int { (1 << doublings) / max(1, unshuffling) }

  /// Creates a configuration; the defaults are the paper's, which enlarges four times.
  /// - Parameters:
  ///   - channels: Channels of input and output.
  ///   - blocks: Residual-in-residual dense blocks.
  ///   - features: Channels between the blocks.
  ///   - growth: Channels that each convolution of a dense block adds.
  public init(channels: Int = 3, blocks: Int = 23, features: Int = 64, growth: Int = 32) {
    self.channels = channels
    self.blocks = blocks
    self.features = features
    self.growth = growth
  }

  /// Reads values; those that earlier versions did not write have their defaults.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      channels: try container.decode(Int.self, forKey: .channels),
      blocks: try container.decode(Int.self, forKey: .blocks),
      features: try container.decode(Int.self, forKey: .features),
      growth: try container.decode(Int.self, forKey: .growth)
    )
    doublings = try container.value(.doublings, or: 2)
    unshuffling = try container.value(.unshuffling, or: 1)
    contextSlices = try container.value(.contextSlices, or: 0)
    dimensions = try container.value(.dimensions, or: 2)
  }
}

/// ESRGAN's generator: super-resolution by residual-in-residual dense blocks.
///
/// Wang, Yu, Wu et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks",
/// section 3.1 and figures 3 and 4: no batch normalisation, residuals scaled by 0.2, leaky ReLU of
/// slope 0.2, steps of nearest-neighbour doubling and convolution, two in the paper. Where the scale is
/// smaller, pixels become channels at the start.
public final class RRDBGenerator: Network {
  /// The values that define the network.
  public let configuration: RRDBConfiguration
  private let first: Convolution
  private let trunk: [[DenseBlock]]
  private let afterTrunk: Convolution
  private let up: [Convolution]
  private let fine: Convolution
  private let last: Convolution

  /// Scale of residuals, β in the paper.
  fileprivate static let residualScale: Float = 0.2
  /// Slope of the activation for negative values.
  fileprivate static let negativeSlope: Float = 0.2

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: `configuration.check()` throws nothing.
  public init(_ configuration: RRDBConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let (c, features) = (configuration, configuration.features)
    func convolution(_ input: Int, _ output: Int) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: 3, count: c.dimensions),
        random: &random
      )
    }
    let cells = shuffleCells(c.unshuffling, c.dimensions)
    first = convolution(c.inputChannels * cells, features)
    afterTrunk = convolution(features, features)
    up = (0..<c.doublings).map { _ in convolution(features, features) }
    fine = convolution(features, features)
    last = convolution(features, c.channels)
    trunk = (0..<c.blocks).map { _ in
      (0..<3).map { _ in
        DenseBlock(
          features: features,
          growth: c.growth,
          dimensions: c.dimensions,
          random: &random
        )
      }
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("first", first)]
      + trunk.enumerated().flatMap { block, parts in
        parts.enumerated().map { ("trunk.\(block).\($0.offset)", $0.element as any Layer) }
      } + [("after_trunk", afterTrunk)]
      + up.enumerated().map { ("up\($0.offset + 1)", $0.element as any Layer) }
      + [("fine", fine), ("last", last)]
  }

  /// Enlarges images.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, scale · H, scale · W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    let factor = configuration.unshuffling
    let shallow = first(factor > 1 ? pixelUnshuffled(x, factor: factor) : x, in: context)
    var y = shallow
    for block in trunk {
      y = y + block.reduce(y) { $1($0, in: context) } * Self.residualScale
    }
    y = shallow + afterTrunk(y, in: context)
    for convolution in up {
      y = leakyReLU(
        convolution(y.enlarged(2, .nearest), in: context),
        negativeSlope: Self.negativeSlope
      )
    }
    y = leakyReLU(fine(y, in: context), negativeSlope: Self.negativeSlope)
    return last(y, in: context)
  }

  /// Pixels that become channels at the start.
  public var sizeMultiple: Int { configuration.unshuffling }

  /// As configured.
  public var outputScale: Int { configuration.scale }
}

/// Five convolutions, each of which sees the input and all earlier outputs.
private final class DenseBlock: Layer {
  private let layers: [Convolution]

  init(features: Int, growth: Int, dimensions: Int, random: inout RandomStream) {
    layers = (0..<5).map { index in
      Convolution(
        inputChannels: features + index * growth,
        outputChannels: index < 4 ? growth : features,
        kernelSize: [Int](repeating: 3, count: dimensions),
        random: &random
      )
    }
  }

  var children: [(name: String, layer: any Layer)] {
    layers.enumerated().map { ("layers.\($0.offset)", $0.element) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var known = [x]
    for layer in layers.dropLast() {
      known.append(
        leakyReLU(
          layer(joined(known), in: context),
          negativeSlope: RRDBGenerator.negativeSlope
        )
      )
    }
    return x + layers[layers.count - 1](joined(known), in: context) * RRDBGenerator.residualScale
  }

  private func joined(_ parts: [Tensor]) -> Tensor {
    parts.count == 1 ? parts[0] : concatenation(parts)
  }
}

extension RRDBConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var outputScale: Int { scale }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.require((1...256).contains(blocks), "\(blocks) blocks")
    try check.require((1...1024).contains(features), "\(features) features")
    try check.require((1...1024).contains(growth), "a growth of \(growth)")
    try check.require((0...4).contains(doublings), "\(doublings) doublings")
    try check.require(
      [1, 2, 4, 8].contains(unshuffling) && unshuffling <= 1 << doublings,
      "an unshuffling by \(unshuffling) before \(doublings) doublings"
    )
    try check.weights(
      widest: max(features + 4 * growth, inputChannels * shuffleCells(unshuffling, dimensions)),
      window: dimensions == 3 ? 27 : 9,
      layers: 15 * blocks + 6
    )
  }

  func network(random: inout RandomStream) -> any Network { RRDBGenerator(self, random: &random) }
}
