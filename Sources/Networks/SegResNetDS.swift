import Foundation
import Layers
import Support
import Tensors

/// The values that define MONAI's SegResNetDS.
public struct SegResNetDSConfiguration: Codable, Sendable, Equatable {
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
  /// The step from each level to the next along each axis, 1 or 2; they follow from `resolution`.
  ///
  /// Windows have 3 cells along an axis where the step is 2, else 1. The last level's step tells its
  /// windows only.
  public var scales: [[Int]]
  /// Levels below full resolution that have a head for deep supervision; `dsdepth` − 1.
  public var supervisedLevels = 0
  /// Which normalisation comes before each convolution; `norm`.
  public var normalization = FeatureNormalization.batch
  /// Which activation follows it; without parameters; `act`.
  public var activation = FeatureActivation.relu
  /// How the resolution is doubled; `upsample_mode`.
  public var upsampling = MONAIUpsampling.transposed

  /// Creates a configuration; the defaults are MONAI's.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - initialFeatures: Channels at full resolution.
  ///   - blocksDown: Residual blocks of each level.
  ///   - blocksUp: Residual blocks of each level on the way up, the deepest first; one each when nil.
  ///   - dimensions: Spatial axes, 2 or 3.
  ///   - resolution: The images' spacing along each axis; the same along all when nil.
  /// - Precondition: A positive spacing for each axis.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    initialFeatures: Int = 32,
    blocksDown: [Int] = [1, 2, 2, 4],
    blocksUp: [Int]? = nil,
    dimensions: Int = 3,
    resolution: [Double]? = nil
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.initialFeatures = initialFeatures
    self.blocksDown = blocksDown
    self.blocksUp = blocksUp ?? [Int](repeating: 1, count: max(0, blocksDown.count - 1))
    scales = Self.scales(
      resolution ?? [Double](repeating: 1, count: dimensions),
      levels: blocksDown.count
    )
  }

  /// Spatial axes.
  public var dimensions: Int { scales.first?.count ?? 0 }

  /// Axes whose cells are long are halved later, until cells are about as long as wide:
  /// an axis waits for the levels by which its spacing exceeds the finest, in powers of two.
  private static func scales(_ resolution: [Double], levels: Int) -> [[Int]] {
    precondition(
      resolution.allSatisfy { $0 > 0 && $0.isFinite },
      "a spacing of \(resolution)"
    )
    let longest = resolution.max() ?? 1
    // How often an axis can be halved before its cells are as long as the longest.
    let halvings = resolution.map { Int(min(log2(longest / $0), 64).rounded(.down)) }
    let uneven = halvings.max() ?? 0
    return (0..<levels).map { level in
      halvings.map { level < uneven && level >= $0 ? 1 : 2 }
    }
  }
}

