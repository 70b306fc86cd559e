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

  /// Creates a configuration; the defaults are the paper's.
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
}

/// ESRGAN's generator: four-fold super-resolution by residual-in-residual dense blocks.
///
/// Wang, Yu, Wu et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks",
/// section 3.1 and figures 3 and 4: no batch normalisation, residuals scaled by 0.2, leaky ReLU of
/// slope 0.2, two steps of nearest-neighbour doubling and convolution.
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
        kernelSize: [3, 3],
        random: &random
      )
    }
    first = convolution(c.channels, features)
    afterTrunk = convolution(features, features)
    up = (0..<2).map { _ in convolution(features, features) }
    fine = convolution(features, features)
    last = convolution(features, c.channels)
    trunk = (0..<c.blocks).map { _ in
      (0..<3).map { _ in DenseBlock(features: features, growth: c.growth, random: &random) }
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("first", first)]
      + trunk.enumerated().flatMap { block, parts in
        parts.enumerated().map { ("trunk.\(block).\($0.offset)", $0.element as any Layer) }
      } + [("after_trunk", afterTrunk), ("up1", up[0]), ("up2", up[1])]
      + [("fine", fine), ("last", last)]
  }

  /// Enlarges images.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, 4H, 4W]`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.channels,
      "the input \(x.shape) for a network of \(configuration.channels) channels"
    )
    let shallow = first(x, in: context)
    var y = shallow
    for block in trunk {
      y = y + block.reduce(y) { $1($0, in: context) } * Self.residualScale
    }
    y = shallow + afterTrunk(y, in: context)
    for convolution in up {
      y = leakyReLU(convolution(doubled(y), in: context), negativeSlope: Self.negativeSlope)
    }
    y = leakyReLU(fine(y, in: context), negativeSlope: Self.negativeSlope)
    return last(y, in: context)
  }

  private func doubled(_ x: Tensor) -> Tensor {
    upsampled(x, to: x.shape.dropFirst(2).map { 2 * $0 }, interpolation: .nearest)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }

  /// The output is four times as large along each axis.
  public var outputScale: Int { 4 }
}

/// Five convolutions, each of which sees the input and all earlier outputs.
private final class DenseBlock: Layer {
  private let layers: [Convolution]

  init(features: Int, growth: Int, random: inout RandomStream) {
    layers = (0..<5).map { index in
      Convolution(
        inputChannels: features + index * growth,
        outputChannels: index < 4 ? growth : features,
        kernelSize: [3, 3],
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

extension RRDBConfiguration {
  func check() throws(NetworksError) {
    func require(_ condition: Bool, _ reason: String) throws(NetworksError) {
      if !condition { throw .invalidConfiguration(network: "rrdb", reason: reason) }
    }
    try require((1...1024).contains(channels), "\(channels) channels")
    try require((1...256).contains(blocks), "\(blocks) blocks")
    try require((1...1024).contains(features), "\(features) features")
    try require((1...1024).contains(growth), "a growth of \(growth)")
    let widest = Double(features + 4 * growth)
    try require(
      widest * widest * 9 * Double(15 * blocks + 6) <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}
