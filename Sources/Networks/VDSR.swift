import Layers
import Support
import Tensors

/// The values that define a very deep network for super-resolution.
public struct VDSRConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output; 1 in the paper, the luminance.
  public var channels: Int
  /// Convolutions, 20 in the paper.
  public var depth: Int
  /// Channels in between, 64 in the paper.
  public var features: Int
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are the paper's.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - depth: Convolutions.
  ///   - features: Channels in between.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 1,
    depth: Int = 20,
    features: Int = 64,
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.depth = depth
    self.features = features
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// Super-resolution by what a deep chain of convolutions adds to an enlarged image.
///
/// Kim, Lee and Lee 2016, "Accurate Image Super-Resolution Using Very Deep Convolutional Networks",
/// section 3.1 and figure 2. The input has the output's size already, by cubic interpolation, so that
/// one network serves every scale. No biases, as in the usual PyTorch programs; their names
/// (`features.2.weight`) are those of parameters here.
public final class VDSR: Network {
  /// The values that define the network.
  public let configuration: VDSRConfiguration
  private let chain: RectifiedChain

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: VDSRConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    chain = RectifiedChain(
      configuration.inputChannels,
      configuration.channels,
      features: configuration.features,
      depth: configuration.depth,
      dimensions: configuration.dimensions,
      hasBias: false,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] { [("features", chain)] }

  /// Adds detail.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth, enlarged already.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    return x.middleChannels(configuration.channels) + chain(x, in: context)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }
}

extension VDSRConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.require((2...256).contains(depth), "a depth of \(depth)")
    try check.require((1...4096).contains(features), "\(features) features")
    try check.weights(
      widest: max(inputChannels, features),
      window: dimensions == 3 ? 27 : 9,
      layers: depth
    )
  }

  func network(random: inout RandomStream) -> any Network { VDSR(self, random: &random) }
}
