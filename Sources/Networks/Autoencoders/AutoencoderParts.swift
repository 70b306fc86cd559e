import Layers
import Support
import Tensors

/// The values that the convolutional autoencoders share.
public struct AutoencoderShape: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var channels: Int
  /// Channels of each level, each of half the size of the one before.
  public var features: [Int]
  /// Channels of the narrow middle.
  public var latentChannels: Int

  /// Creates the values.
  /// - Parameters:
  ///   - channels: Channels of the image.
  ///   - features: Channels of each level, each of half the size of the one before.
  ///   - latentChannels: Channels of the narrow middle.
  public init(
    channels: Int = 1,
    features: [Int] = [16, 32, 64, 64, 64],
    latentChannels: Int = 16
  ) {
    self.channels = channels
    self.features = features
    self.latentChannels = latentChannels
  }

  /// 2 for each level.
  var sizeMultiple: Int { 1 << features.count }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(channels, channels)
    try check.features(features, count: 1...8)
    try check.require((1...4096).contains(latentChannels), "\(latentChannels) latent channels")
    try check.weights(
      widest: max(channels, latentChannels, features.max() ?? 1),
      window: 9,
      layers: 2 * features.count + 4
    )
  }
}

/// Convolution, batch normalisation and a leaky rectifier, which halve or keep the size.
final class AutoencoderUnit: Layer {
  private let convolution: Convolution
  private let normalization: BatchNormalization

  /// Slope of the rectifier for negative values.
  static let negativeSlope: Float = 0.01

  init(_ input: Int, _ output: Int, stride: Int, random: inout RandomStream) {
    convolution = Convolution(
      inputChannels: input,
      outputChannels: output,
      kernelSize: [3, 3],
      stride: [stride, stride],
      padding: [1, 1],
      hasBias: false,
      random: &random
    )
    normalization = BatchNormalization(channels: output, negativeSlope: Self.negativeSlope)
  }

  var children: [(name: String, layer: any Layer)] {
    [("conv", convolution), ("norm", normalization)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    normalization(convolution(x, in: context), in: context)
  }
}

/// From an image to its latent maps: strided convolutions, then one of a single pixel.
final class AutoencoderEncoder: Layer {
  private let stages: [AutoencoderUnit]
  private let latent: Convolution

  init(_ shape: AutoencoderShape, latentChannels: Int, random: inout RandomStream) {
    stages = zip([shape.channels] + shape.features, shape.features).map { input, output in
      AutoencoderUnit(input, output, stride: 2, random: &random)
    }
    latent = Convolution(
      inputChannels: shape.features[shape.features.count - 1],
      outputChannels: latentChannels,
      kernelSize: [1, 1],
      random: &random
    )
  }

  var children: [(name: String, layer: any Layer)] {
    stages.enumerated().map { ("stages.\($0.offset)", $0.element as any Layer) }
      + [("latent", latent)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    latent(stages.reduce(x) { $1($0, in: context) }, in: context)
  }
}

/// From latent maps to an image: pixels are repeated and convolved, level by level.
final class AutoencoderDecoder: Layer {
  private let first: Convolution
  private let stages: [AutoencoderUnit]
  private let last: Convolution

  init(_ shape: AutoencoderShape, random: inout RandomStream) {
    let widths = Array(shape.features.reversed())
    first = Convolution(
      inputChannels: shape.latentChannels,
      outputChannels: widths[0],
      kernelSize: [1, 1],
      random: &random
    )
    stages = widths.indices.map { level in
      AutoencoderUnit(
        widths[level],
        widths[min(level + 1, widths.count - 1)],
        stride: 1,
        random: &random
      )
    }
    last = Convolution(
      inputChannels: widths[widths.count - 1],
      outputChannels: shape.channels,
      kernelSize: [3, 3],
      random: &random
    )
  }

  var children: [(name: String, layer: any Layer)] {
    [("first", first as any Layer)]
      + stages.enumerated().map { ("stages.\($0.offset)", $0.element as any Layer) }
      + [("last", last)]
  }

  func callAsFunction(_ latent: Tensor, in context: Context) -> Tensor {
    let start = leakyReLU(
      first(latent, in: context),
      negativeSlope: AutoencoderUnit.negativeSlope
    )
    return last(
      stages.reduce(start) { $1($0.enlarged(2, .nearest), in: context) },
      in: context
    )
  }
}
