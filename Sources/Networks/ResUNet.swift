import Layers
import Support
import Tensors

/// The values that define a deep residual U-Net.
public struct ResUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// Channels of each level, full resolution first; 64, 128, 256 and, in the bridge, 512 in the paper.
  public var features: [Int]
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each level.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(inputChannels: Int, outputChannels: Int, features: [Int], dimensions: Int = 2) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.dimensions = dimensions
  }
}

/// ResUNet: a U-Net of residual units with the normalisation first.
///
/// Zhang, Liu and Wang 2018, "Road extraction by deep residual U-Net", figure 2 and table I: units of
/// two convolutions, whose first halves the size instead of a pooling; maps of the level below are
/// enlarged by repetition and joined to the skip. Where a unit changes the shape, its shortcut is a
/// convolution of window 1 (He et al. 2016, "Identity mappings in deep residual networks").
public final class ResUNet: Network {
  /// The values that define the network.
  public let configuration: ResUNetConfiguration
  private let down: [ResidualUnit]
  /// Full resolution first.
  private let up: [ResidualUnit]
  private let head: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ResUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    down = c.features.indices.map { level in
      ResidualUnit(
        level == 0 ? c.inputChannels : c.features[level - 1],
        c.features[level],
        step: level == 0 ? 1 : 2,
        seesImage: level == 0,
        dimensions: c.dimensions,
        random: &random
      )
    }
    up = c.features.indices.dropLast().map { level in
      ResidualUnit(
        c.features[level] + c.features[level + 1],
        c.features[level],
        dimensions: c.dimensions,
        random: &random
      )
    }
    head = Convolution(
      inputChannels: c.features[0],
      outputChannels: c.outputChannels,
      kernelSize: [Int](repeating: 1, count: c.dimensions),
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    down.enumerated().map { ("down.\($0.offset)", $0.element as any Layer) }
      + up.enumerated().map { ("up.\($0.offset)", $0.element as any Layer) } + [("head", head)]
  }

  /// Computes class scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = x
    var skips = down.map { unit in
      y = unit(y, in: context)
      return y
    }
    y = skips.removeLast()
    for (unit, skip) in zip(up, skips).reversed() {
      y = concatenation([y.enlarged(2, .nearest), skip])
      y = unit(y, in: context)
    }
    return head(y, in: context)
  }

  /// Each level but the first halves the size.
  public var sizeMultiple: Int { 1 << (configuration.features.count - 1) }
}

/// Normalisation, rectifier and convolution, twice, added to the input or its projection.
private final class ResidualUnit: Layer {
  /// Before each convolution; the image itself is not normalised.
  private let normalizations: [BatchNormalization?]
  private let convolutions: [Convolution]
  private let shortcut: Convolution?

  init(
    _ input: Int,
    _ output: Int,
    step: Int = 1,
    seesImage: Bool = false,
    dimensions: Int,
    random: inout RandomStream
  ) {
    func convolution(_ input: Int, window: Int, step: Int) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: window, count: dimensions),
        stride: [Int](repeating: step, count: dimensions),
        random: &random
      )
    }
    normalizations = [
      seesImage ? nil : BatchNormalization(channels: input, negativeSlope: 0),
      BatchNormalization(channels: output, negativeSlope: 0),
    ]
    convolutions = [
      convolution(input, window: 3, step: step), convolution(output, window: 3, step: 1),
    ]
    shortcut =
      input == output && step == 1 ? nil : convolution(input, window: 1, step: step)
  }

  var children: [(name: String, layer: any Layer)] {
    normalizations.enumerated().compactMap { index, layer in
      layer.map { ("norm\(index)", $0 as any Layer) }
    } + convolutions.enumerated().map { ("conv\($0.offset)", $0.element as any Layer) }
      + (shortcut.map { [("shortcut", $0)] } ?? [])
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var y = x
    for (normalization, convolution) in zip(normalizations, convolutions) {
      y = convolution(normalization?(y, in: context) ?? y, in: context)
    }
    return y + (shortcut?(x, in: context) ?? x)
  }
}

extension ResUNetConfiguration: NetworkValues {
  func network(random: inout RandomStream) -> any Network { ResUNet(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.features(features, count: 2...8)
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: dimensions == 2 ? 9 : 27,
      layers: 5 * features.count
    )
  }
}
