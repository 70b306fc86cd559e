import Layers
import Support
import Tensors

/// The values that define a U-Net.
public struct UNetConfiguration: Codable, Sendable, Equatable {
  /// How the resolution is halved.
  public enum Downsampling: String, Codable, Sendable, CaseIterable {
    /// 2-wide maximum pooling, as in the paper.
    case maxPooling
    /// A stride in the stage's first convolution, as in nnU-Net.
    case stride
  }

  /// Whether a convolution keeps the size.
  public enum Padding: String, Codable, Sendable, CaseIterable {
    /// Zeros around the image; output and input have one size.
    case same
    /// No padding, as in the paper: the output is smaller, skips are cropped.
    case valid
  }

  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// Channels of each stage, full resolution first; their number is the depth.
  public var features: [Int]
  /// Spatial axes, 2 or 3.
  public var dimensions = 2
  /// Convolutions of each stage, on the way down and on the way up.
  public var convolutionsPerStage = 2
  /// Window of the convolutions along every axis.
  public var kernelSize = 3
  /// Whether a convolution keeps the size.
  public var padding = Padding.same
  /// Which normalisation follows each convolution.
  public var normalization = NormalizationKind.instance
  /// Slope of the activation for negative values; 0 is the paper's ReLU.
  public var negativeSlope: Float = 0.01
  /// Share of channels dropped in the two deepest stages of the way down while training.
  public var dropoutProbability = 0.0
  /// How the resolution is halved.
  public var downsampling = Downsampling.maxPooling
  /// Whether the input is added to the output, for networks that restore images.
  ///
  /// Of an input with more channels those in the middle are added: with neighbouring slices as channels
  /// the slice itself.
  public var addsInput = false

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each stage, full resolution first.
  ///   - dimensions: Spatial axes.
  public init(inputChannels: Int, outputChannels: Int, features: [Int], dimensions: Int = 2) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.dimensions = dimensions
  }

  /// Reads values; those that earlier versions did not write have their defaults.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    inputChannels = try container.decode(Int.self, forKey: .inputChannels)
    outputChannels = try container.decode(Int.self, forKey: .outputChannels)
    features = try container.decode([Int].self, forKey: .features)
    dimensions = try container.decode(Int.self, forKey: .dimensions)
    convolutionsPerStage = try container.decode(Int.self, forKey: .convolutionsPerStage)
    kernelSize = try container.decode(Int.self, forKey: .kernelSize)
    padding = try container.decode(Padding.self, forKey: .padding)
    normalization = try container.decode(NormalizationKind.self, forKey: .normalization)
    negativeSlope = try container.decode(Float.self, forKey: .negativeSlope)
    dropoutProbability = try container.decode(Double.self, forKey: .dropoutProbability)
    downsampling = try container.decode(Downsampling.self, forKey: .downsampling)
    addsInput = try container.value(.addsInput, or: false)
  }

  /// The configuration of the paper: five stages of 64 to 1024 channels, no padding, no
  /// normalisation, ReLU.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  /// - Returns: Ronneberger's network.
  public static func ronneberger(inputChannels: Int, outputChannels: Int) -> UNetConfiguration {
    var configuration = UNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      features: [64, 128, 256, 512, 1024]
    )
    configuration.padding = .valid
    configuration.normalization = .none
    configuration.negativeSlope = 0
    configuration.dropoutProbability = 0.5
    return configuration
  }
}

