import Layers
import Support
import Tensors

/// The values that define a fully convolutional network.
public struct FCNConfiguration: Codable, Sendable, Equatable {
  /// From how fine maps scores are taken; the names are those of five stages.
  public enum Variant: String, Codable, Sendable, CaseIterable {
    /// FCN-32s: the classifier's alone.
    case last = "32s"
    /// FCN-16s: also those of the last pooling but one.
    case lastTwo = "16s"
    /// FCN-8s: also those of the pooling before that.
    case lastThree = "8s"

    /// The number of maps beside the classifier's.
    var skips: Int {
      switch self {
      case .last: 0
      case .lastTwo: 1
      case .lastThree: 2
      }
    }
  }

  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// Channels of each stage, which ends with a pooling: five in the paper, at least three here.
  public var features: [Int]
  /// Convolutions of each stage (2, 2, 3, 3, 3 in VGG-16).
  public var convolutionsPerStage: [Int]
  /// Channels of the two layers that replace VGG's fully connected ones (4096 in the paper).
  public var classifierFeatures: Int
  /// Which normalisation follows each convolution; the paper has none.
  public var normalization = NormalizationKind.batch
  /// Share of channels dropped in the classifier while training.
  public var dropoutProbability = 0.0
  /// From how fine maps scores are taken.
  public var variant = Variant.lastThree

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each stage.
  ///   - convolutionsPerStage: Convolutions of each stage, two each when nil.
  ///   - classifierFeatures: Channels of the classifier's two layers.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: [Int],
    convolutionsPerStage: [Int]? = nil,
    classifierFeatures: Int
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.convolutionsPerStage = convolutionsPerStage ?? features.map { _ in 2 }
    self.classifierFeatures = classifierFeatures
  }
}

extension FCNConfiguration {
  private enum CodingKeys: String, CodingKey {
    case inputChannels, outputChannels, features, convolutionsPerStage, classifierFeatures
    case normalization, dropoutProbability, variant
  }

  /// Reads the values; files from before there were variants have FCN-8s.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      inputChannels: try container.decode(Int.self, forKey: .inputChannels),
      outputChannels: try container.decode(Int.self, forKey: .outputChannels),
      features: try container.decode([Int].self, forKey: .features),
      convolutionsPerStage: try container.decode([Int].self, forKey: .convolutionsPerStage),
      classifierFeatures: try container.decode(Int.self, forKey: .classifierFeatures)
    )
    normalization = try container.decode(NormalizationKind.self, forKey: .normalization)
    dropoutProbability = try container.decode(Double.self, forKey: .dropoutProbability)
    variant = try container.value(.variant, or: .lastThree)
  }
}

