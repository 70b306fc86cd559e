import Layers
import Support
import Tensors

/// The values that define a densely connected network.
public struct DenseNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var inputChannels: Int
  /// Classes, or values of an embedding.
  public var outputChannels: Int
  /// Channels that each layer adds; k in the paper, 32 in its large networks.
  public var growth: Int
  /// Layers of each block; between blocks, channels and size are halved.
  public var layersPerBlock: [Int]
  /// Channels of the stem, twice the growth in the paper.
  public var initialFeatures: Int
  /// Channels between the two convolutions of a layer, as a multiple of the growth.
  public var bottleneck = 4
  /// Share of values dropped after each layer while training.
  public var dropoutProbability = 0.0
  /// How the image is taken in.
  public var stem: ClassifierStem

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - growth: Channels that each layer adds.
  ///   - layersPerBlock: Layers of each block.
  ///   - stem: How the image is taken in.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    growth: Int,
    layersPerBlock: [Int],
    stem: ClassifierStem = .standard
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.growth = growth
    self.layersPerBlock = layersPerBlock
    initialFeatures = 2 * growth
    self.stem = stem
  }

  /// DenseNet-121.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - stem: How the image is taken in.
  /// - Returns: The values.
  public static func denseNet121(
    inputChannels: Int = 3,
    outputChannels: Int,
    stem: ClassifierStem = .standard
  ) -> DenseNetConfiguration {
    DenseNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      growth: 32,
      layersPerBlock: [6, 12, 24, 16],
      stem: stem
    )
  }

  /// Channels that each block begins with, and those that the last one gives.
  var widths: (inputs: [Int], last: Int) {
    var width = initialFeatures
    var inputs: [Int] = []
    for (index, layers) in layersPerBlock.enumerated() {
      inputs.append(width)
      width += layers * growth
      if index < layersPerBlock.count - 1 { width /= 2 }
    }
    return (inputs, width)
  }
}

/// Densely connected network: each layer sees what all earlier ones of its block gave.
///
/// Huang, Liu, van der Maaten and Weinberger 2017, "Densely connected convolutional networks",
/// DenseNet-BC of table 1. The small stem, a window of 3 without stride or pooling, is that of the
/// paper's networks for CIFAR. Parameters have the names of torchvision's state dictionaries
/// (`features.denseblock1.denselayer1.norm1.weight`).
public final class DenseNet: VectorNetwork {
  /// The values that define the network.
  public let configuration: DenseNetConfiguration
  private let stem: NormalizedConvolution
  private let blocks: [[DenseLayer]]
  private let transitions: [NormalizedFirst]
  private let lastNormalization: BatchNormalization
  private let head: Linear

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: DenseNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let widths = c.widths
    stem = NormalizedConvolution(
      c.inputChannels,
      c.initialFeatures,
      window: c.stem == .standard ? 7 : 3,
      stride: c.stem == .standard ? 2 : 1,
      isRectified: true,
      random: &random
    )
    blocks = zip(widths.inputs, c.layersPerBlock).map { input, count in
      (0..<count).map { DenseLayer(input + $0 * c.growth, like: c, random: &random) }
    }
    transitions = zip(widths.inputs, c.layersPerBlock).dropLast().map { input, count in
      let width = input + count * c.growth
      return NormalizedFirst(width, width / 2, window: 1, random: &random)
    }
    lastNormalization = BatchNormalization(channels: widths.last, negativeSlope: 0)
    head = Linear(inputs: widths.last, outputs: c.outputChannels, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all = stem.children("features.conv0", "features.norm0")
    for (index, block) in blocks.enumerated() {
      let prefix = "features.denseblock\(index + 1).denselayer"
      all += block.enumerated().map { ("\(prefix)\($0.offset + 1)", $0.element as any Layer) }
      if index < transitions.count {
        all.append(("features.transition\(index + 1)", transitions[index]))
      }
    }
    return all + [("features.norm5", lastNormalization), ("classifier", head)]
  }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The last block's maps, normalised and rectified.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    requireImage(x, channels: configuration.inputChannels)
    var y = stem(x, in: context)
    if configuration.stem == .standard {
      y = maxPooling(y, shape: PoolingShape(kernel: [3, 3], stride: [2, 2], padding: [1, 1]))
    }
    for (index, block) in blocks.enumerated() {
      for layer in block { y = concatenation([y, layer(y, in: context)]) }
      if index < transitions.count {
        y = transitions[index](y, in: context)
        y = averagePooling(y, shape: PoolingShape(kernel: [2, 2]))
      }
    }
    return lastNormalization(y, in: context)
  }

  /// Averages the feature maps.
  /// - Parameters:
  ///   - features: What `features` gave.
  ///   - context: To train or to predict.
  /// - Returns: What the last layer sees, `[N, F]`.
  public func embedding(of features: Tensor, in context: Context) -> Tensor {
    spatialMean(features)
  }

  /// The last layer.
  /// - Parameters:
  ///   - embedding: What `embedding` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func scores(of embedding: Tensor, in context: Context) -> Tensor {
    head(embedding, in: context)
  }
}

/// Normalisation and rectifier, then a convolution without a bias.
private final class NormalizedFirst: Layer {
  private let normalization: BatchNormalization
  private let convolution: Convolution

  init(_ input: Int, _ output: Int, window: Int, random: inout RandomStream) {
    normalization = BatchNormalization(channels: input, negativeSlope: 0)
    convolution = Convolution(
      inputChannels: input,
      outputChannels: output,
      kernelSize: [window, window],
      hasBias: false,
      random: &random
    )
  }

  var children: [(name: String, layer: any Layer)] { children("") }

  /// The layers with a number behind their names.
  func children(_ number: String) -> [(name: String, layer: any Layer)] {
    [("norm" + number, normalization), ("conv" + number, convolution)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    convolution(normalization(x, in: context), in: context)
  }
}

/// A window of 1 that narrows, and a window of 3.
private final class DenseLayer: Layer {
  private let narrowing: NormalizedFirst
  private let growing: NormalizedFirst
  private let dropoutProbability: Double

  init(_ input: Int, like c: DenseNetConfiguration, random: inout RandomStream) {
    let middle = c.bottleneck * c.growth
    narrowing = NormalizedFirst(input, middle, window: 1, random: &random)
    growing = NormalizedFirst(middle, c.growth, window: 3, random: &random)
    dropoutProbability = c.dropoutProbability
  }

  var children: [(name: String, layer: any Layer)] {
    narrowing.children("1") + growing.children("2")
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = growing(narrowing(x, in: context), in: context)
    return droppedOut(y, dropoutProbability, in: context)
  }
}

extension DenseNetConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { DenseNet(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require((1...1024).contains(growth), "a growth of \(growth)")
    try check.require((2...4096).contains(initialFeatures), "\(initialFeatures) initial features")
    try check.require((1...16).contains(bottleneck), "a bottleneck of \(bottleneck)")
    try check.require((1...6).contains(layersPerBlock.count), "\(layersPerBlock.count) blocks")
    try check.blocks(layersPerBlock, stages: layersPerBlock.count)
    try check.dropout(dropoutProbability)
    let widest = (widths.inputs + [widths.last]).max() ?? 1
    try check.weights(
      widest: max(inputChannels, 2 * widest, bottleneck * growth),
      window: 1,
      layers: layersPerBlock.reduce(0, +)
    )
  }
}
