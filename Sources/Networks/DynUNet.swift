import Layers
import Support
import Tensors

/// The values that define MONAI's dynamic U-Net.
public struct DynUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input; `in_channels` in MONAI.
  public var inputChannels: Int
  /// Classes, background included; `out_channels`.
  public var outputChannels: Int
  /// Channels of each level, full resolution first; `filters`.
  public var features: [Int]
  /// Window of each level's convolutions along each spatial axis; odd; `kernel_size`.
  public var kernelSizes: [[Int]]
  /// Step into each level along each spatial axis; `strides`.
  public var strides: [[Int]]
  /// Window and step back from each level but the first; `upsample_kernel_size`.
  public var upsamplingKernelSizes: [[Int]]
  /// Whether the way down has residual blocks; `res_block`.
  public var hasResidualBlocks = false
  /// Heads below full resolution, 0 without deep supervision; `deep_supr_num`.
  public var supervisedLevels = 0
  /// Whether transposed convolutions have a bias; `trans_bias`.
  public var hasUpsamplingBias = false
  /// Which normalisation follows each convolution; `norm_name`.
  public var normalization = FeatureNormalization.instance(isAffine: true)
  /// Which activation follows it; `act_name`.
  public var activation = FeatureActivation.leakyReLU(negativeSlope: 0.01)
  /// Share of values dropped after each convolution while training; `dropout`.
  public var dropoutProbability = 0.0

  /// Creates a configuration of 3-wide windows.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each level.
  ///   - strides: Step into each level along each spatial axis.
  public init(inputChannels: Int, outputChannels: Int, features: [Int], strides: [[Int]]) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.strides = strides
    kernelSizes = strides.map { $0.map { _ in 3 } }
    upsamplingKernelSizes = Array(strides.dropFirst())
  }

  /// Spatial axes.
  public var dimensions: Int { kernelSizes.first?.count ?? 0 }

  /// The names of MONAI's state dictionaries, which list every layer twice.
  ///
  /// The network registers its parts by kind, and again within the levels they join
  /// (`skip_layers.next_layer…`).
  public var stateDictionaryNames: StateDictionaryNames {
    let ups = features.count - 1
    return StateDictionaryNames { stored in
      guard let stored = StateDictionaryNames.pyTorch(stored) else { return nil }
      var parts = stored.split(separator: ".").map(String.init)
      guard parts.first == "skip_layers" else { return stored }
      parts.removeFirst()
      var depth = 0
      while parts.first == "next_layer" {
        parts.removeFirst()
        depth += 1
      }
      if depth == ups { return (["bottleneck"] + parts).joined(separator: ".") }
      guard let kind = parts.first else { return stored }
      let own: [String]? =
        switch kind {
        case "downsample": depth == 0 ? ["input_block"] : ["downsamples", "\(depth - 1)"]
        case "upsample": ["upsamples", "\(ups - 1 - depth)"]
        case "super_head": ["deep_supervision_heads", "\(depth - 1)"]
        default: nil
        }
      return own.map { ($0 + parts.dropFirst()).joined(separator: ".") } ?? stored
    }
  }
}

/// MONAI's dynamic U-Net.
///
/// Isensee, Jaeger, Kohl, Petersen and Maier-Hein 2021 (nnU-Net's template), with the residual blocks of
/// Futrega, Milesi, Marcinkiewicz and Ribalta 2021, "Optimized U-Net for brain tumor segmentation", as
/// MONAI's `DynUNet` has it. Parameters have the names of MONAI's state dictionaries without the
/// second ones (`DynUNetConfiguration.stateDictionaryNames`).
public final class DynUNet: Network, DeeplySupervisedNetwork {
  /// The values that define the network.
  public let configuration: DynUNetConfiguration
  private let down: [DynUNetBlock]
  /// From the deepest.
  private let upsamplers: [MONAIConvolution]
  private let up: [DynUNetBlock]
  /// At full resolution and those below it.
  private let heads: [MONAIConvolution]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: DynUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let ones = [Int](repeating: 1, count: c.dimensions)
    down = c.features.indices.map { level in
      DynUNetBlock(
        level == 0 ? c.inputChannels : c.features[level - 1],
        c.features[level],
        kernelSize: c.kernelSizes[level],
        stride: c.strides[level],
        isResidual: c.hasResidualBlocks,
        like: c,
        random: &random
      )
    }
    let levels = c.features.indices.dropLast().reversed()
    upsamplers = levels.map { level in
      let window = c.upsamplingKernelSizes[level]
      return MONAIConvolution(
        inputChannels: c.features[level + 1],
        outputChannels: c.features[level],
        kernelSize: window,
        stride: window,
        padding: ones.map { _ in 0 },
        isTransposed: true,
        hasBias: c.hasUpsamplingBias,
        style: nil,
        random: &random
      )
    }
    up = levels.map { level in
      DynUNetBlock(
        2 * c.features[level],
        c.features[level],
        kernelSize: c.kernelSizes[level + 1],
        stride: ones,
        isResidual: false,
        like: c,
        random: &random
      )
    }
    heads = (0...c.supervisedLevels).map { level in
      MONAIConvolution(
        inputChannels: c.features[level],
        outputChannels: c.outputChannels,
        kernelSize: ones,
        stride: ones,
        style: nil,
        random: &random
      )
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = down.enumerated().map { level, block in
      let isLast = level == down.count - 1
      return (
        level == 0 ? "input_block" : isLast ? "bottleneck" : "downsamples.\(level - 1)", block
      )
    }
    for (index, (upsampler, block)) in zip(upsamplers, up).enumerated() {
      all.append(("upsamples.\(index).transp_conv", upsampler))
      all.append(("upsamples.\(index).conv_block", block))
    }
    return all
      + heads.enumerated().map {
        let name = $0.offset == 0 ? "output_block" : "deep_supervision_heads.\($0.offset - 1)"
        return (name + ".conv", $0.element as any Layer)
      }
  }

