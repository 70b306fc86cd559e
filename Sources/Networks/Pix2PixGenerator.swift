import Layers
import Support
import Tensors

/// The values that define Pix2Pix's generator.
public struct Pix2PixConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Channels of the output.
  public var outputChannels: Int
  /// Channels of the first level, 64 in the paper; each level has twice as many, at most 8 times.
  public var features: Int
  /// Levels, each of half the size; 8 in the paper.
  public var depth: Int
  /// Which normalisation follows the convolutions.
  public var normalization = FeatureNormalization.batch
  /// Share of values dropped in the three deepest steps of the way up while training.
  public var dropoutProbability = 0.5
  /// Whether a tanh ends the network, so that its values lie between −1 and 1.
  public var endsWithTanh = true
  /// Spatial axes, 2 or 3.
  public var dimensions = 2

  /// Creates a configuration; other values are the paper's until they are set.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Channels of the output.
  ///   - features: Channels of the first level.
  ///   - depth: Levels, each of half the size.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: Int = 64,
    depth: Int = 8,
    dimensions: Int = 2
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.depth = depth
    self.dimensions = dimensions
  }

  /// Channels after each step down.
  fileprivate var widths: [Int] { (0..<depth).map { features * min(8, 1 << min($0, 3)) } }
}

/// Pix2Pix's generator: a U-Net of strided convolutions that translates images.
///
/// Isola, Zhu, Zhou and Efros 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
/// sections 3.2.1 and 6.1.1: windows of 4, steps of 2, leaky ReLU of slope 0.2 on the way down and ReLU
/// on the way up, skips by concatenation, dropout as the source of chance while training. The first and
/// the deepest convolution have no normalisation, the latter as it may see a single pixel.
public final class Pix2PixGenerator: Network {
  /// The values that define the network.
  public let configuration: Pix2PixConfiguration
  private let down: [(convolution: Convolution, normalization: (any Layer)?)]
  private let up: [(convolution: TransposedConvolution, normalization: (any Layer)?)]

  /// Slope of the activation for negative values on the way down.
  private static let negativeSlope: Float = 0.2
  /// Steps of the way up that drop values.
  private static let droppingSteps = 3

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: Pix2PixConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let widths = c.widths
    func all(_ value: Int) -> [Int] { [Int](repeating: value, count: c.dimensions) }
    down = widths.indices.map { level in
      let isBare = level == 0 || level == widths.count - 1
      return (
        Convolution(
          inputChannels: level == 0 ? c.inputChannels : widths[level - 1],
          outputChannels: widths[level],
          kernelSize: all(4),
          stride: all(2),
          padding: all(1),
          random: &random
        ),
        isBare ? nil : c.normalization.layer(channels: widths[level])
      )
    }
    up = widths.indices.reversed().map { level in
      let output = level == 0 ? c.outputChannels : widths[level - 1]
      return (
        TransposedConvolution(
          inputChannels: level == widths.count - 1 ? widths[level] : 2 * widths[level],
          outputChannels: output,
          kernelSize: all(4),
          stride: all(2),
          padding: all(1),
          outputPadding: all(0),
          random: &random
        ),
        level == 0 ? nil : c.normalization.layer(channels: output)
      )
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    func named(
      _ name: String,
      _ steps: [(convolution: any Layer, normalization: (any Layer)?)]
    ) -> [(name: String, layer: any Layer)] {
      steps.enumerated().flatMap { index, step -> [(name: String, layer: any Layer)] in
        [("\(name).\(index).conv", step.convolution)]
          + (step.normalization.map { [("\(name).\(index).norm", $0)] } ?? [])
      }
    }
    return named("down", down.map { ($0.convolution, $0.normalization) })
      + named("up", up.map { ($0.convolution, $0.normalization) })
  }

  /// Translates images.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var skips: [Tensor] = []
    var y = x
    for (level, step) in down.enumerated() {
      if level > 0 { y = leakyReLU(y, negativeSlope: Self.negativeSlope) }
      y = step.convolution(y, in: context)
      y = step.normalization?(y, in: context) ?? y
      skips.append(y)
    }
    skips.removeLast()
    for (index, step) in up.enumerated() {
      if index > 0, let skip = skips.popLast() { y = concatenation([skip, y]) }
      y = step.convolution(relu(y), in: context)
      y = step.normalization?(y, in: context) ?? y
      if index < min(Self.droppingSteps, up.count - 1) { y = dropped(y, in: context) }
    }
    return configuration.endsWithTanh ? tanh(y) : y
  }

  private func dropped(_ x: Tensor, in context: Context) -> Tensor {
    context.dropping(x, probability: configuration.dropoutProbability, wholeChannels: false)
  }

  /// 2 for each level.
  public var sizeMultiple: Int { 1 << configuration.depth }
}

extension Pix2PixConfiguration: NetworkValues {
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require((2...10).contains(depth), "\(depth) levels")
    try check.require((1...1024).contains(features), "\(features) features")
    try check.require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    try check.require(
      widths.allSatisfy(normalization.fits(channels:)),
      "a normalisation \(normalization) of \(widths) channels"
    )
    try check.weights(
      widest: max(inputChannels, outputChannels, 2 * (widths.max() ?? 1)),
      window: dimensions == 3 ? 64 : 16,
      layers: 2 * depth
    )
  }

  func network(random: inout RandomStream) -> any Network {
    Pix2PixGenerator(self, random: &random)
  }
}