/// SegResNet with windows for uneven spacing and heads for deep supervision.
///
/// Myronenko 2018, "3D MRI brain tumor segmentation using autoencoder regularization", section 2.1, as
/// MONAI's `SegResNetDS` has it, the network of its Auto3DSeg. Parameters have the names of MONAI's
/// state dictionaries. Prediction takes the head at full resolution and computes no other.
public final class SegResNetDS: Network, DeeplySupervisedNetwork {
  /// The values that define the network.
  public let configuration: SegResNetDSConfiguration
  private let first: Convolution
  private let down: [[PreActivationBlock]]
  /// The step from each level but the last.
  private let steps: [Convolution]
  /// From the deepest.
  private let upsamplers: [MONAIUpsample]
  private let up: [[PreActivationBlock]]
  /// At full resolution and those below it.
  private let heads: [Convolution]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: SegResNetDSConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let ones = [Int](repeating: 1, count: c.dimensions)
    let windows = c.scales.map { $0.map { $0 > 1 ? 3 : 1 } }
    let widths = c.blocksDown.indices.map { c.initialFeatures << $0 }
    func convolution(
      _ input: Int,
      _ output: Int,
      _ window: [Int],
      _ step: [Int],
      hasBias: Bool = false
    ) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: window,
        stride: step,
        padding: window.map { $0 / 2 },
        hasBias: hasBias,
        random: &random
      )
    }
    func blocks(_ level: Int, _ count: Int) -> [PreActivationBlock] {
      (0..<count).map { _ in
        PreActivationBlock(
          (0..<2).map { _ in convolution(widths[level], widths[level], windows[level], ones) },
          channels: widths[level],
          normalization: c.normalization,
          activation: c.activation
        )
      }
    }
    first = convolution(c.inputChannels, c.initialFeatures, windows[0], ones)
    down = c.blocksDown.enumerated().map { blocks($0.offset, $0.element) }
    steps = widths.indices.dropLast().map { level in
      convolution(widths[level], widths[level + 1], windows[level], c.scales[level])
    }
    up = c.blocksUp.enumerated().map { blocks(c.blocksUp.count - 1 - $0.offset, $0.element) }
    heads = (0...c.supervisedLevels).map { level in
      convolution(widths[level], c.outputChannels, ones, ones, hasBias: true)
    }
    upsamplers = widths.indices.dropLast().reversed().map { level in
      MONAIUpsample(
        inputChannels: widths[level + 1],
        outputChannels: widths[level],
        dimensions: c.dimensions,
        factors: c.scales[level],
        kernelSize: windows[level],
        mode: c.upsampling,
        alignCorners: false,
        hasBias: false,
        random: &random
      )
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = [("encoder.conv_init", first)]
    for (level, blocks) in down.enumerated() {
      let name = "encoder.layers.\(level)"
      all += blocks.enumerated().map { ("\(name).blocks.\($0.offset)", $0.element) }
      if level < steps.count { all.append((name + ".downsample", steps[level])) }
    }
    for (index, (upsampler, blocks)) in zip(upsamplers, up).enumerated() {
      let name = "up_layers.\(index)"
      all.append((name + ".upsample", upsampler))
      all += blocks.enumerated().map { ("\(name).blocks.\($0.offset)", $0.element) }
      let level = up.count - 1 - index
      if level < heads.count { all.append((name + ".head", heads[level])) }
    }
    return all
  }

  /// Computes class scores at full resolution.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `axisMultiples`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    scores(of: x, allHeads: false, in: context)[0]
  }

  /// Computes the class scores of every head.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, the highest resolution first, each at its own; one without supervised levels.
  /// - Precondition: Every axis is a multiple of `axisMultiples`.
  public func allScores(_ x: Tensor, in context: Context) -> [Tensor] {
    scores(of: x, allHeads: true, in: context)
  }

  private func scores(of x: Tensor, allHeads: Bool, in context: Context) -> [Tensor] {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = first(x, in: context)
    var skips: [Tensor] = []
    for (level, blocks) in down.enumerated() {
      y = blocks.reduce(y) { $1($0, in: context) }
      skips.append(y)
      if level < steps.count { y = steps[level](y, in: context) }
    }
    skips.removeLast()
    var scores: [Tensor] = []
    for (index, (upsampler, blocks)) in zip(upsamplers, up).enumerated() {
      y = upsampler(y, in: context)
      if let skip = skips.popLast() { y = y + skip }
      y = blocks.reduce(y) { $1($0, in: context) }
      let level = up.count - 1 - index
      if level == 0 || allHeads, level < heads.count {
        scores.append(heads[level](y, in: context))
      }
    }
    return scores.reversed()
  }

  /// The least common multiple of the axes' products of steps.
  public var sizeMultiple: Int { SizeMultiple.of(strides: configuration.scales.dropLast()) }

  /// Each axis's product of steps.
  public var axisMultiples: [Int] { SizeMultiple.byAxis(strides: configuration.scales.dropLast()) }
}

extension SegResNetDSConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    let levels = blocksDown.count
    try check.channels(inputChannels, outputChannels)
    try check.require((2...8).contains(levels), "\(levels) levels")
    try check.require(scales.count == levels, "steps \(scales) of \(levels) levels")
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require(
      scales.allSatisfy { $0.count == dimensions && $0.allSatisfy((1...2).contains) },
      "steps \(scales)"
    )
    try check.require((1...1024).contains(initialFeatures), "\(initialFeatures) first channels")
    try check.require(
      blocksDown.allSatisfy((0...64).contains) && blocksUp.allSatisfy((0...64).contains),
      "blocks \(blocksDown) and \(blocksUp)"
    )
    try check.require(
      blocksUp.count == levels - 1,
      "\(blocksUp.count) levels on the way up for \(levels) levels"
    )
    try check.require(
      (0..<levels - 1).contains(supervisedLevels),
      "\(supervisedLevels) supervised levels of \(levels)"
    )
    try check.require(
      normalization.fits(channels: initialFeatures),
      "\(initialFeatures) channels in groups of \(normalization)"
    )
    if case .parametricReLU = activation {
      try check.require(false, "an activation with parameters")
    }
    try check.require(activation.isPossible, "the activation \(activation)")
    try check.require(
      upsampling != .shuffled || scales.dropLast().allSatisfy { $0.allSatisfy { $0 == 2 } },
      "sub-pixel convolutions for the steps \(scales)"
    )
    try check.weights(
      widest: max(inputChannels, outputChannels, initialFeatures << (levels - 1)),
      window: dimensions == 3 ? 27 : 9,
      layers: 2 * (blocksDown + blocksUp).reduce(0, +) + 8 * levels
    )
  }

  func network(random: inout RandomStream) -> any Network { SegResNetDS(self, random: &random) }
}
