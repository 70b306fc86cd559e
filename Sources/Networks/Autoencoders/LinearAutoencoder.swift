import Layers
import Support
import Tensors

/// The values that define a linear autoencoder.
public struct LinearAutoencoderConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var channels: Int
  /// Rows and columns of a patch; patches lie side by side and do not overlap.
  public var patch: [Int]
  /// Numbers that stand for a patch.
  public var components: Int

  /// Creates a configuration.
  /// - Parameters:
  ///   - channels: Channels of the image.
  ///   - patch: Rows and columns of a patch.
  ///   - components: Numbers that stand for a patch.
  public init(channels: Int = 1, patch: [Int], components: Int) {
    self.channels = channels
    self.patch = patch
    self.components = components
  }
}

/// An autoencoder without activations, whose best weights are the principal components.
///
/// Bourlard and Kamp 1988, "Auto-association by multilayer perceptrons and singular value decomposition";
/// Baldi and Hornik 1989. One number more than `components` is encoded: with the weights of a principal
/// component analysis it is always 1, and its row of the decoder is the mean.
public final class LinearAutoencoder: Network {
  /// The values that define the network.
  public let configuration: LinearAutoencoderConfiguration
  private let encoder: Convolution
  private let decoder: TransposedConvolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: LinearAutoencoderConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    encoder = Convolution(
      inputChannels: c.channels,
      outputChannels: c.components + 1,
      kernelSize: c.patch,
      stride: c.patch,
      padding: [0, 0],
      random: &random
    )
    decoder = TransposedConvolution(
      inputChannels: c.components + 1,
      outputChannels: c.channels,
      stride: c.patch,
      hasBias: false,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("encoder", encoder), ("decoder", decoder)]
  }

  /// Puts the weights of a principal component analysis in place.
  /// - Parameters:
  ///   - mean: The mean patch, channel by channel, row by row.
  ///   - components: Orthonormal directions, one after another, each as long as the mean.
  /// - Precondition: As many values as the network has.
  public func set(mean: [Float], components: [Float]) {
    let size = configuration.channels * configuration.patch.reduce(1, *)
    let count = configuration.components
    precondition(
      mean.count == size && components.count == count * size,
      "\(mean.count) and \(components.count) values for \(count) components of \(size)"
    )
    let offsets = (0..<count).map { component -> Float in
      var sum = 0.0
      for place in 0..<size {
        sum -= Double(components[component * size + place]) * Double(mean[place])
      }
      return Float(sum)
    }
    let zeros = [Float](repeating: 0, count: size)
    encoder.weight.value = Tensor(components + zeros, shape: encoder.weight.shape)
    encoder.bias?.value = Tensor(offsets + [1], shape: [count + 1])
    decoder.weight.value = Tensor(components + mean, shape: decoder.weight.shape)
  }

  /// Reconstructs images.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  /// - Precondition: Rows and columns are multiples of the patch's.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    decoder(encoder(x, in: context), in: context)
  }

  /// The patch's longer side.
  public var sizeMultiple: Int { configuration.patch.max() ?? 1 }

  /// Rows and columns of the patch.
  public var axisMultiples: [Int] { configuration.patch }
}

extension LinearAutoencoderConfiguration: NetworkValues {
  var inputChannels: Int { channels }
  var outputChannels: Int { channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(channels, channels)
    try check.require(
      patch.count == 2 && patch.allSatisfy((1...4096).contains),
      "a patch of \(patch)"
    )
    try check.require((1...4095).contains(components), "\(components) components")
    try check.require(
      Double(channels) * Double(patch.reduce(1, *)) * Double(2 * components + 2)
        <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }

  func network(random: inout RandomStream) -> any Network {
    LinearAutoencoder(self, random: &random)
  }
}