/// Fully convolutional network with two skips, one or none: FCN-8s, 16s or 32s for five stages.
///
/// Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic Segmentation",
/// section 4.2 and figure 3: a classifier's layers turned into convolutions, scores of the last
/// poolings added after 2-fold transposed convolutions that start as bilinear interpolation, then one
/// transposed convolution to full size. The paper pads the input by 100 pixels; we pad each
/// convolution instead, so that the output has the input's size.
public final class FullyConvolutionalNetwork: Network {
  /// The values that define the network.
  public let configuration: FCNConfiguration
  private let stages: [[ConvolutionUnit]]
  private let classifier: [ConvolutionUnit]
  private let scores: [Convolution]
  private let upsamplers: [TransposedConvolution]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: `configuration.check()` throws nothing.
  public init(_ configuration: FCNConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    stages = c.features.indices.map { level in
      (0..<c.convolutionsPerStage[level]).map { index in
        ConvolutionUnit(
          inputChannels: index > 0
            ? c.features[level] : level > 0 ? c.features[level - 1] : c.inputChannels,
          outputChannels: c.features[level],
          kernelSize: [3, 3],
          normalization: c.normalization,
          negativeSlope: 0,
          random: &random
        )
      }
    }
    let last = c.features[c.features.count - 1]
    classifier = [(last, [7, 7]), (c.classifierFeatures, [1, 1])].map { input, kernel in
      ConvolutionUnit(
        inputChannels: input,
        outputChannels: c.classifierFeatures,
        kernelSize: kernel,
        normalization: c.normalization,
        negativeSlope: 0,
        dropoutProbability: c.dropoutProbability,
        random: &random
      )
    }
    // Scores of the classifier, of the last pooling but one, and of the one before.
    let skips = c.variant.skips
    scores = ([c.classifierFeatures] + c.features.dropLast().suffix(skips).reversed()).map {
      Convolution(
        inputChannels: $0,
        outputChannels: c.outputChannels,
        kernelSize: [1, 1],
        random: &random
      )
    }
    let factors = [Int](repeating: 2, count: skips) + [1 << (c.features.count - skips)]
    upsamplers = factors.map {
      Self.bilinear(channels: c.outputChannels, factor: $0)
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    stages.enumerated().flatMap { level, units in
      units.enumerated().map { ("stage.\(level).\($0.offset)", $0.element as any Layer) }
    } + classifier.enumerated().map { ("classifier.\($0.offset)", $0.element as any Layer) }
      + scores.enumerated().map { ("score.\($0.offset)", $0.element as any Layer) }
      + upsamplers.enumerated().map { ("upsampler.\($0.offset)", $0.element as any Layer) }
  }

  /// Computes class scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]`.
  /// - Precondition: H and W are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = x
    var pooled: [Tensor] = []
    for units in stages {
      for unit in units { y = unit(y, in: context) }
      y = maxPooling(y, shape: PoolingShape(kernel: [2, 2]))
      pooled.append(y)
    }
    for unit in classifier { y = unit(y, in: context) }
    var score = scores[0](y, in: context)
    for index in 0..<configuration.variant.skips {
      score = upsamplers[index](score, in: context)
      score = score + scores[index + 1](pooled[pooled.count - 2 - index], in: context)
    }
    return upsamplers[upsamplers.count - 1](score, in: context)
  }

  /// Each stage halves the size.
  public var sizeMultiple: Int { 1 << configuration.features.count }

  /// A transposed convolution that starts as bilinear interpolation, channel by channel.
  private static func bilinear(channels: Int, factor: Int) -> TransposedConvolution {
    let size = 2 * factor - factor % 2
    let center = Double(size - 1) / 2
    let profile = (0..<size).map { 1 - abs(Double($0) - center) / Double(factor) }
    var values = [Float](repeating: 0, count: channels * channels * size * size)
    for channel in 0..<channels {
      for row in 0..<size {
        for column in 0..<size {
          values[((channel * channels + channel) * size + row) * size + column] =
            Float(profile[row] * profile[column])
        }
      }
    }
    let padding = (size - factor) / 2
    return TransposedConvolution(
      weight: Parameter(Tensor(values, shape: [channels, channels, size, size])),
      bias: nil,
      shape: ConvolutionShape(rank: 2, stride: factor, padding: padding)
    )
  }
}

extension FCNConfiguration {
  func check() throws(NetworksError) {
    func require(_ condition: Bool, _ reason: String) throws(NetworksError) {
      if !condition { throw .invalidConfiguration(network: "fcn", reason: reason) }
    }
    try require((1...4096).contains(inputChannels), "\(inputChannels) input channels")
    try require((1...4096).contains(outputChannels), "\(outputChannels) output channels")
    try require((3...8).contains(features.count), "\(features.count) stages")
    try require(
      features.allSatisfy((1...8192).contains),
      "features outside 1 to 8192: \(features)"
    )
    try require(
      convolutionsPerStage.count == features.count
        && convolutionsPerStage.allSatisfy((1...16).contains),
      "convolutions per stage \(convolutionsPerStage)"
    )
    try require((1...8192).contains(classifierFeatures), "\(classifierFeatures) features")
    try require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    let widest = Double(max(inputChannels, classifierFeatures, features.max() ?? 1))
    let layers = Double(convolutionsPerStage.reduce(0, +)) * 9 + 50
    // The last upsampling has a window for each pair of classes.
    let window = Double(2 << (features.count - variant.skips))
    let upsampling = Double(outputChannels) * Double(outputChannels) * window * window
    try require(
      max(widest * widest * layers, upsampling) <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}
