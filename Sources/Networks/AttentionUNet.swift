import Layers
import Support
import Tensors

/// The values that define MONAI's attention U-Net.
public struct AttentionUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input; `in_channels` in MONAI.
  public var inputChannels: Int
  /// Classes, background included; `out_channels`.
  public var outputChannels: Int
  /// Channels of each level, full resolution first; `channels`.
  public var features: [Int]
  /// Step from each level but the last to the next, the same along every axis; `strides`.
  public var strides: [Int]
  /// Spatial axes, 2 or 3; `spatial_dims`.
  public var dimensions: Int
  /// Window of the convolutions along every axis; odd; `kernel_size`.
  public var kernelSize = 3
  /// Window of the transposed convolutions along every axis; odd; `up_kernel_size`.
  public var upsamplingKernelSize = 3
  /// Share of values dropped after convolutions while training; `dropout`.
  public var dropoutProbability = 0.0

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each level.
  ///   - strides: Step from each level but the last to the next.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: [Int],
    strides: [Int],
    dimensions: Int
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.strides = strides
    self.dimensions = dimensions
  }
}

/// Attention U-Net: skips are weighted by what the level below finds.
///
/// Oktay, Schlemper, Folgoc et al. 2018, "Attention U-Net: learning where to look for the pancreas",
/// figure 2, as MONAI's `AttentionUnet` has it. Parameters have the names of MONAI's state
/// dictionaries.
public final class AttentionUNet: Network {
  /// The values that define the network.
  public let configuration: AttentionUNetConfiguration
  private let down: [ConvolutionPair]
  private let up: [AttentionLevel]
  private let head: MONAIConvolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: AttentionUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    down = c.features.indices.map { level in
      ConvolutionPair(
        level == 0 ? c.inputChannels : c.features[level - 1],
        c.features[level],
        step: level == 0 ? 1 : c.strides[level - 1],
        like: c,
        random: &random
      )
    }
    up = c.features.indices.dropLast().map { level in
      AttentionLevel(level, like: c, random: &random)
    }
    let ones = [Int](repeating: 1, count: c.dimensions)
    head = MONAIConvolution(
      inputChannels: c.features[0],
      outputChannels: c.outputChannels,
      kernelSize: ones,
      stride: ones,
      style: nil,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = [("model.0", down[0])]
    var prefix = "model.1"
    for (level, attention) in up.enumerated() {
      all.append((prefix, attention))
      let isLast = level == up.count - 1
      all.append((prefix + (isLast ? ".submodule" : ".submodule.0"), down[level + 1]))
      prefix += ".submodule.1"
    }
    return all + [("model.2", head)]
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
    var skips = down.map { layer in
      y = layer(y, in: context)
      return y
    }
    y = skips.removeLast()
    for (level, skip) in zip(up, skips).reversed() { y = level(y, skip: skip, in: context) }
    return head(y, in: context)
  }

  /// The product of the strides.
  public var sizeMultiple: Int { configuration.strides.reduce(1, *) }
}

/// MONAI's `ConvBlock`.
private final class ConvolutionPair: Layer {
  private let layers: [MONAIConvolution]

  init(
    _ input: Int,
    _ output: Int,
    step: Int,
    like c: AttentionUNetConfiguration,
    random: inout RandomStream
  ) {
    layers = [(input, step), (output, 1)].map { channels, step in
      MONAIConvolution(
        inputChannels: channels,
        outputChannels: output,
        kernelSize: [Int](repeating: c.kernelSize, count: c.dimensions),
        stride: [Int](repeating: step, count: c.dimensions),
        style: MONAIUnitStyle(
          normalization: .batch,
          activation: .relu,
          dropoutProbability: c.dropoutProbability
        ),
        random: &random
      )
    }
  }

  var children: [(name: String, layer: any Layer)] {
    layers.enumerated().map { ("conv.\($0.offset)", $0.element) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    layers.reduce(x) { $1($0, in: context) }
  }
}

/// MONAI's `AttentionLayer` without the levels below.
private final class AttentionLevel: Layer {
  private let upsampler: MONAIConvolution
  private let gates: [(convolution: MONAIConvolution, normalization: BatchNormalization)]
  private let merge: MONAIConvolution

  init(_ level: Int, like c: AttentionUNetConfiguration, random: inout RandomStream) {
    let width = c.features[level]
    let ones = [Int](repeating: 1, count: c.dimensions)
    upsampler = MONAIConvolution(
      inputChannels: c.features[level + 1],
      outputChannels: width,
      kernelSize: [Int](repeating: c.upsamplingKernelSize, count: c.dimensions),
      stride: [Int](repeating: c.strides[level], count: c.dimensions),
      isTransposed: true,
      style: MONAIUnitStyle(normalization: .batch, activation: .relu),
      random: &random
    )
    gates = [(width, width / 2), (width, width / 2), (width / 2, 1)].map { input, output in
      (
        MONAIConvolution(
          inputChannels: input,
          outputChannels: output,
          kernelSize: ones,
          stride: ones,
          style: nil,
          random: &random
        ),
        BatchNormalization(channels: output)
      )
    }
    merge = MONAIConvolution(
      inputChannels: 2 * width,
      outputChannels: width,
      kernelSize: ones.map { _ in 3 },
      stride: ones,
      style: MONAIUnitStyle(dropoutProbability: c.dropoutProbability),
      random: &random
    )
  }

  var children: [(name: String, layer: any Layer)] {
    zip(["W_g", "W_x", "psi"], gates).flatMap { name, gate -> [(name: String, layer: any Layer)] in
      [("attention.\(name).0", gate.convolution), ("attention.\(name).1", gate.normalization)]
    } + [("upconv.up", upsampler), ("merge", merge)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor { upsampler(x, in: context) }

  func callAsFunction(_ below: Tensor, skip: Tensor, in context: Context) -> Tensor {
    func gate(_ index: Int, _ x: Tensor) -> Tensor {
      gates[index].normalization(gates[index].convolution(x, in: context), in: context)
    }
    let risen = self(below, in: context)
    let attention = sigmoid(gate(2, relu(gate(0, risen) + gate(1, skip))))
    return merge(concatenation([skip * attention, risen]), in: context)
  }
}

extension AttentionUNetConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 2...10)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require(
      features.dropLast().allSatisfy { $0 >= 2 },
      "the channels \(features) cannot be halved"
    )
    try check.require(
      strides.count == features.count - 1 && strides.allSatisfy((1...8).contains),
      "strides \(strides) for \(features.count) levels"
    )
    let windows = [kernelSize, upsamplingKernelSize]
    try check.require(
      windows.allSatisfy { (1...15).contains($0) && $0 % 2 == 1 },
      "windows \(windows)"
    )
    try check.require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    let window = windows.max() ?? 1
    try check.weights(
      widest: max(inputChannels, outputChannels, 2 * (features.max() ?? 1)),
      window: (0..<dimensions).reduce(1) { product, _ in product * window },
      layers: 6 * features.count
    )
  }

  func network(random: inout RandomStream) -> any Network { AttentionUNet(self, random: &random) }
}
