import Layers
import Support
import Tensors

/// The values that define a ConvNeXt.
public struct ConvNeXtConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var inputChannels: Int
  /// Classes, or values of an embedding.
  public var outputChannels: Int
  /// Channels of each stage; all stages but the first halve the size.
  public var features: [Int]
  /// Blocks of each stage.
  public var blocksPerStage: [Int]
  /// Window and stride of the first convolution, 4 in the paper; less for small images.
  public var patchSize = 4
  /// What the factors of blocks' results start as.
  public var layerScale = 1e-6
  /// Share of samples for which the last block is left out while training; less for earlier blocks.
  public var stochasticDepth = 0.1

  /// Creates a configuration; what is not asked for is as in the paper.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - features: Channels of each stage.
  ///   - blocksPerStage: Blocks of each stage.
  public init(inputChannels: Int, outputChannels: Int, features: [Int], blocksPerStage: [Int]) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.blocksPerStage = blocksPerStage
  }

  /// ConvNeXt-T.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - patchSize: Window and stride of the first convolution.
  /// - Returns: The values.
  public static func tiny(
    inputChannels: Int = 3,
    outputChannels: Int,
    patchSize: Int = 4
  ) -> ConvNeXtConfiguration {
    var values = ConvNeXtConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      features: [96, 192, 384, 768],
      blocksPerStage: [3, 3, 9, 3]
    )
    values.patchSize = patchSize
    return values
  }
}

/// ConvNeXt: a residual network with the proportions of vision transformers.
///
/// Liu, Mao, Wu et al. 2022, "A ConvNet for the 2020s", sections 2.2 to 2.6; factors of the blocks'
/// results after Touvron et al. 2021, blocks left out at random after Huang, Sun, Liu, Sedra and
/// Weinberger 2016. Parameters have the names of torchvision's state dictionaries
/// (`features.1.0.block.0.weight`).
public final class ConvNeXt: VectorNetwork {
  /// The values that define the network.
  public let configuration: ConvNeXtConfiguration
  /// Before each stage: the patches, later a normalisation and a halving.
  private let entrances: [Entrance]
  private let stages: [[ConvNeXtBlock]]
  private let lastNormalization: LayerNormalization
  private let head: Linear

  /// Added to the variance of the normalisations, as torchvision has it.
  fileprivate static let epsilon: Float = 1e-6

  private struct Entrance: Sendable {
    let convolution: Convolution
    let normalization: LayerNormalization
  }

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ConvNeXtConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    entrances = c.features.indices.map { level in
      let step = level == 0 ? c.patchSize : 2
      let input = level == 0 ? c.inputChannels : c.features[level - 1]
      return Entrance(
        convolution: Convolution(
          inputChannels: input,
          outputChannels: c.features[level],
          kernelSize: [step, step],
          stride: [step, step],
          padding: [0, 0],
          random: &random
        ),
        normalization: LayerNormalization(
          shape: [level == 0 ? c.features[0] : input],
          epsilon: Self.epsilon
        )
      )
    }
    let last = max(1, c.blocksPerStage.reduce(0, +) - 1)
    var place = 0
    stages = zip(c.features, c.blocksPerStage).map { width, count in
      (0..<count).map { _ in
        let share = c.stochasticDepth * Double(place) / Double(last)
        place += 1
        return ConvNeXtBlock(
          width,
          layerScale: Float(c.layerScale),
          leftOut: share,
          random: &random
        )
      }
    }
    let width = c.features[c.features.count - 1]
    lastNormalization = LayerNormalization(shape: [width], epsilon: Self.epsilon)
    head = Linear(inputs: width, outputs: c.outputChannels, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = []
    for (level, entrance) in entrances.enumerated() {
      let prefix = "features.\(2 * level)."
      all.append((prefix + (level == 0 ? "0" : "1"), entrance.convolution))
      all.append((prefix + (level == 0 ? "1" : "0"), entrance.normalization))
      all += stages[level].enumerated().map {
        ("features.\(2 * level + 1).\($0.offset)", $0.element as any Layer)
      }
    }
    return all + [("classifier.0", lastNormalization), ("classifier.2", head)]
  }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The last stage's maps; with patches of 4 and four stages a 32nd of the size.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    requireImage(x, channels: configuration.inputChannels)
    var y = x
    for (level, entrance) in entrances.enumerated() {
      if level > 0 { y = normalized(y, entrance.normalization, in: context) }
      y = entrance.convolution(y, in: context)
      if level == 0 { y = normalized(y, entrance.normalization, in: context) }
      y = stages[level].reduce(y) { $1($0, in: context) }
    }
    return y
  }

  /// Averages the feature maps and normalises the means.
  /// - Parameters:
  ///   - features: What `features` gave.
  ///   - context: To train or to predict.
  /// - Returns: What the last layer sees, `[N, F]`.
  public func embedding(of features: Tensor, in context: Context) -> Tensor {
    lastNormalization(spatialMean(features), in: context)
  }

  /// The last layer.
  /// - Parameters:
  ///   - embedding: What `embedding` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func scores(of embedding: Tensor, in context: Context) -> Tensor {
    head(embedding, in: context)
  }

  /// Over the channels of each pixel.
  private func normalized(
    _ x: Tensor,
    _ normalization: LayerNormalization,
    in context: Context
  ) -> Tensor {
    normalization(x.transposed([0, 2, 3, 1]), in: context).transposed([0, 3, 1, 2])
  }
}

