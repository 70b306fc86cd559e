import Layers
import Support
import Tensors

/// The values that define a DeepLabv3+.
public struct DeepLabConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// What a block of the encoder consists of.
  public var block = ResNetConfiguration.Block.basic
  /// Blocks of each of the encoder's four stages; 2, 2, 2, 2 of ResNet-18.
  public var blocksPerStage = [2, 2, 2, 2]
  /// Channels of the encoder's stem and width of its first stage, 64 in ResNets; doubled by each stage.
  public var features: Int
  /// How much smaller the encoder's last maps are than the image: 16, or 8 with more dilation.
  public var outputStride = 16
  /// Distances of the windows' cells in the pyramid at an output stride of 16; doubled at 8.
  public var rates = [6, 12, 18]
  /// Channels of each branch of the pyramid and of the decoder, 256 in the paper.
  public var pyramidFeatures: Int
  /// Channels of the encoder's first stage after they are reduced, 48 in the paper.
  public var lowLevelFeatures: Int
  /// Share of values dropped after the pyramid while training.
  public var dropoutProbability = 0.0

  /// Creates a configuration with the paper's proportions.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of the encoder's stem.
  public init(inputChannels: Int, outputChannels: Int, features: Int = 64) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    pyramidFeatures = 4 * features
    lowLevelFeatures = max(1, 3 * features / 4)
  }
}

/// DeepLabv3+: a dilated residual encoder, a pyramid of dilated windows, and a small decoder.
///
/// Chen, Zhu, Papandreou, Schroff and Adam 2018, "Encoder-decoder with atrous separable convolution for
/// semantic image segmentation", section 3.1 and figure 2. The encoder is a ResNet whose last stages
/// dilate their windows instead of halving the size; the pyramid has a window of 1, dilated windows of
/// 3 and the mean of the image (Chen et al. 2017, section 3.3); the decoder joins it, four times
/// enlarged at an output stride of 16, to the reduced maps of the first stage. Where the paper offers a
/// choice, we take plain convolutions instead of separable ones, which the engine computes faster.
public final class DeepLab: Network {
  /// The values that define the network.
  public let configuration: DeepLabConfiguration
  private let stem: NormalizedConvolution
  private let stages: [[ResNetBlock]]
  private let pyramid: [NormalizedConvolution]
  /// Of the mean of the image.
  private let imageBranch: NormalizedConvolution
  private let projection: NormalizedConvolution
  private let reduction: NormalizedConvolution
  private let decoder: [NormalizedConvolution]
  private let head: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: DeepLabConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    func unit(
      _ input: Int,
      _ output: Int,
      window: Int,
      stride: Int = 1,
      dilation: Int = 1
    ) -> NormalizedConvolution {
      NormalizedConvolution(
        input,
        output,
        window: window,
        stride: stride,
        dilation: dilation,
        isRectified: true,
        random: &random
      )
    }
    stem = unit(c.inputChannels, c.features, window: 7, stride: 2)
    var (input, size, dilation) = (c.features, 4, 1)
    var lowLevel = 0
    stages = c.blocksPerStage.enumerated().map { stage, count in
      var stride = 1
      let before = dilation
      if stage > 0 {
        if size < c.outputStride {
          (stride, size) = (2, 2 * size)
        } else {
          dilation *= 2
        }
      }
      let blocks = (0..<count).map { index in
        // The first block still sees what the stage before gave at its own distance.
        let block = ResNetBlock(
          input,
          width: c.features << stage,
          stride: index == 0 ? stride : 1,
          dilation: index == 0 ? before : dilation,
          c.block,
          random: &random
        )
        input = (c.features << stage) * c.block.expansion
        return block
      }
      if stage == 0 { lowLevel = input }
      return blocks
    }
    let factor = 16 / c.outputStride
    pyramid =
      [unit(input, c.pyramidFeatures, window: 1)]
      + c.rates.map { unit(input, c.pyramidFeatures, window: 3, dilation: factor * $0) }
    imageBranch = unit(input, c.pyramidFeatures, window: 1)
    projection = unit((c.rates.count + 2) * c.pyramidFeatures, c.pyramidFeatures, window: 1)
    reduction = unit(lowLevel, c.lowLevelFeatures, window: 1)
    decoder = [c.pyramidFeatures + c.lowLevelFeatures, c.pyramidFeatures].map {
      unit($0, c.pyramidFeatures, window: 3)
    }
    head = Convolution(
      inputChannels: c.pyramidFeatures,
      outputChannels: c.outputChannels,
      kernelSize: [1, 1],
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    stem.children("encoder.conv1", "encoder.bn1")
      + stages.enumerated().flatMap { stage, blocks in
        blocks.enumerated().map {
          ("encoder.layer\(stage + 1).\($0.offset)", $0.element as any Layer)
        }
      } + pyramid.enumerated().map { ("pyramid.\($0.offset)", $0.element as any Layer) }
      + [("image", imageBranch), ("projection", projection), ("reduction", reduction)]
      + decoder.enumerated().map { ("decoder.\($0.offset)", $0.element as any Layer) }
      + [("head", head)]
  }

  /// Computes class scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]`.
  /// - Precondition: H and W are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    requireImage(x, channels: configuration.inputChannels)
    var y = maxPooling(
      stem(x, in: context),
      shape: PoolingShape(kernel: [3, 3], stride: [2, 2], padding: [1, 1])
    )
    y = stages[0].reduce(y) { $1($0, in: context) }
    let lowLevel = reduction(y, in: context)
    y = stages.dropFirst().joined().reduce(y) { $1($0, in: context) }
    let mean = imageBranch(globalAveragePooling(y), in: context)
    let size = Array(y.shape.dropFirst(2))
    let branches =
      pyramid.map { $0(y, in: context) }
      + [upsampled(mean, to: size, interpolation: .nearest)]
    y = projection(concatenation(branches), in: context)
    y = droppedOut(y, configuration.dropoutProbability, in: context)
    y = concatenation([y.enlarged(configuration.outputStride / 4, .linear), lowLevel])
    y = decoder.reduce(y) { $1($0, in: context) }
    return head(y, in: context).enlarged(4, .linear)
  }

  /// The encoder's strides.
  public var sizeMultiple: Int { configuration.outputStride }
}

extension DeepLabConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  func network(random: inout RandomStream) -> any Network { DeepLab(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.blocks(blocksPerStage, stages: 4)
    try check.require((1...1024).contains(features), "\(features) features")
    try check.require([8, 16].contains(outputStride), "an output stride of \(outputStride)")
    try check.require(
      (1...8).contains(rates.count) && rates.allSatisfy((1...64).contains),
      "rates \(rates)"
    )
    try check.require((1...4096).contains(pyramidFeatures), "\(pyramidFeatures) pyramid features")
    try check.require(
      (1...4096).contains(lowLevelFeatures),
      "\(lowLevelFeatures) features of the first stage"
    )
    try check.dropout(dropoutProbability)
    try check.weights(
      widest: max(inputChannels, pyramidFeatures, (features << 3) * block.expansion),
      window: 9,
      layers: blocksPerStage.reduce(0, +) * 2 + rates.count + 6
    )
  }
}
