import Layers
import Support
import Tensors

/// The values that define a fast network for super-resolution.
public struct FSRCNNConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output; 1 in the paper, the luminance.
  public var channels: Int
  /// Channels of the features at the ends, d; 56 in the paper.
  public var features: Int
  /// Channels of the mapping in between, s; 12 in the paper.
  public var shrunkFeatures: Int
  /// Convolutions of the mapping, m; 4 in the paper.
  public var mappings: Int
  /// How many times larger the output is along each axis.
  public var scale: Int
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are the paper's.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - features: Channels of the features at the ends.
  ///   - shrunkFeatures: Channels of the mapping in between.
  ///   - mappings: Convolutions of the mapping.
  ///   - scale: How many times larger the output is along each axis, 1 to 8.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 1,
    features: Int = 56,
    shrunkFeatures: Int = 12,
    mappings: Int = 4,
    scale: Int = 2,
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.features = features
    self.shrunkFeatures = shrunkFeatures
    self.mappings = mappings
    self.scale = scale
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// Super-resolution at the small size, enlarged by the last, transposed convolution.
///
/// Dong, Loy and Tang 2016, "Accelerating the Super-Resolution Convolutional Neural Network",
/// section 3.2 and figure 2: features, shrinking, mapping, expanding, and a transposed convolution of
/// window 9; parametric rectifiers. Parameters have the names of the usual PyTorch program
/// (`mid_part.2.weight`).
public final class FSRCNN: Network {
  /// The values that define the network.
  public let configuration: FSRCNNConfiguration
  private let layers: [(name: String, convolution: Convolution, slope: ParametricReLU)]
  private let slopePlaces: [String]
  private let last: TransposedConvolution

  /// The window of the transposed convolution.
  private static let lastWindow = 9

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: FSRCNNConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let mapping = (0..<c.mappings).map { _ in (c.shrunkFeatures, c.shrunkFeatures, 3) }
    let shapes =
      [(c.inputChannels, c.features, 5), (c.features, c.shrunkFeatures, 1)] + mapping
      + [(c.shrunkFeatures, c.features, 1)]
    layers = shapes.enumerated().map { index, shape in
      (
        index == 0 ? "first_part.0" : "mid_part.\(2 * (index - 1))",
        Convolution(
          inputChannels: shape.0,
          outputChannels: shape.1,
          kernelSize: [Int](repeating: shape.2, count: c.dimensions),
          random: &random
        ),
        ParametricReLU(channels: shape.1)
      )
    }
    slopePlaces = shapes.indices.map {
      $0 == 0 ? "first_part.1" : "mid_part.\(2 * ($0 - 1) + 1)"
    }
    func all(_ value: Int) -> [Int] { [Int](repeating: value, count: c.dimensions) }
    last = TransposedConvolution(
      inputChannels: c.features,
      outputChannels: c.channels,
      kernelSize: all(Self.lastWindow),
      stride: all(c.scale),
      padding: all(Self.lastWindow / 2),
      outputPadding: all(c.scale - 1),
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    zip(layers, slopePlaces).flatMap { part, slope -> [(name: String, layer: any Layer)] in
      [(part.name, part.convolution), (slope, part.slope)]
    } + [("last_part", last)]
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
    let y = layers.reduce(x) { $1.slope($1.convolution($0, in: context), in: context) }
    return last(y, in: context)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }

  /// As configured.
  public var outputScale: Int { configuration.scale }
}

extension FSRCNNConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var outputScale: Int { scale }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.features([features, shrunkFeatures], count: 2...2)
    try check.require((0...64).contains(mappings), "\(mappings) mappings")
    try check.require((1...8).contains(scale), "a scale of \(scale)")
    try check.weights(
      widest: max(inputChannels, features, shrunkFeatures),
      window: shuffleCells(9, dimensions),
      layers: mappings + 4
    )
  }

  func network(random: inout RandomStream) -> any Network { FSRCNN(self, random: &random) }
}
