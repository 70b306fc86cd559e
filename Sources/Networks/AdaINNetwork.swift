import Layers
import Support
import Tensors

/// The values that define a network of any style.
public struct AdaINConfiguration: Codable, Sendable, Equatable {
  /// Channels of a picture; the network takes the content and the style, one after the other.
  public var channels: Int
  /// Channels of the encoder's stages; each but the first has half the size of the one before.
  public var features: [Int]
  /// Convolutions of each stage but the last, of which the first alone is used: 2, 2, 4 in the paper.
  public var convolutionsPerStage: [Int]

  /// Creates a configuration; the paper's, VGG-19 up to `relu4_1`, unless told otherwise.
  /// - Parameters:
  ///   - channels: Channels of a picture.
  ///   - features: Channels of the encoder's stages.
  ///   - convolutionsPerStage: Convolutions of each stage but the last.
  public init(
    channels: Int = 3,
    features: [Int] = [64, 128, 256, 512],
    convolutionsPerStage: [Int] = [2, 2, 4]
  ) {
    self.channels = channels
    self.features = features
    self.convolutionsPerStage = convolutionsPerStage
  }
}

/// A network that paints a picture in the style of any other.
///
/// Huang and Belongie 2017, "Arbitrary style transfer in real-time with adaptive instance
/// normalization": an encoder, the content's maps given the means and deviations of the style's
/// (equation 8), and a decoder that mirrors the encoder with the nearest neighbour for its poolings.
/// Borders are mirrored. The encoder begins with a convolution of one pixel, which brings colours to
/// the scale that its other weights expect. Parameters are called `encoder.3.weight` and
/// `decoder.1.weight` by the place of the layer in the authors' sequences of paddings, convolutions,
/// activations and resizings.
public final class AdaINNetwork: Network {
  /// The values that define the network.
  public let configuration: AdaINConfiguration
  private let encoder: [(place: Int, layer: Convolution, poolsAfter: Bool)]
  private let decoder: [(place: Int, layer: Convolution, enlargesAfter: Bool)]

  /// Added to variances.
  private static let epsilon: Float = 1e-5

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: AdaINConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let (features, units) = (configuration.features, configuration.convolutionsPerStage)
    func convolution(_ input: Int, _ output: Int, _ window: Int) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [window, window],
        padding: [0, 0],
        random: &random
      )
    }
    var (place, input) = (0, configuration.channels)
    var encoder: [(place: Int, layer: Convolution, poolsAfter: Bool)] = []
    encoder.append((place, convolution(input, input, 1), false))
    // Each 3 x 3 convolution has its padding before and its activation behind it.
    place = 2
    for (stage, width) in features.enumerated() {
      let count = stage < units.count ? units[stage] : 1
      for unit in 0..<count {
        let pools = unit == count - 1 && stage < units.count
        encoder.append((place, convolution(input, width, 3), pools))
        place += pools ? 4 : 3
        input = width
      }
    }
    self.encoder = encoder
    var decoder: [(place: Int, layer: Convolution, enlargesAfter: Bool)] = []
    place = 1
    for stage in units.indices.reversed() {
      decoder.append((place, convolution(input, features[stage], 3), true))
      place += 4
      input = features[stage]
      for _ in 1..<units[stage] {
        decoder.append((place, convolution(input, input, 3), false))
        place += 3
      }
    }
    decoder.append((place, convolution(input, configuration.channels, 3), false))
    self.decoder = decoder
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    encoder.map { ("encoder.\($0.place)", $0.layer) }
      + decoder.map { ("decoder.\($0.place)", $0.layer) }
  }

  /// The encoder's convolutions of 3 x 3, the first ones first.
  package var encoderConvolutions: [Convolution] { encoder.dropFirst().map(\.layer) }

  /// The convolution of one pixel that brings colours to the encoder's scale.
  package var colourConvolution: Convolution { encoder[0].layer }

  private func mirrored(_ x: Tensor, _ layer: Convolution, in context: Context) -> Tensor {
    layer(padded(x, before: [1, 1], after: [1, 1], mode: .reflect), in: context)
  }

  /// The encoder's maps.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, F, H′, W′]`, smaller by 2 for each stage after the first.
  public func encoded(_ x: Tensor, in context: Context) -> Tensor {
    var y = encoder[0].layer(x, in: context)
    for part in encoder.dropFirst() {
      y = relu(mirrored(y, part.layer, in: context))
      if part.poolsAfter { y = maxPooling(y, shape: PoolingShape(kernel: [2, 2])) }
    }
    return y
  }

  /// The content's maps with the means and deviations of the style's.
  /// - Parameters:
  ///   - content: `[N, F, H, W]`.
  ///   - style: `[N, F, H′, W′]`.
  ///   - strength: The share of what the style changes, 0 to 1.
  /// - Returns: `[N, F, H, W]`.
  public func styled(_ content: Tensor, by style: Tensor, strength: Float = 1) -> Tensor {
    let (own, wanted) = (Self.statistics(content), Self.statistics(style))
    let changed =
      (content - own.mean) * (wanted.deviation * own.deviation.reciprocal())
      + wanted.mean
    return strength == 1 ? changed : content * (1 - strength) + changed * strength
  }

  /// Means and deviations over space, `[N, F, 1, 1]`.
  package static func statistics(_ maps: Tensor) -> (mean: Tensor, deviation: Tensor) {
    let mean = maps.mean(axes: [2, 3], keepingAxes: true)
    let variance = (maps - mean).squared().mean(axes: [2, 3], keepingAxes: true)
    return (mean, (variance + epsilon).squareRoot())
  }

  /// A picture from maps.
  /// - Parameters:
  ///   - maps: `[N, F, H′, W′]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`, not limited to a range.
  public func decoded(_ maps: Tensor, in context: Context) -> Tensor {
    var y = maps
    for (index, part) in decoder.enumerated() {
      y = mirrored(y, part.layer, in: context)
      if index < decoder.count - 1 { y = relu(y) }
      if part.enlargesAfter {
        y = upsampled(y, to: y.shape.dropFirst(2).map { 2 * $0 }, interpolation: .nearest)
      }
    }
    return y
  }

  /// Paints pictures in the style of others.
  /// - Parameters:
  ///   - x: Contents and styles as channels, `[N, 2 channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  /// - Precondition: Both axes are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let channels = configuration.channels
    precondition(
      x.rank == 4 && x.shape[1] == 2 * channels,
      "the input \(x.shape) for two pictures of \(channels) channels"
    )
    let content = encoded(x.sliced(axis: 1, end: channels), in: context)
    let style = encoded(x.sliced(axis: 1, start: channels), in: context)
    return decoded(styled(content, by: style), in: context)
  }

  /// 2 for each pooling, and twice that: borders are mirrored behind the last.
  public var sizeMultiple: Int { 2 << configuration.convolutionsPerStage.count }
}

extension AdaINConfiguration: NetworkValues {
  var inputChannels: Int { 2 * channels }
  var outputChannels: Int { channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(channels, channels)
    try check.require(
      (2...6).contains(features.count) && features.allSatisfy((1...2048).contains),
      "\(features) features"
    )
    try check.require(
      convolutionsPerStage.count == features.count - 1
        && convolutionsPerStage.allSatisfy((1...16).contains),
      "\(convolutionsPerStage) convolutions for \(features.count) stages"
    )
    try check.weights(
      widest: max(2 * channels, features.max() ?? 1),
      window: 9,
      layers: 2 * convolutionsPerStage.reduce(0, +) + 3
    )
  }

  func network(random: inout RandomStream) -> any Network {
    AdaINNetwork(self, random: &random)
  }
}
