import Layers
import Support
import Tensors

/// The values that define MONAI's SegResNet.
public struct SegResNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input; `in_channels` in MONAI.
  public var inputChannels: Int
  /// Classes, background included; `out_channels`.
  public var outputChannels: Int
  /// Channels at full resolution; each level below has twice as many; `init_filters`.
  public var initialFeatures: Int
  /// Residual blocks of each level, full resolution first; `blocks_down`.
  public var blocksDown: [Int]
  /// Residual blocks of each level on the way up, the deepest first; `blocks_up`.
  public var blocksUp: [Int]
  /// Spatial axes, 2 or 3; `spatial_dims`.
  public var dimensions: Int
  /// Which normalisation comes before each convolution; `norm`.
  public var normalization = FeatureNormalization.group(groups: 8)
  /// Which activation follows it; without parameters; `act`.
  public var activation = FeatureActivation.relu
  /// How the resolution is doubled; `upsample_mode`.
  public var upsampling = MONAIUpsampling.interpolated
  /// Share of channels dropped after the first convolution while training; `dropout_prob`.
  public var dropoutProbability = 0.0

  /// Creates a configuration; the defaults are MONAI's.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - initialFeatures: Channels at full resolution.
  ///   - blocksDown: Residual blocks of each level.
  ///   - blocksUp: Residual blocks of each level on the way up, the deepest first.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    initialFeatures: Int = 8,
    blocksDown: [Int] = [1, 2, 2, 4],
    blocksUp: [Int] = [1, 1, 1],
    dimensions: Int = 3
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.initialFeatures = initialFeatures
    self.blocksDown = blocksDown
    self.blocksUp = blocksUp
    self.dimensions = dimensions
  }
}

/// SegResNet: residual blocks with the normalisation first, and skips that are added.
///
/// Myronenko 2018, "3D MRI brain tumor segmentation using autoencoder regularization", section 2.1,
/// without the variational branch, as MONAI's `SegResNet` has it. Parameters have the names of MONAI's
/// state dictionaries.
public final class SegResNet: Network {
  /// The values that define the network.
  public let configuration: SegResNetConfiguration
  private let first: MONAIConvolution
  /// The step into each level but the first.
  private let steps: [MONAIConvolution]
  private let down: [[PreActivationBlock]]
  /// From the deepest.
  private let reductions: [MONAIConvolution]
  private let upsamplers: [MONAIUpsample]
  private let up: [[PreActivationBlock]]
  private let lastNormalization: (any Layer)?
  private let lastActivation: ActivationLayer
  private let head: MONAIConvolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: SegResNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    func convolution(
      _ input: Int,
      _ output: Int,
      window: Int = 3,
      step: Int = 1,
      hasBias: Bool = false
    ) -> MONAIConvolution {
      MONAIConvolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: window, count: c.dimensions),
        stride: [Int](repeating: step, count: c.dimensions),
        hasBias: hasBias,
        style: nil,
        random: &random
      )
    }
    first = convolution(c.inputChannels, c.initialFeatures)
    let widths = c.blocksDown.indices.map { c.initialFeatures << $0 }
    steps = widths.dropFirst().map { convolution($0 / 2, $0, step: 2) }
    down = zip(widths, c.blocksDown).map { width, count in
      (0..<count).map { _ in SegResNet.block(width, like: c, random: &random) }
    }
    let levels = c.blocksUp.indices.map { c.initialFeatures << (c.blocksUp.count - 1 - $0) }
    reductions = levels.map { convolution(2 * $0, $0, window: 1) }
    upsamplers = levels.map {
      MONAIUpsample(
        inputChannels: $0,
        outputChannels: $0,
        dimensions: c.dimensions,
        mode: c.upsampling,
        alignCorners: false,
        random: &random
      )
    }
    up = zip(levels, c.blocksUp).map { width, count in
      (0..<count).map { _ in SegResNet.block(width, like: c, random: &random) }
    }
    lastNormalization = c.normalization.layer(channels: c.initialFeatures)
    lastActivation = c.activation.layer(channels: c.initialFeatures)
    head = convolution(c.initialFeatures, c.outputChannels, window: 1, hasBias: true)
  }

  private static func block(
    _ channels: Int,
    like c: SegResNetConfiguration,
    random: inout RandomStream
  ) -> PreActivationBlock {
    let kernel = [Int](repeating: 3, count: c.dimensions)
    let convolutions = (0..<2).map { _ in
      MONAIConvolution(
        inputChannels: channels,
        outputChannels: channels,
        kernelSize: kernel,
        stride: kernel.map { _ in 1 },
        hasBias: false,
        style: nil,
        random: &random
      )
    }
    return PreActivationBlock(
      convolutions,
      channels: channels,
      normalization: c.normalization,
      activation: c.activation
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = [("convInit", first)]
    for (level, blocks) in down.enumerated() {
      if level > 0 { all.append(("down_layers.\(level).0", steps[level - 1])) }
      all += blocks.enumerated().map { ("down_layers.\(level).\($0.offset + 1)", $0.element) }
    }
    for (level, blocks) in up.enumerated() {
      all += blocks.enumerated().map { ("up_layers.\(level).\($0.offset)", $0.element) }
      all.append(("up_samples.\(level).0", reductions[level]))
      all.append(("up_samples.\(level).1", upsamplers[level]))
    }
    if let lastNormalization { all.append(("conv_final.0", lastNormalization)) }
    return all + [("conv_final.2", head)]
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
    var y = dropped(
      first(x, in: context),
      probability: configuration.dropoutProbability,
      wholeChannels: true,
      in: context
    )
    var skips: [Tensor] = []
    for (level, blocks) in down.enumerated() {
      if level > 0 { y = steps[level - 1](y, in: context) }
      y = blocks.reduce(y) { $1($0, in: context) }
      skips.append(y)
    }
    skips.removeLast()
    for (level, blocks) in up.enumerated() {
      y = upsamplers[level](reductions[level](y, in: context), in: context)
      if let skip = skips.popLast() { y = y + skip }
      y = blocks.reduce(y) { $1($0, in: context) }
    }
    if let lastNormalization { y = lastNormalization(y, in: context) }
    return head(lastActivation(y, in: context), in: context)
  }

  /// Each level but the first halves the size.
  public var sizeMultiple: Int { 1 << (configuration.blocksDown.count - 1) }
}

