import Layers
import Support
import Tensors

/// The values that define a residual network.
public struct ResNetConfiguration: Codable, Sendable, Equatable {
  /// What a block is made of.
  public enum Block: String, Codable, Sendable, CaseIterable {
    /// Two 3 x 3 convolutions.
    case basic
    /// 1 x 1, 3 x 3 and 1 x 1 convolutions, the last four times as wide.
    case bottleneck

    /// Channels of the output for each of the inner convolutions'.
    var expansion: Int { self == .basic ? 1 : 4 }
  }

  /// How the image is brought to the first stage.
  public enum Stem: String, Codable, Sendable, CaseIterable {
    /// A 7 x 7 convolution of stride 2 and max pooling of stride 2, for images of about 224 pixels.
    case standard
    /// A 3 x 3 convolution of stride 1 alone, for images of up to about 64 pixels (He et al. 2016, section
    /// 4.2).
    case small
  }

  /// Channels of the input.
  public var inputChannels: Int
  /// Classes.
  public var outputChannels: Int
  /// Blocks of each stage; each stage but the first halves the size.
  public var blocks: [Int]
  /// Channels of the first stage's inner convolutions, doubled by each later stage; 64 in the paper.
  public var features = 64
  /// What a block is made of.
  public var block: Block
  /// How the image is brought to the first stage.
  public var stem: Stem

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes.
  ///   - blocks: Blocks of each stage.
  ///   - block: What a block is made of.
  ///   - stem: How the image is brought to the first stage.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    blocks: [Int],
    block: Block,
    stem: Stem = .standard
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.blocks = blocks
    self.block = block
    self.stem = stem
  }
}

/// A residual network for classification.
///
/// He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", section 3.3 and table 1;
/// in bottlenecks the 3 x 3 convolution has the stride, as in PyTorch's networks, whose names parameters
/// have (`layer1.0.conv1.weight`).
public final class ResNet: VectorNetwork {
  /// The values that define the network.
  public let configuration: ResNetConfiguration
  private let stem: Convolution
  private let stemNorm: BatchNormalization
  private let stages: [[ResNetBlock]]
  private let head: Linear

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ResNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let isSmall = c.stem == .small
    stem = Convolution(
      inputChannels: c.inputChannels,
      outputChannels: c.features,
      kernelSize: isSmall ? [3, 3] : [7, 7],
      stride: isSmall ? [1, 1] : [2, 2],
      hasBias: false,
      random: &random
    )
    stemNorm = BatchNormalization(channels: c.features, negativeSlope: 0)
    var width = c.features
    var stages: [[ResNetBlock]] = []
    for (level, count) in c.blocks.enumerated() {
      let inner = c.features << level
      var blocks: [ResNetBlock] = []
      for index in 0..<count {
        blocks.append(
          ResNetBlock(
            inputChannels: width,
            features: inner,
            stride: level > 0 && index == 0 ? 2 : 1,
            kind: c.block,
            random: &random
          )
        )
        width = inner * c.block.expansion
      }
      stages.append(blocks)
    }
    self.stages = stages
    head = Linear(inputs: width, outputs: c.outputChannels, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("conv1", stem), ("bn1", stemNorm)]
      + stages.enumerated().flatMap { level, blocks in
        blocks.enumerated().map { ("layer\(level + 1).\($0)", $1 as any Layer) }
      } + [("fc", head)]
  }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, F, H′, W′]`, smaller by the strides.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = stemNorm(stem(x, in: context), in: context)
    if configuration.stem == .standard {
      y = maxPooling(y, shape: PoolingShape(kernel: [3, 3], stride: [2, 2], padding: [1, 1]))
    }
    for block in stages.joined() { y = block(y, in: context) }
    return y
  }

  /// Averages the feature maps.
  /// - Parameters:
  ///   - features: `[N, F, H′, W′]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, F]`.
  public func embedding(of features: Tensor, in context: Context) -> Tensor {
    features.mean(axes: [2, 3])
  }

  /// The last layer.
  /// - Parameters:
  ///   - embedding: `[N, F]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`.
  public func scores(of embedding: Tensor, in context: Context) -> Tensor {
    head(embedding, in: context)
  }
}

/// A block of a residual network.
private final class ResNetBlock: Layer {
  private let convolutions: [Convolution]
  private let norms: [BatchNormalization]
  private let shortcut: Convolution?
  private let shortcutNorm: BatchNormalization?

  init(
    inputChannels: Int,
    features: Int,
    stride: Int,
    kind: ResNetConfiguration.Block,
    random: inout RandomStream
  ) {
    let output = features * kind.expansion
    let steps: [(input: Int, output: Int, window: Int, stride: Int)] =
      kind == .basic
      ? [(inputChannels, features, 3, stride), (features, output, 3, 1)]
      : [
        (inputChannels, features, 1, 1), (features, features, 3, stride), (features, output, 1, 1),
      ]
    convolutions = steps.map { step in
      Convolution(
        inputChannels: step.input,
        outputChannels: step.output,
        kernelSize: [step.window, step.window],
        stride: [step.stride, step.stride],
        hasBias: false,
        random: &random
      )
    }
    norms = steps.enumerated().map { index, step in
      // The last rectifier comes after the shortcut is added.
      BatchNormalization(
        channels: step.output,
        negativeSlope: index == steps.count - 1 ? 1 : 0
      )
    }
    let isPlain = stride == 1 && inputChannels == output
    shortcut =
      isPlain
      ? nil
      : Convolution(
        inputChannels: inputChannels,
        outputChannels: output,
        kernelSize: [1, 1],
        stride: [stride, stride],
        hasBias: false,
        random: &random
      )
    shortcutNorm = isPlain ? nil : BatchNormalization(channels: output)
  }

  var children: [(name: String, layer: any Layer)] {
    var children: [(name: String, layer: any Layer)] = []
    for index in convolutions.indices {
      children.append(("conv\(index + 1)", convolutions[index]))
      children.append(("bn\(index + 1)", norms[index]))
    }
    if let shortcut, let shortcutNorm {
      children += [("downsample.0", shortcut), ("downsample.1", shortcutNorm)]
    }
    return children
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var y = x
    for (convolution, norm) in zip(convolutions, norms) {
      y = norm(convolution(y, in: context), in: context)
    }
    var kept = x
    if let shortcut, let shortcutNorm {
      kept = shortcutNorm(shortcut(x, in: context), in: context)
    }
    return relu(y + kept)
  }
}

extension ResNetConfiguration: NetworkValues {
  /// Slices or pictures.
  public var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require(
      (1...6).contains(blocks.count) && blocks.allSatisfy((1...64).contains),
      "blocks \(blocks)"
    )
    try check.require((1...1024).contains(features), "\(features) features")
    try check.weights(
      widest: features << (blocks.count - 1) * (block == .basic ? 1 : 2),
      window: block == .basic ? 18 : 5,
      layers: blocks.reduce(0, +)
    )
  }

  func network(random: inout RandomStream) -> any Network { ResNet(self, random: &random) }
}
