import Layers
import Support
import Tensors

/// The values that define a VGG network.
public struct VGGConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var inputChannels: Int
  /// Classes, or values of an embedding.
  public var outputChannels: Int
  /// Channels of each stage.
  public var features = [64, 128, 256, 512, 512]
  /// Convolutions of each stage.
  public var convolutionsPerStage: [Int]
  /// Whether batch normalisation follows each convolution; the paper has none.
  public var hasNormalization: Bool
  /// Stages that end with a pooling, the first ones; all in the paper.
  public var poolings = 5
  /// Rows and columns that the last maps are averaged to.
  public var pooledSize = 7
  /// Values of each of the two fully connected layers before the last.
  public var hiddenFeatures = 4096
  /// Share of values dropped after these two while training.
  public var dropoutProbability = 0.5

  /// Creates a configuration; what is not asked for is as in the paper.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - convolutionsPerStage: Convolutions of each stage.
  ///   - hasNormalization: Whether batch normalisation follows each convolution.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    convolutionsPerStage: [Int],
    hasNormalization: Bool
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.convolutionsPerStage = convolutionsPerStage
    self.hasNormalization = hasNormalization
  }

  /// VGG-11, configuration A of the paper's table 1.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - hasNormalization: Whether batch normalisation follows each convolution.
  /// - Returns: The values.
  public static func vgg11(
    inputChannels: Int = 3,
    outputChannels: Int,
    hasNormalization: Bool = true
  ) -> VGGConfiguration {
    VGGConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      convolutionsPerStage: [1, 1, 2, 2, 2],
      hasNormalization: hasNormalization
    )
  }

  /// VGG-13, configuration B.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - hasNormalization: Whether batch normalisation follows each convolution.
  /// - Returns: The values.
  public static func vgg13(
    inputChannels: Int = 3,
    outputChannels: Int,
    hasNormalization: Bool = true
  ) -> VGGConfiguration {
    VGGConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      convolutionsPerStage: [2, 2, 2, 2, 2],
      hasNormalization: hasNormalization
    )
  }

  /// VGG-16, configuration D.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - hasNormalization: Whether batch normalisation follows each convolution.
  /// - Returns: The values.
  public static func vgg16(
    inputChannels: Int = 3,
    outputChannels: Int,
    hasNormalization: Bool = true
  ) -> VGGConfiguration {
    VGGConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      convolutionsPerStage: [2, 2, 3, 3, 3],
      hasNormalization: hasNormalization
    )
  }

  /// VGG-19, configuration E.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - hasNormalization: Whether batch normalisation follows each convolution.
  /// - Returns: The values.
  public static func vgg19(
    inputChannels: Int = 3,
    outputChannels: Int,
    hasNormalization: Bool = true
  ) -> VGGConfiguration {
    VGGConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      convolutionsPerStage: [2, 2, 4, 4, 4],
      hasNormalization: hasNormalization
    )
  }

  /// The same for small images: only so many poolings that maps of 2 pixels remain, one mean of each
  /// map, and 512 values in the fully connected layers.
  /// - Parameter imageSize: Rows or columns of the image, the smaller number, at least 2.
  /// - Returns: The values.
  public func fitted(toSmallImagesOf imageSize: Int) -> VGGConfiguration {
    var small = self
    while small.poolings > 0, imageSize >> small.poolings < 2 { small.poolings -= 1 }
    small.pooledSize = 1
    small.hiddenFeatures = 512
    return small
  }
}

/// VGG: stages of windows of 3, then fully connected layers.
///
/// Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image recognition",
/// table 1; normalisation after Ioffe and Szegedy 2015. Parameters have the names of torchvision's
/// state dictionaries (`features.0.weight`, `classifier.6.bias`); a stage without pooling leaves a gap
/// in the numbers, so that they stay the same.
public final class VGG: VectorNetwork {
  /// The values that define the network.
  public let configuration: VGGConfiguration
  private let stages: [[Unit]]
  private let maps: [Linear]

  /// A convolution with its place in torchvision's list.
  private struct Unit: Sendable {
    let place: Int
    let convolution: Convolution
    let normalization: BatchNormalization?
  }

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: VGGConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    var (place, input) = (0, c.inputChannels)
    stages = zip(c.features, c.convolutionsPerStage).map { width, count in
      let units = (0..<count).map { _ in
        let unit = Unit(
          place: place,
          convolution: Convolution(
            inputChannels: input,
            outputChannels: width,
            kernelSize: [3, 3],
            random: &random
          ),
          normalization: c.hasNormalization
            ? BatchNormalization(channels: width, negativeSlope: 0) : nil
        )
        input = width
        place += c.hasNormalization ? 3 : 2
        return unit
      }
      place += 1
      return units
    }
    let widths =
      [input * c.pooledSize * c.pooledSize, c.hiddenFeatures, c.hiddenFeatures, c.outputChannels]
    maps = zip(widths, widths.dropFirst()).map { inputs, outputs in
      Linear(inputs: inputs, outputs: outputs, random: &random)
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    stages.joined().flatMap { unit -> [(name: String, layer: any Layer)] in
      [("features.\(unit.place)", unit.convolution)]
        + (unit.normalization.map { [("features.\(unit.place + 1)", $0)] } ?? [])
    } + maps.enumerated().map { ("classifier.\(3 * $0.offset)", $0.element as any Layer) }
  }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The last feature maps, `[N, features.last, H′, W′]`.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    requireImage(x, channels: configuration.inputChannels)
    var y = x
    for (level, units) in stages.enumerated() {
      for unit in units {
        y = unit.convolution(y, in: context)
        y = unit.normalization?(y, in: context) ?? relu(y)
      }
      if level < configuration.poolings { y = maxPooling(y, shape: PoolingShape(kernel: [2, 2])) }
    }
    return y
  }

  /// Sums the feature maps up.
  /// - Parameters:
  ///   - features: What `features` gave.
  ///   - context: To train or to predict.
  /// - Returns: What the last layer sees, `[N, hiddenFeatures]`.
  public func embedding(of features: Tensor, in context: Context) -> Tensor {
    let size = [configuration.pooledSize, configuration.pooledSize]
    let fitting =
      Array(features.shape.dropFirst(2)) == size
      ? features : adaptiveAveragePooling(features, to: size)
    return maps.dropLast().reduce(fitting.flattened(from: 1)) {
      droppedOut(relu($1($0, in: context)), configuration.dropoutProbability, in: context)
    }
  }

  /// The last layer.
  /// - Parameters:
  ///   - embedding: What `embedding` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func scores(of embedding: Tensor, in context: Context) -> Tensor {
    maps[2](embedding, in: context)
  }
}

extension VGGConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { VGG(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 1...8)
    try check.blocks(convolutionsPerStage, stages: features.count)
    try check.require((0...features.count).contains(poolings), "\(poolings) poolings")
    try check.require((1...32).contains(pooledSize), "maps averaged to \(pooledSize)")
    try check.require((1...65536).contains(hiddenFeatures), "\(hiddenFeatures) hidden features")
    try check.dropout(dropoutProbability)
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: 9,
      layers: convolutionsPerStage.reduce(0, +)
    )
    try check.map(features[features.count - 1] * pooledSize * pooledSize, hiddenFeatures)
    try check.map(hiddenFeatures, max(hiddenFeatures, outputChannels))
  }
}
