import Layers
import Support
import Tensors

/// The values that define a classic U-Net.
public struct ClassicUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Channels of the output.
  public var outputChannels: Int
  /// Channels of each stage, full resolution first; their number is the depth.
  public var features: [Int]
  /// Whether the output goes through a logistic function, to probabilities.
  public var outputsProbabilities: Bool

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Channels of the output.
  ///   - features: Channels of each stage, full resolution first.
  ///   - outputsProbabilities: Whether the output goes through a logistic function.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: [Int],
    outputsProbabilities: Bool = true
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.outputsProbabilities = outputsProbabilities
  }
}

/// Ronneberger's U-Net as PyTorch programs commonly build it, under their parameter names.
///
/// Ronneberger, Fischer and Brox 2015, figure 1, with padding, and with batch normalisation (Ioffe and
/// Szegedy 2015) instead of convolution biases. `UNet` is the same idea with every choice open; this
/// one has the names (`down.0.0.weight`: stage, place in the sequence) and the output of the usual
/// binary-segmentation checkpoints.
public final class ClassicUNet: Network {
  /// The values that define the network.
  public let configuration: ClassicUNetConfiguration
  private let down: [DoubleConvolution]
  private let up: [TransposedConvolution]
  private let merge: [DoubleConvolution]
  private let head: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: `configuration.check()` throws nothing.
  public init(_ configuration: ClassicUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let features = configuration.features
    down = features.indices.map { level in
      DoubleConvolution(
        level == 0 ? configuration.inputChannels : features[level - 1],
        features[level],
        random: &random
      )
    }
    let levels = features.indices.dropLast().reversed()
    up = levels.map { level in
      TransposedConvolution(
        inputChannels: features[level + 1],
        outputChannels: features[level],
        stride: [2, 2],
        random: &random
      )
    }
    merge = levels.map { DoubleConvolution(2 * features[$0], features[$0], random: &random) }
    head = Convolution(
      inputChannels: features[0],
      outputChannels: configuration.outputChannels,
      kernelSize: [1, 1],
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    down.enumerated().map { ("down.\($0.offset)", $0.element as any Layer) }
      + up.enumerated().map { ("up.\($0.offset)", $0.element as any Layer) }
      + merge.enumerated().map { ("merge.\($0.offset)", $0.element as any Layer) }
      + [("head", head)]
  }

  /// Computes scores or probabilities.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels, H, W]`.
  /// - Precondition: H and W are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = x
    var skips: [Tensor] = []
    for (level, stage) in down.enumerated() {
      if level > 0 {
        skips.append(y)
        y = maxPooling(y, shape: PoolingShape(kernel: [2, 2]))
      }
      y = stage(y, in: context)
    }
    for (upsampler, stage) in zip(up, merge) {
      y = upsampler(y, in: context)
      if let skip = skips.popLast() { y = concatenation([y, skip]) }
      y = stage(y, in: context)
    }
    y = head(y, in: context)
    return configuration.outputsProbabilities ? sigmoid(y) : y
  }

  /// Each stage but the first halves the size.
  public var sizeMultiple: Int { 1 << (configuration.features.count - 1) }
}

/// Convolution, batch normalisation and ReLU, twice; numbered as a sequence of six.
private final class DoubleConvolution: Layer {
  private let convolutions: [Convolution]
  private let normalizations: [BatchNormalization]

  init(_ input: Int, _ output: Int, random: inout RandomStream) {
    convolutions = [input, output].map {
      Convolution(
        inputChannels: $0,
        outputChannels: output,
        kernelSize: [3, 3],
        hasBias: false,
        random: &random
      )
    }
    normalizations = (0..<2).map { _ in BatchNormalization(channels: output, negativeSlope: 0) }
  }

  var children: [(name: String, layer: any Layer)] {
    (0..<2).flatMap { index -> [(name: String, layer: any Layer)] in
      [("\(3 * index)", convolutions[index]), ("\(3 * index + 1)", normalizations[index])]
    }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    zip(convolutions, normalizations).reduce(x) { $1.1($1.0($0, in: context), in: context) }
  }
}

extension ClassicUNetConfiguration {
  func check() throws(NetworksError) {
    func require(_ condition: Bool, _ reason: String) throws(NetworksError) {
      if !condition { throw .invalidConfiguration(network: "classic-unet", reason: reason) }
    }
    try require((1...4096).contains(inputChannels), "\(inputChannels) input channels")
    try require((1...4096).contains(outputChannels), "\(outputChannels) output channels")
    try require((1...10).contains(features.count), "\(features.count) stages")
    try require(
      features.allSatisfy((1...8192).contains),
      "features outside 1 to 8192: \(features)"
    )
    let widest = Double(max(inputChannels, 2 * (features.max() ?? 1)))
    try require(
      widest * widest * 9 * Double(4 * features.count) <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}