/// A window of 7 for each channel, then two linear maps of each pixel's channels.
private final class ConvNeXtBlock: Layer {
  private let filter: Convolution
  private let normalization: LayerNormalization
  private let widening: Linear
  private let narrowing: Linear
  private let scale: Parameter
  private let leftOut: Double

  init(_ channels: Int, layerScale: Float, leftOut: Double, random: inout RandomStream) {
    filter = Convolution(
      inputChannels: channels,
      outputChannels: channels,
      kernelSize: [7, 7],
      groups: channels,
      random: &random
    )
    normalization = LayerNormalization(shape: [channels], epsilon: ConvNeXt.epsilon)
    widening = Linear(inputs: channels, outputs: 4 * channels, random: &random)
    narrowing = Linear(inputs: 4 * channels, outputs: channels, random: &random)
    scale = Parameter(Tensor(repeating: layerScale, shape: [channels, 1, 1]))
    self.leftOut = leftOut
  }

  var ownParameters: [(name: String, parameter: Parameter)] { [("layer_scale", scale)] }

  var children: [(name: String, layer: any Layer)] {
    [
      ("block.0", filter), ("block.2", normalization), ("block.3", widening),
      ("block.5", narrowing),
    ]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var y = filter(x, in: context).transposed([0, 2, 3, 1])
    y = narrowing(gelu(widening(normalization(y, in: context), in: context)), in: context)
    y = y.transposed([0, 3, 1, 2]) * scale.value(in: context)
    return x + kept(y, in: context)
  }

  /// While training, the block's result for the samples that keep it, enlarged to keep the mean.
  private func kept(_ y: Tensor, in context: Context) -> Tensor {
    guard context.mode == .training, leftOut > 0 else { return y }
    let factors = context.withRandom { random in
      (0..<y.shape[0]).map { _ in random.chance(leftOut) ? 0 : Float(1 / (1 - leftOut)) }
    }
    return y * Tensor(factors, shape: [y.shape[0], 1, 1, 1])
  }
}

extension ConvNeXtConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { ConvNeXt(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 1...6)
    try check.blocks(blocksPerStage, stages: features.count)
    try check.require((1...32).contains(patchSize), "patches of \(patchSize)")
    try check.map(patchSize * patchSize * inputChannels, features[0])
    try check.require((0...10).contains(layerScale), "a layer scale of \(layerScale)")
    try check.require(
      (0..<1).contains(stochasticDepth),
      "a stochastic depth of \(stochasticDepth)"
    )
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: 9,
      layers: blocksPerStage.reduce(0, +)
    )
  }
}
