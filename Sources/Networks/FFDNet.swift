import Layers
import Support
import Tensors

/// The values that define a denoising network that is told the noise's level.
public struct FFDNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output.
  public var channels: Int
  /// Convolutions; 15 in the paper for grey images, 12 for colour.
  public var depth: Int
  /// Channels in between; 64 in the paper for grey images, 96 for colour.
  public var features: Int
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int
  /// Whether the network is told the noise's level, by a map that is its input's last channel.
  public var isTold = true
  /// Further images of the same grid that enter as channels after the image's own, such as what a
  /// classical filter made of it.
  public var guides = 0

  /// Creates a configuration; the defaults are the paper's for grey images.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - depth: Convolutions.
  ///   - features: Channels in between.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 1,
    depth: Int = 15,
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

  /// Reads values; those that earlier versions did not write have their defaults.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      channels: try container.decode(Int.self, forKey: .channels),
      depth: try container.decode(Int.self, forKey: .depth),
      features: try container.decode(Int.self, forKey: .features),
      contextSlices: try container.decode(Int.self, forKey: .contextSlices),
      dimensions: try container.decode(Int.self, forKey: .dimensions)
    )
    isTold = try container.value(.isTold, or: true)
    guides = try container.value(.guides, or: 0)
  }
}

/// Denoising by a network that is told how strong the noise is where.
///
/// Zhang, Zuo and Zhang 2018, "FFDNet: Toward a Fast and Flexible Solution for CNN-Based Image
/// Denoising", section III and figure 1: the image at half the size with its pixels as channels, a map of
/// the noise's standard deviation beside it, a chain of convolutions, and back to full size. Without
/// batch normalisation, as the authors' published weights; these have the names that parameters have here
/// (`model.2.weight`). The map is the input's last channel, at full size; its mean over 2 x 2 pixels is
/// taken. Volumes have 2 x 2 x 2 voxels as channels. Without `isTold` there is no map: a blind network, as
/// DnCNN is, at a quarter of the cost of one at full size.
public final class FFDNet: Network {
  /// The values that define the network.
  public let configuration: FFDNetConfiguration
  private let chain: RectifiedChain

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: FFDNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let cells = shuffleCells(2, configuration.dimensions)
    chain = RectifiedChain(
      configuration.imageChannels * cells + (configuration.isTold ? 1 : 0),
      configuration.channels * cells,
      features: configuration.features,
      depth: configuration.depth,
      dimensions: configuration.dimensions,
      hasBias: true,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] { [("model", chain)] }

  /// Removes noise.
  /// - Parameters:
  ///   - x: `[N, image channels + 1, H, W]` or with depth; last, for networks that are told, the noise's
  ///     standard deviation, in the image's unit.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of 2.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    guard configuration.isTold else {
      return pixelShuffled(chain(pixelUnshuffled(x, factor: 2), in: context), factor: 2)
    }
    let image = x.sliced(axis: 1, end: x.shape[1] - 1)
    let level = averagePooling(
      x.sliced(axis: 1, start: x.shape[1] - 1),
      shape: PoolingShape(kernel: [Int](repeating: 2, count: configuration.dimensions))
    )
    let y = chain(concatenation([pixelUnshuffled(image, factor: 2), level]), in: context)
    return pixelShuffled(y, factor: 2)
  }

  /// Removes noise of one level for each sample.
  /// - Parameters:
  ///   - image: `[N, image channels, H, W]` or with depth.
  ///   - levels: The noise's standard deviation for each sample, in the image's unit.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of 2, and the network is told the level.
  public func callAsFunction(_ image: Tensor, levels: [Float], in context: Context) -> Tensor {
    self(image.withConstantChannel(levels), in: context)
  }

  /// The pixels of 2 x 2 become channels.
  public var sizeMultiple: Int { 2 }
}

extension Tensor {
  /// A channel more, which holds one number for each sample.
  func withConstantChannel(_ values: [Float]) -> Tensor {
    precondition(values.count == shape[0], "\(values.count) numbers for \(shape[0]) samples")
    let column = Tensor(values, shape: [shape[0]] + shape.dropFirst().map { _ in 1 })
    return concatenation(
      [self, column.broadcasted(to: [shape[0], 1] + shape.dropFirst(2))],
      axis: 1
    )
  }
}

extension FFDNetConfiguration: NetworkValues {
  /// Channels of the image, its neighbours' and its guides' too.
  var imageChannels: Int { channels * (1 + 2 * contextSlices + guides) }
  /// Channels of the image, its neighbours' too, and the map of the noise's level if there is one.
  public var inputChannels: Int { imageChannels + (isTold ? 1 : 0) }
  /// The channels.
  public var outputChannels: Int { channels }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.require((2...256).contains(depth), "a depth of \(depth)")
    try check.require((0...16).contains(guides), "\(guides) guides")
    try check.require((1...4096).contains(features), "\(features) features")
    let cells = shuffleCells(2, dimensions)
    try check.weights(
      widest: max(inputChannels * cells, features),
      window: dimensions == 3 ? 27 : 9,
      layers: depth
    )
  }

  func network(random: inout RandomStream) -> any Network { FFDNet(self, random: &random) }
}
