import Layers
import Support
import Tensors

/// The values that define the first convolutional network for super-resolution.
public struct SRCNNConfiguration: Codable, Sendable, Equatable {
  /// Channels of the output; 1 in the paper, the luminance.
  public var channels: Int
  /// Channels after the first and the second convolution, 64 and 32 in the paper.
  public var features: [Int]
  /// Windows of the three convolutions; 9, 1, 5 or 9, 5, 5 in the paper.
  public var kernelSizes: [Int]
  /// Slices on each side that enter as channels.
  public var contextSlices: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are the better of the paper's.
  /// - Parameters:
  ///   - channels: Channels of the output.
  ///   - features: Channels after the first and the second convolution.
  ///   - kernelSizes: Windows of the three convolutions, odd.
  ///   - contextSlices: Slices on each side that enter as channels.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 1,
    features: [Int] = [64, 32],
    kernelSizes: [Int] = [9, 5, 5],
    contextSlices: Int = 0,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.features = features
    self.kernelSizes = kernelSizes
    self.contextSlices = contextSlices
    self.dimensions = dimensions
  }
}

/// Super-resolution by three convolutions of an enlarged image.
///
/// Dong, Loy, He and Tang 2016, "Image Super-Resolution Using Deep Convolutional Networks",
/// section 3.1: patches, non-linear mapping, reconstruction. The input has the output's size already, by
/// cubic interpolation. The paper's convolutions shrink the image; these have zeros around it.
public final class SRCNN: Network {
  /// The values that define the network.
  public let configuration: SRCNNConfiguration
  private let layers: [Convolution]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: SRCNNConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let widths =
      [configuration.inputChannels] + configuration.features + [configuration.channels]
    layers = configuration.kernelSizes.enumerated().map { index, window in
      Convolution(
        inputChannels: widths[index],
        outputChannels: widths[index + 1],
        kernelSize: [Int](repeating: window, count: configuration.dimensions),
        random: &random
      )
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    layers.enumerated().map { ("conv\($0.offset + 1)", $0.element) }
  }

  /// Sharpens.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth, enlarged already.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    return layers.dropFirst().reduce(layers[0](x, in: context)) { $1(relu($0), in: context) }
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }
}

extension SRCNNConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.features(features, count: 2...2)
    try check.require(
      kernelSizes.count == 3 && kernelSizes.allSatisfy { (1...15).contains($0) && $0 % 2 == 1 },
      "windows \(kernelSizes)"
    )
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: shuffleCells(kernelSizes.max() ?? 1, dimensions),
      layers: 3
    )
  }

  func network(random: inout RandomStream) -> any Network { SRCNN(self, random: &random) }
}