/// U-Net: a contracting and an expanding path with skip connections.
///
/// Ronneberger, Fischer and Brox 2015, "U-Net: Convolutional Networks for Biomedical Image
/// Segmentation", figure 1; in three dimensions after Çiçek et al. 2016. Padding, normalisation and
/// depth are configuration; `UNetConfiguration.ronneberger` gives the paper's own. Where the paper
/// up-samples with a 2-wide "up-convolution", so do we.
public final class UNet: StagedNetwork {
  /// The values that define the network.
  public let configuration: UNetConfiguration
  private let encoder: [[ConvolutionUnit]]
  private let decoder: [[ConvolutionUnit]]
  private let upsamplers: [TransposedConvolution]
  private let head: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: `configuration.check()` throws nothing.
  public init(_ configuration: UNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let kernel = [Int](repeating: c.kernelSize, count: c.dimensions)
    let padding = c.padding == .same ? kernel.map { ($0 - 1) / 2 } : kernel.map { _ in 0 }
    let depth = c.features.count

    func stage(_ input: Int, _ output: Int, drops: Bool, halving: Bool) -> [ConvolutionUnit] {
      (0..<c.convolutionsPerStage).map { index in
        let step = halving && index == 0 ? 2 : 1
        return ConvolutionUnit(
          inputChannels: index == 0 ? input : output,
          outputChannels: output,
          kernelSize: kernel,
          stride: kernel.map { _ in step },
          padding: padding,
          normalization: c.normalization,
          negativeSlope: c.negativeSlope,
          dropoutProbability: drops ? c.dropoutProbability : 0,
          random: &random
        )
      }
    }

    encoder = c.features.indices.map { level in
      stage(
        level == 0 ? c.inputChannels : c.features[level - 1],
        c.features[level],
        drops: level >= depth - 2,
        halving: level > 0 && c.downsampling == .stride
      )
    }
    let levels = (0..<depth - 1).reversed()
    upsamplers = levels.map { level in
      TransposedConvolution(
        inputChannels: c.features[level + 1],
        outputChannels: c.features[level],
        stride: kernel.map { _ in 2 },
        random: &random
      )
    }
    decoder = levels.map { level in
      stage(2 * c.features[level], c.features[level], drops: false, halving: false)
    }
    head = Convolution(
      inputChannels: c.features[0],
      outputChannels: c.outputChannels,
      kernelSize: kernel.map { _ in 1 },
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    func named(_ name: String, _ stages: [[ConvolutionUnit]]) -> [(String, any Layer)] {
      stages.enumerated().flatMap { level, units in
        units.enumerated().map { ("\(name).\(level).\($0.offset)", $0.element as any Layer) }
      }
    }
    return named("encoder", encoder)
      + upsamplers.enumerated().map { ("upsampler.\($0.offset)", $0.element as any Layer) }
      + named("decoder", decoder) + [("head", head)]
  }

  /// Computes class scores, or a restored image.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits or an image, `[N, outputChannels, H′, W′]`; H′ = H with padding.
  /// - Precondition: With padding, every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = output(of: maps(x, in: context), in: context)
    return configuration.addsInput ? x.middleChannels(configuration.outputChannels) + y : y
  }

  /// The outputs of the stages on the way down.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: `[N, features[k], H / 2ᵏ, W / 2ᵏ]`, full resolution first.
  public func maps(_ x: Tensor, in context: Context) -> [Tensor] {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = x
    var maps: [Tensor] = []
    for (level, units) in encoder.enumerated() {
      if level > 0 {
        if configuration.downsampling == .maxPooling {
          y = maxPooling(
            y,
            shape: PoolingShape(kernel: [Int](repeating: 2, count: configuration.dimensions))
          )
        }
      }
      for unit in units { y = unit(y, in: context) }
      maps.append(y)
    }
    return maps
  }

  /// The way up and the head, without the input.
  /// - Parameters:
  ///   - maps: What `maps` gave.
  ///   - context: To train or to predict.
  /// - Returns: Logits or a correction, `[N, outputChannels, H′, W′]`.
  public func output(of maps: [Tensor], in context: Context) -> Tensor {
    var skips = maps
    guard var y = skips.popLast() else { preconditionFailure("no stage to start from") }
    for (upsampler, units) in zip(upsamplers, decoder) {
      y = upsampler(y, in: context)
      if let skip = skips.popLast() {
        y = concatenation([y, centerCropped(skip, to: Array(y.shape.dropFirst(2)))])
      }
      for unit in units { y = unit(y, in: context) }
    }
    return head(y, in: context)
  }

  /// Sizes must be multiples of this for the way up to meet the way down.
  public var sizeMultiple: Int { 1 << (configuration.features.count - 1) }
}

extension UNetConfiguration {
  func check() throws(NetworksError) {
    func require(_ condition: Bool, _ reason: String) throws(NetworksError) {
      if !condition { throw .invalidConfiguration(network: "unet", reason: reason) }
    }
    try require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try require((1...4096).contains(inputChannels), "\(inputChannels) input channels")
    try require((1...4096).contains(outputChannels), "\(outputChannels) output channels")
    try require((1...10).contains(features.count), "\(features.count) stages")
    try require(
      features.allSatisfy((1...8192).contains),
      "features outside 1 to 8192: \(features)"
    )
    try require((1...16).contains(convolutionsPerStage), "\(convolutionsPerStage) convolutions")
    try require((1...15).contains(kernelSize) && kernelSize % 2 == 1, "a window of \(kernelSize)")
    try require((0...1).contains(negativeSlope), "a slope of \(negativeSlope)")
    try require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    if addsInput {
      let surplus = inputChannels - outputChannels
      try require(
        padding == .same && surplus >= 0 && surplus % 2 == 0,
        "\(inputChannels) channels with padding \(padding.rawValue) cannot be added to "
          + "\(outputChannels)"
      )
    }
    let widest = Double(max(inputChannels, 2 * (features.max() ?? 1)))
    var window = Double(kernelSize * kernelSize)
    if dimensions == 3 { window *= Double(kernelSize) }
    let layers = Double(2 * convolutionsPerStage * features.count)
    try require(
      widest * widest * window * layers <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}
