import Layers
import Support
import Tensors

/// The values that define MONAI's basic U-Net.
public struct BasicUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input; `in_channels` in MONAI.
  public var inputChannels: Int
  /// Classes, background included; `out_channels`.
  public var outputChannels: Int
  /// Channels of the five levels, the highest resolution first, and of the last map; `features`.
  public var features: [Int]
  /// Spatial axes, 2 or 3; `spatial_dims`.
  public var dimensions: Int
  /// How the resolution is doubled; `upsample`.
  public var upsampling = MONAIUpsampling.transposed
  /// What follows the convolutions.
  public var style = MONAIUnitStyle(
    normalization: .instance(isAffine: true),
    activation: .leakyReLU(negativeSlope: 0.1)
  )

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Six numbers of channels; the default is MONAI's.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: [Int] = [32, 32, 64, 128, 256, 32],
    dimensions: Int = 3
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.dimensions = dimensions
  }
}

/// MONAI's basic U-Net: five levels, maximum pooling, two convolutions each.
///
/// Falk, Mai, Bensch et al. 2019, "U-Net: deep learning for cell counting, detection, and morphometry",
/// as MONAI's `BasicUNet` has it. Parameters have the names of MONAI's state dictionaries.
public final class BasicUNet: Network {
  /// The values that define the network.
  public let configuration: BasicUNetConfiguration
  private let down: [TwoConvolutions]
  /// From the deepest.
  private let upsamplers: [MONAIUpsample]
  private let up: [TwoConvolutions]
  private let head: Convolution

  private static let levels = 5

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: BasicUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    down = (0..<Self.levels).map { level in
      TwoConvolutions(
        level == 0 ? c.inputChannels : c.features[level - 1],
        c.features[level],
        like: c,
        random: &random
      )
    }
    let levels = (0..<Self.levels - 1).reversed()
    // Channels are halved but for the last time.
    func upsampledWidth(_ level: Int) -> Int {
      level == 0 ? c.features[1] : c.features[level + 1] / 2
    }
    upsamplers = levels.map { level in
      MONAIUpsample(
        inputChannels: c.features[level + 1],
        outputChannels: upsampledWidth(level),
        dimensions: c.dimensions,
        mode: c.upsampling,
        alignCorners: true,
        random: &random
      )
    }
    up = levels.map { level in
      TwoConvolutions(
        c.features[level] + upsampledWidth(level),
        level == 0 ? c.features[Self.levels] : c.features[level],
        like: c,
        random: &random
      )
    }
    head = Convolution(
      inputChannels: c.features[Self.levels],
      outputChannels: c.outputChannels,
      kernelSize: [Int](repeating: 1, count: c.dimensions),
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = down.enumerated().map {
      ($0.offset == 0 ? "conv_0" : "down_\($0.offset).convs", $0.element)
    }
    for (index, (upsampler, convolutions)) in zip(upsamplers, up).enumerated() {
      let name = "upcat_\(upsamplers.count - index)"
      all.append((name + ".upsample", upsampler))
      all.append((name + ".convs", convolutions))
    }
    return all + [("final_conv", head)]
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
    let window = PoolingShape(kernel: [Int](repeating: 2, count: configuration.dimensions))
    var y = x
    var skips: [Tensor] = []
    for (level, layer) in down.enumerated() {
      if level > 0 {
        skips.append(y)
        y = maxPooling(y, shape: window)
      }
      y = layer(y, in: context)
    }
    for (upsampler, layer) in zip(upsamplers, up) {
      y = upsampler(y, in: context)
      if let skip = skips.popLast() { y = concatenation([skip, y]) }
      y = layer(y, in: context)
    }
    return head(y, in: context)
  }

  /// Four poolings halve the size.
  ///
  /// MONAI's network also takes odd sizes, by repeating the border; this one leaves it to its caller.
  public var sizeMultiple: Int { 1 << (Self.levels - 1) }
}

/// MONAI's `TwoConv`.
private final class TwoConvolutions: Layer {
  private let layers: [MONAIConvolution]

  init(_ input: Int, _ output: Int, like c: BasicUNetConfiguration, random: inout RandomStream) {
    let kernel = [Int](repeating: 3, count: c.dimensions)
    layers = [input, output].map {
      MONAIConvolution(
        inputChannels: $0,
        outputChannels: output,
        kernelSize: kernel,
        stride: kernel.map { _ in 1 },
        style: c.style,
        random: &random
      )
    }
  }

  var children: [(name: String, layer: any Layer)] {
    layers.enumerated().map { ("conv_\($0.offset)", $0.element) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    layers.reduce(x) { $1($0, in: context) }
  }
}

extension BasicUNetConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 6...6)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require(
      features[2...4].allSatisfy { $0 >= 2 },
      "the channels \(features) cannot be halved"
    )
    try style.check(check, channels: features)
    try check.weights(
      widest: max(inputChannels, outputChannels, 2 * (features.max() ?? 1)),
      window: dimensions == 3 ? 27 : 9,
      layers: upsampling == .shuffled ? 48 : 24
    )
  }

  func network(random: inout RandomStream) -> any Network { BasicUNet(self, random: &random) }
}
