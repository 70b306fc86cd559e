import Layers
import Support
import Tensors

/// The values that define a discriminator of patches.
public struct PatchDiscriminatorConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image, and of the condition where it is judged with one.
  public var inputChannels: Int
  /// Channels after the first convolution, 64 in the paper.
  public var features: Int
  /// Steps that halve the size; 3 in the paper, for patches of 70 pixels.
  public var layers: Int
  /// Which normalisation follows all but the first and the last convolution.
  public var normalization: FeatureNormalization
  /// Whether weights are divided by their largest singular value.
  public var isSpectral: Bool
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults are the paper's.
  /// - Parameters:
  ///   - inputChannels: Channels of the image, and of the condition.
  ///   - features: Channels after the first convolution.
  ///   - layers: Steps that halve the size.
  ///   - normalization: Which normalisation follows all but the first and the last convolution.
  ///   - isSpectral: Whether weights are divided by their largest singular value.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    inputChannels: Int,
    features: Int = 64,
    layers: Int = 3,
    normalization: FeatureNormalization = .batch,
    isSpectral: Bool = false,
    dimensions: Int = 2
  ) {
    self.inputChannels = inputChannels
    self.features = features
    self.layers = layers
    self.normalization = normalization
    self.isSpectral = isSpectral
    self.dimensions = dimensions
  }

  /// Throws when a value is out of its range.
  func check() throws(NetworksError) {
    let check = ValueCheck(network: "patch discriminator")
    try check.channels(inputChannels, 1)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require((1...8).contains(layers), "\(layers) layers")
    try check.require((1...1024).contains(features), "\(features) features")
    try check.require(
      (1...layers).allSatisfy { normalization.fits(channels: features * min(8, 1 << $0)) },
      "a normalisation \(normalization) of \(features) channels"
    )
    try check.weights(
      widest: max(inputChannels, 8 * features),
      window: dimensions == 3 ? 64 : 16,
      layers: layers + 2
    )
  }
}

/// A discriminator that judges overlapping patches, each by a score of its own.
///
/// Isola, Zhu, Zhou and Efros 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
/// sections 3.2.2 and 6.1.2; with spectral normalisation after Miyato et al. 2018. Parameters have the
/// names of the authors' PyTorch program (`model.2.weight`).
public final class PatchDiscriminator: Layer {
  /// The values that define it.
  public let configuration: PatchDiscriminatorConfiguration
  private let convolutions: [CriticConvolution]
  /// After all but the first and the last convolution.
  private let normalizations: [(any Layer)?]

  /// Slope of the activation for negative values.
  private static let negativeSlope: Float = 0.2

  /// Creates a discriminator with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Throws: `NetworksError.invalidConfiguration` when a value is out of its range.
  public init(
    _ configuration: PatchDiscriminatorConfiguration,
    random: inout RandomStream
  ) throws(NetworksError) {
    try configuration.check()
    self.configuration = configuration
    let c = configuration
    let widths = (0...c.layers).map { c.features * min(8, 1 << $0) }
    convolutions = (0...c.layers + 1).map { index in
      let isEnd = index == 0 || index == c.layers + 1
      return CriticConvolution(
        index == 0 ? c.inputChannels : widths[index - 1],
        index == c.layers + 1 ? 1 : widths[index],
        window: 4,
        stride: index < c.layers ? 2 : 1,
        dimensions: c.dimensions,
        hasBias: isEnd || c.normalization != .batch,
        isSpectral: c.isSpectral,
        random: &random
      )
    }
    normalizations = widths.dropFirst().map { c.normalization.layer(channels: $0) }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    // Each step is convolution, normalisation where there is one, and activation.
    var all: [(name: String, layer: any Layer)] = [("model.0", convolutions[0])]
    var place = 2
    for (layer, normalization) in zip(convolutions.dropFirst(), normalizations) {
      all.append(("model.\(place)", layer))
      if let normalization { all.append(("model.\(place + 1)", normalization)) }
      place += normalization == nil ? 2 : 3
    }
    return all + [("model.\(place)", convolutions[convolutions.count - 1])]
  }

  /// Judges images.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth; at least 2^(layers + 2) cells along every axis.
  ///   - context: To train or to predict.
  /// - Returns: A score of each patch, `[N, 1, H′, W′]`, H′ = H / 2^layers − 2 for multiples of 2^layers.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    judged(x, in: context).scores
  }

  /// Judges images, and tells by what.
  /// - Parameters:
  ///   - x: As for the scores alone.
  ///   - context: To train or to predict.
  /// - Returns: The scores, and the maps after each activation, `layers` + 1, the finest first.
  public func judged(
    _ x: Tensor,
    in context: Context
  ) -> (scores: Tensor, features: [Tensor]) {
    var y = leakyReLU(convolutions[0](x, in: context), negativeSlope: Self.negativeSlope)
    var features = [y]
    for (layer, normalization) in zip(convolutions.dropFirst(), normalizations) {
      y = layer(y, in: context)
      y = leakyReLU(normalization?(y, in: context) ?? y, negativeSlope: Self.negativeSlope)
      features.append(y)
    }
    return (convolutions[convolutions.count - 1](y, in: context), features)
  }
}