/// x + conv(act(norm(conv(act(norm(x)))))): `ResBlock` and `SegResBlock` of MONAI.
final class PreActivationBlock: Layer {
  private let convolutions: [any Layer]
  private let normalizations: [(any Layer)?]
  private let activation: ActivationLayer

  init(
    _ convolutions: [any Layer],
    channels: Int,
    normalization: FeatureNormalization,
    activation: FeatureActivation
  ) {
    precondition(convolutions.count == 2, "\(convolutions.count) convolutions in a block of two")
    self.convolutions = convolutions
    normalizations = (0..<2).map { _ in normalization.layer(channels: channels) }
    self.activation = activation.layer(channels: channels)
  }

  var children: [(name: String, layer: any Layer)] {
    (0..<2).flatMap { index -> [(name: String, layer: any Layer)] in
      [("conv\(index + 1)", convolutions[index])]
        + (normalizations[index].map { [("norm\(index + 1)", $0)] } ?? [])
    }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = zip(normalizations, convolutions).reduce(x) { y, pair in
      let normalized = pair.0?(y, in: context) ?? y
      return pair.1(activation(normalized, in: context), in: context)
    }
    return y + x
  }
}

extension SegResNetConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require((2...8).contains(blocksDown.count), "\(blocksDown.count) levels")
    try check.require((1...1024).contains(initialFeatures), "\(initialFeatures) first channels")
    try check.require(
      blocksDown.allSatisfy((0...64).contains) && blocksUp.allSatisfy((0...64).contains),
      "blocks \(blocksDown) and \(blocksUp)"
    )
    try check.require(
      blocksUp.count == blocksDown.count - 1,
      "\(blocksUp.count) levels on the way up for \(blocksDown.count) levels"
    )
    try check.require(
      normalization.fits(channels: initialFeatures),
      "\(initialFeatures) channels in groups of \(normalization)"
    )
    if case .parametricReLU = activation {
      try check.require(false, "an activation with parameters")
    }
    try check.require(activation.isPossible, "the activation \(activation)")
    try check.require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    try check.weights(
      widest: max(inputChannels, outputChannels, initialFeatures << (blocksDown.count - 1)),
      window: dimensions == 3 ? 27 : 9,
      layers: 2 * (blocksDown + blocksUp).reduce(0, +) + 8 * blocksDown.count
    )
  }

  func network(random: inout RandomStream) -> any Network { SegResNet(self, random: &random) }
}