  /// Computes class scores at full resolution.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    scores(of: x, allHeads: false, in: context)[0]
  }

  /// Computes the class scores of every head.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, the highest resolution first, each at its own; one without supervised levels.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func allScores(_ x: Tensor, in context: Context) -> [Tensor] {
    scores(of: x, allHeads: true, in: context)
  }

  /// The least common multiple of the axes' products of strides.
  public var sizeMultiple: Int { SizeMultiple.of(strides: configuration.strides) }

  /// Each axis's product of strides.
  public var axisMultiples: [Int] { SizeMultiple.byAxis(strides: configuration.strides) }

  private func scores(of x: Tensor, allHeads: Bool, in context: Context) -> [Tensor] {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = x
    var skips = down.map { block in
      y = block(y, in: context)
      return y
    }
    y = skips.removeLast()
    var scores: [Tensor] = []
    for (index, (upsampler, block)) in zip(upsamplers, up).enumerated() {
      y = dropped(
        upsampler(y, in: context),
        probability: configuration.dropoutProbability,
        in: context
      )
      if let skip = skips.popLast() { y = concatenation([y, skip]) }
      y = block(y, in: context)
      let level = up.count - 1 - index
      if level == 0 || allHeads, level < heads.count {
        let score = heads[level](y, in: context)
        scores.append(
          dropped(score, probability: configuration.dropoutProbability, in: context)
        )
      }
    }
    return scores.reversed()
  }
}

/// MONAI's `UnetBasicBlock` and `UnetResBlock`: two convolutions, perhaps with a shortcut.
private final class DynUNetBlock: Layer {
  private let convolutions: [MONAIConvolution]
  private let normalizations: [any Layer]
  private let hasNormalization: Bool
  private let shortcut: MONAIConvolution?
  private let shortcutNormalization: (any Layer)?
  private let isResidual: Bool
  private let activation: ActivationLayer
  private let dropoutProbability: Double

  init(
    _ input: Int,
    _ output: Int,
    kernelSize: [Int],
    stride: [Int],
    isResidual: Bool,
    like c: DynUNetConfiguration,
    random: inout RandomStream
  ) {
    let ones = stride.map { _ in 1 }
    func convolution(_ input: Int, _ kernel: [Int], _ stride: [Int]) -> MONAIConvolution {
      MONAIConvolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: kernel,
        stride: stride,
        padding: zip(kernel, stride).map { max(0, $0 - $1 + 1) / 2 },
        hasBias: false,
        style: nil,
        random: &random
      )
    }
    convolutions = [convolution(input, kernelSize, stride), convolution(output, kernelSize, ones)]
    normalizations = (0..<2).compactMap { _ in c.normalization.layer(channels: output) }
    hasNormalization = !normalizations.isEmpty
    let changes = input != output || stride != ones
    shortcut = isResidual && changes ? convolution(input, ones, stride) : nil
    shortcutNormalization = shortcut == nil ? nil : c.normalization.layer(channels: output)
    self.isResidual = isResidual
    activation = c.activation.layer(channels: output)
    dropoutProbability = c.dropoutProbability
  }

  var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = convolutions.enumerated().map {
      ("conv\($0.offset + 1)", $0.element)
    }
    all += normalizations.enumerated().map { ("norm\($0.offset + 1)", $0.element) }
    if let shortcut { all.append(("conv3", shortcut)) }
    if let shortcutNormalization { all.append(("norm3", shortcutNormalization)) }
    return all + [("lrelu", activation)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    func unit(_ index: Int, _ x: Tensor) -> Tensor {
      let y = dropped(
        convolutions[index](x, in: context),
        probability: dropoutProbability,
        in: context
      )
      return hasNormalization ? normalizations[index](y, in: context) : y
    }
    let y = unit(1, activation(unit(0, x), in: context))
    guard isResidual else { return activation(y, in: context) }
    var residual = x
    if let shortcut {
      residual = dropped(shortcut(x, in: context), probability: dropoutProbability, in: context)
      if let shortcutNormalization { residual = shortcutNormalization(residual, in: context) }
    }
    return activation(y + residual, in: context)
  }
}

extension DynUNetConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    let levels = features.count
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 3...10)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require(kernelSizes.count == levels, "windows \(kernelSizes) of \(levels) levels")
    try check.windows(kernelSizes, dimensions: dimensions)
    try check.require(strides.count == levels, "strides \(strides) of \(levels) levels")
    try check.strides(strides, dimensions: dimensions)
    try check.require(
      strides[0].allSatisfy { $0 == 1 },
      "a first level of strides \(strides[0]), which nothing undoes"
    )
    try check.require(
      upsamplingKernelSizes == Array(strides.dropFirst()),
      "windows \(upsamplingKernelSizes) on the way up for the strides \(strides)"
    )
    try check.require(
      (0..<levels - 1).contains(supervisedLevels),
      "\(supervisedLevels) supervised levels of \(levels)"
    )
    try check.require(
      features.allSatisfy { normalization.fits(channels: $0) },
      "features \(features) in groups of \(normalization)"
    )
    if case .parametricReLU(perChannel: true) = activation {
      try check.require(false, "an activation of slopes by channel, which MONAI has not")
    }
    try check.require(activation.isPossible, "the activation \(activation)")
    try check.require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    try check.weights(
      widest: max(inputChannels, outputChannels, 2 * (features.max() ?? 1)),
      window: kernelSizes.map { $0.reduce(1, *) }.max() ?? 1,
      layers: 6 * levels
    )
  }

  func network(random: inout RandomStream) -> any Network { DynUNet(self, random: &random) }
}
