import Layers
import Support
import Tensors

/// The values that define a residual network.
public struct ResNetConfiguration: Codable, Sendable, Equatable {
  /// What a residual block consists of.
  public enum Block: String, Codable, Sendable, CaseIterable {
    /// Two windows of 3.
    case basic
    /// Windows of 1, 3 and 1; the last gives four times as many channels.
    case bottleneck

    /// Channels out for one channel of the width.
    var expansion: Int { self == .basic ? 1 : 4 }
  }

  /// Channels of the image.
  public var inputChannels: Int
  /// Classes, or values of an embedding.
  public var outputChannels: Int
  /// What a block consists of.
  public var block: Block
  /// Blocks of each stage; all stages but the first halve the size.
  public var blocksPerStage: [Int]
  /// Channels of the stem and width of the first stage, 64 in the paper; it doubles with each stage.
  public var features = 64
  /// How the image is taken in.
  public var stem: ClassifierStem

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - block: What a block consists of.
  ///   - blocksPerStage: Blocks of each stage.
  ///   - stem: How the image is taken in.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    block: Block,
    blocksPerStage: [Int],
    stem: ClassifierStem = .standard
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.block = block
    self.blocksPerStage = blocksPerStage
    self.stem = stem
  }

  /// ResNet-18.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - stem: How the image is taken in.
  /// - Returns: The values.
  public static func resNet18(
    inputChannels: Int = 3,
    outputChannels: Int,
    stem: ClassifierStem = .standard
  ) -> ResNetConfiguration {
    ResNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      block: .basic,
      blocksPerStage: [2, 2, 2, 2],
      stem: stem
    )
  }

  /// ResNet-34.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - stem: How the image is taken in.
  /// - Returns: The values.
  public static func resNet34(
    inputChannels: Int = 3,
    outputChannels: Int,
    stem: ClassifierStem = .standard
  ) -> ResNetConfiguration {
    ResNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      block: .basic,
      blocksPerStage: [3, 4, 6, 3],
      stem: stem
    )
  }

  /// ResNet-50.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - stem: How the image is taken in.
  /// - Returns: The values.
  public static func resNet50(
    inputChannels: Int = 3,
    outputChannels: Int,
    stem: ClassifierStem = .standard
  ) -> ResNetConfiguration {
    ResNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      block: .bottleneck,
      blocksPerStage: [3, 4, 6, 3],
      stem: stem
    )
  }

  /// The width of a stage's blocks.
  func width(_ stage: Int) -> Int { features << stage }
}

/// Residual network: blocks that add to what they see.
///
/// He, Zhang, Ren and Sun 2016, "Deep residual learning for image recognition", table 1 and option B
/// (a convolution where the shape changes). As torchvision has it, a bottleneck takes its stride in
/// the window of 3, not in the first of 1. The small stem, a window of 3 without stride or pooling, is
/// the one of the paper's section 4.2. Parameters have the names of torchvision's state dictionaries
/// (`layer1.0.bn1.running_mean`).
public final class ResNet: VectorNetwork {
  /// The values that define the network.
  public let configuration: ResNetConfiguration
  private let body: ResNetBody
  private let head: Linear

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ResNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    body = ResNetBody(configuration, random: &random)
    head = Linear(
      inputs: body.features.last ?? configuration.features,
      outputs: configuration.outputChannels,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] { body.children + [("fc", head)] }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The last stage's maps; with the standard stem and four stages a 32nd of the size.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    requireImage(x, channels: configuration.inputChannels)
    return body(x, in: context)
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

/// The stem and the stages of a residual network, without what classifies.
final class ResNetBody: Layer {
  /// Channels of each stage's maps.
  let features: [Int]
  private let stem: NormalizedConvolution
  private let stages: [[ResNetBlock]]
  private let hasPooling: Bool

  init(_ c: ResNetConfiguration, random: inout RandomStream) {
    hasPooling = c.stem == .standard
    features = c.blocksPerStage.indices.map { c.width($0) * c.block.expansion }
    stem = NormalizedConvolution(
      c.inputChannels,
      c.features,
      window: c.stem == .standard ? 7 : 3,
      stride: c.stem == .standard ? 2 : 1,
      isRectified: true,
      random: &random
    )
    var input = c.features
    stages = c.blocksPerStage.enumerated().map { stage, count in
      (0..<count).map { index in
        let block = ResNetBlock(
          input,
          width: c.width(stage),
          stride: stage > 0 && index == 0 ? 2 : 1,
          c.block,
          random: &random
        )
        input = c.width(stage) * c.block.expansion
        return block
      }
    }
  }

  var children: [(name: String, layer: any Layer)] {
    stem.children("conv1", "bn1")
      + stages.enumerated().flatMap { stage, blocks in
        blocks.enumerated().map { ("layer\(stage + 1).\($0.offset)", $0.element as any Layer) }
      }
  }

  /// The maps of every stage, the finest first.
  func maps(_ x: Tensor, in context: Context) -> [Tensor] {
    var y = stem(x, in: context)
    if hasPooling {
      y = maxPooling(y, shape: PoolingShape(kernel: [3, 3], stride: [2, 2], padding: [1, 1]))
    }
    return stages.map { blocks in
      y = blocks.reduce(y) { $1($0, in: context) }
      return y
    }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let maps = maps(x, in: context)
    return maps[maps.count - 1]
  }
}

/// A basic block or a bottleneck.
final class ResNetBlock: Layer {
  private let units: [NormalizedConvolution]
  /// Where the shape changes.
  private let projection: NormalizedConvolution?

  init(
    _ input: Int,
    width: Int,
    stride: Int,
    dilation: Int = 1,
    _ kind: ResNetConfiguration.Block,
    random: inout RandomStream
  ) {
    let output = width * kind.expansion
    let plan =
      kind == .basic
      ? [(input, width, 3, stride), (width, width, 3, 1)]
      : [(input, width, 1, 1), (width, width, 3, stride), (width, output, 1, 1)]
    units = plan.enumerated().map { index, unit in
      NormalizedConvolution(
        unit.0,
        unit.1,
        window: unit.2,
        stride: unit.3,
        dilation: unit.2 == 3 ? dilation : 1,
        isRectified: index < plan.count - 1,
        random: &random
      )
    }
    projection =
      stride == 1 && input == output
      ? nil
      : NormalizedConvolution(
        input,
        output,
        window: 1,
        stride: stride,
        isRectified: false,
        random: &random
      )
  }

  var children: [(name: String, layer: any Layer)] {
    units.enumerated().flatMap { $0.element.children("conv\($0.offset + 1)", "bn\($0.offset + 1)") }
      + (projection.map { [("downsample", $0)] } ?? [])
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = units.reduce(x) { $1($0, in: context) }
    return relu(y + (projection?(x, in: context) ?? x))
  }
}

extension ResNetConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { ResNet(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require((1...1024).contains(features), "\(features) features")
    try check.require((1...6).contains(blocksPerStage.count), "\(blocksPerStage.count) stages")
    try check.blocks(blocksPerStage, stages: blocksPerStage.count)
    try check.weights(
      widest: width(blocksPerStage.count - 1) * block.expansion,
      window: block == .basic ? 18 : 2,
      // Earlier stages are narrower by half each: together at most a third of the last.
      layers: 2 * (blocksPerStage.max() ?? 1)
    )
  }
}
