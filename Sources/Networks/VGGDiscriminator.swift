import Layers
import Support
import Tensors

/// The values that define a discriminator of whole images.
public struct VGGDiscriminatorConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var inputChannels: Int
  /// Cells of the image along every axis, a multiple of 2 to the number of stages.
  public var inputSize: Int
  /// Channels of the first stage, 64 in the papers; each stage has twice as many, at most 8 times.
  public var features: Int
  /// Stages, each of which halves the size: 4 in SRGAN, 5 in ESRGAN for 128 pixels.
  public var stages: Int
  /// Window of the convolutions that halve the size: 3 in SRGAN, 4 in ESRGAN.
  public var halvingWindow: Int
  /// Values before the score: 1024 in SRGAN, 100 in ESRGAN.
  public var hiddenFeatures: Int
  /// Whether batch normalisation follows all but the first convolution.
  public var hasNormalization = true
  /// Whether weights are divided by their largest singular value.
  public var isSpectral = false
  /// Spatial axes, 2 or 3.
  public var dimensions = 2

  private init(
    _ inputChannels: Int,
    _ inputSize: Int,
    _ features: Int,
    stages: Int,
    halvingWindow: Int,
    hiddenFeatures: Int
  ) {
    self.inputChannels = inputChannels
    self.inputSize = inputSize
    self.features = features
    self.stages = stages
    self.halvingWindow = halvingWindow
    self.hiddenFeatures = hiddenFeatures
  }

  /// SRGAN's discriminator.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - inputSize: Cells of the image along every axis; 96 in the paper.
  ///   - features: Channels of the first stage.
  /// - Returns: The values; spectral normalisation and further axes can be set.
  public static func srgan(
    inputChannels: Int = 3,
    inputSize: Int = 96,
    features: Int = 64
  ) -> VGGDiscriminatorConfiguration {
    VGGDiscriminatorConfiguration(
      inputChannels,
      inputSize,
      features,
      stages: 4,
      halvingWindow: 3,
      hiddenFeatures: 16 * features
    )
  }

  /// ESRGAN's discriminator.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - inputSize: Cells of the image along every axis; 128 in the paper, 256 with a sixth stage.
  ///   - features: Channels of the first stage.
  /// - Returns: The values; spectral normalisation and further axes can be set.
  public static func esrgan(
    inputChannels: Int = 3,
    inputSize: Int = 128,
    features: Int = 64
  ) -> VGGDiscriminatorConfiguration {
    VGGDiscriminatorConfiguration(
      inputChannels,
      inputSize,
      features,
      stages: inputSize >= 256 ? 6 : 5,
      halvingWindow: 4,
      hiddenFeatures: 100
    )
  }

  /// Values that the last stage gives.
  var flattened: Int {
    let cells = inputSize >> stages
    return width(stages - 1) * shuffleCells(cells, dimensions)
  }

  /// Channels of a stage.
  func width(_ stage: Int) -> Int { features * min(8, 1 << min(stage, 3)) }

  /// Throws when a value is out of its range.
  func check() throws(NetworksError) {
    let check = ValueCheck(network: "VGG discriminator")
    try check.channels(inputChannels, 1)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require((1...10).contains(stages), "\(stages) stages")
    try check.require(
      (1...8192).contains(inputSize) && inputSize % (1 << stages) == 0,
      "\(inputSize) cells halved \(stages) times"
    )
    try check.require((1...1024).contains(features), "\(features) features")
    try check.require([3, 4].contains(halvingWindow), "a window of \(halvingWindow)")
    try check.require((1...65536).contains(hiddenFeatures), "\(hiddenFeatures) hidden features")
    try check.weights(widest: 8 * features, window: 64, layers: 2 * stages)
    try check.require(
      Double(flattened) * Double(hiddenFeatures) <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}

/// A discriminator of whole images, in the manner of VGG.
///
/// Ledig, Theis, Huszár et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative
/// Adversarial Network", figure 4, and Wang, Yu, Wu et al. 2018, "ESRGAN", whose program halves the size by
/// windows of 4 once more; with spectral normalisation after Miyato et al. 2018. It gives scores, to
/// which losses apply their logistic function. Parameters have the names of the program BasicSR
/// (`conv1_0.weight`).
public final class VGGDiscriminator: Layer {
  /// The values that define it.
  public let configuration: VGGDiscriminatorConfiguration
  private let convolutions: [CriticConvolution]
  /// After all but the first convolution.
  private let normalizations: [BatchNormalization?]
  private let hidden: CriticLinear
  private let score: CriticLinear

  /// Slope of the activation for negative values.
  private static let negativeSlope: Float = 0.2

  /// Creates a discriminator with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Throws: `NetworksError.invalidConfiguration` when a value is out of its range.
  public init(
    _ configuration: VGGDiscriminatorConfiguration,
    random: inout RandomStream
  ) throws(NetworksError) {
    try configuration.check()
    self.configuration = configuration
    let c = configuration
    convolutions = (0..<2 * c.stages).map { index in
      let stage = index / 2
      let input = stage == 0 ? c.inputChannels : c.width(stage - 1)
      return CriticConvolution(
        index % 2 == 0 ? input : c.width(stage),
        c.width(stage),
        window: index % 2 == 0 ? 3 : c.halvingWindow,
        stride: 1 + index % 2,
        dimensions: c.dimensions,
        hasBias: index == 0 || !c.hasNormalization,
        isSpectral: c.isSpectral,
        random: &random
      )
    }
    normalizations = (1..<2 * c.stages).map { index in
      c.hasNormalization
        ? BatchNormalization(channels: c.width(index / 2), negativeSlope: Self.negativeSlope) : nil
    }
    hidden = CriticLinear(
      c.flattened,
      c.hiddenFeatures,
      isSpectral: c.isSpectral,
      random: &random
    )
    score = CriticLinear(c.hiddenFeatures, 1, isSpectral: c.isSpectral, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = [("conv0_0", convolutions[0])]
    for index in convolutions.indices.dropFirst() {
      let place = "\(index / 2)_\(index % 2)"
      all.append(("conv" + place, convolutions[index]))
      if let normalization = normalizations[index - 1] { all.append(("bn" + place, normalization)) }
    }
    return all + [("linear1", hidden), ("linear2", score)]
  }

  /// Judges images.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth, all axes of `inputSize` cells.
  ///   - context: To train or to predict.
  /// - Returns: A score of each image, `[N, 1]`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.shape.dropFirst(2).allSatisfy { $0 == configuration.inputSize },
      "the image \(x.shape) for a discriminator of \(configuration.inputSize) cells"
    )
    func activated(_ x: Tensor) -> Tensor { leakyReLU(x, negativeSlope: Self.negativeSlope) }
    var y = activated(convolutions[0](x, in: context))
    for (layer, normalization) in zip(convolutions.dropFirst(), normalizations) {
      y = layer(y, in: context)
      y = normalization?(y, in: context) ?? activated(y)
    }
    return score(activated(hidden(y.flattened(from: 1), in: context)), in: context)
  }
}
