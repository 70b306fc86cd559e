import Layers
import Support
import Tensors

/// The values that define CycleGAN's generator.
public struct CycleGANConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Channels of the output.
  public var outputChannels: Int
  /// Channels at full resolution, 64 in the paper.
  public var features: Int
  /// Residual blocks: 6 in the paper for images of 128 pixels, 9 for larger ones.
  public var blocks: Int
  /// Which normalisation follows the convolutions; it need not have parameters.
  public var normalization = FeatureNormalization.instance(isAffine: false)
  /// Whether a tanh ends the network, so that its values lie between −1 and 1.
  public var endsWithTanh = true
  /// Spatial axes, 2 or 3.
  public var dimensions = 2

  /// Creates a configuration; other values are the paper's until they are set.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Channels of the output.
  ///   - features: Channels at full resolution.
  ///   - blocks: Residual blocks.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: Int = 64,
    blocks: Int = 9,
    dimensions: Int = 2
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.blocks = blocks
    self.dimensions = dimensions
  }
}

/// CycleGAN's generator: residual blocks at a quarter of the size.
///
/// Zhu, Park, Isola and Efros 2017, "Unpaired Image-to-Image Translation Using Cycle-Consistent
/// Adversarial Networks", section 7.2, after Johnson, Alahi and Fei-Fei 2016: mirrored borders, instance
/// normalisation, two steps down and two up. Parameters have the names of the authors' PyTorch program
/// (`model.10.conv_block.1.weight`).
public final class CycleGANGenerator: Network {
  /// The values that define the network.
  public let configuration: CycleGANConfiguration
  private let first: Convolution
  private let down: [Convolution]
  private let blocks: [(first: Convolution, second: Convolution)]
  private let up: [TransposedConvolution]
  private let last: Convolution
  /// After every convolution but the last, in order.
  private let normalizations: [any Layer]

  /// Steps down and up.
  private static let steps = 2

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: CycleGANConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    // As the authors have it: batch normalisation shifts by itself.
    let hasBias = c.normalization != .batch
    func all(_ value: Int) -> [Int] { [Int](repeating: value, count: c.dimensions) }
    func convolution(
      _ input: Int,
      _ output: Int,
      _ window: Int,
      stride: Int = 1,
      padding: Int = 0,
      hasBias: Bool
    ) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: all(window),
        stride: all(stride),
        padding: all(padding),
        hasBias: hasBias,
        random: &random
      )
    }
    let widths = (0...Self.steps).map { c.features << $0 }
    first = convolution(c.inputChannels, widths[0], 7, hasBias: hasBias)
    down = (0..<Self.steps).map {
      convolution(widths[$0], widths[$0 + 1], 3, stride: 2, padding: 1, hasBias: hasBias)
    }
    blocks = (0..<c.blocks).map { _ in
      (
        convolution(widths[Self.steps], widths[Self.steps], 3, hasBias: hasBias),
        convolution(widths[Self.steps], widths[Self.steps], 3, hasBias: hasBias)
      )
    }
    last = convolution(widths[0], c.outputChannels, 7, hasBias: true)
    up = (0..<Self.steps).reversed().map { level in
      TransposedConvolution(
        inputChannels: widths[level + 1],
        outputChannels: widths[level],
        kernelSize: all(3),
        stride: all(2),
        padding: all(1),
        outputPadding: all(1),
        hasBias: hasBias,
        random: &random
      )
    }
    let inner = [Int](repeating: widths[Self.steps], count: 2 * c.blocks)
    normalizations = (widths + inner + widths.dropLast().reversed()).map { width in
      c.normalization.layer(channels: width) ?? ActivationLayer(.none, channels: width)
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    // Places 0 and 3 are mirroring and ReLU; every step is convolution, normalisation and ReLU.
    var all: [(name: String, layer: any Layer)] = [
      ("model.1", first), ("model.2", normalizations[0]),
    ]
    var place = 4
    for (index, layer) in down.enumerated() {
      all += [("model.\(place)", layer), ("model.\(place + 1)", normalizations[1 + index])]
      place += 3
    }
    for (index, block) in blocks.enumerated() {
      let norm = 1 + Self.steps + 2 * index
      let name = "model.\(place).conv_block"
      all += [
        (name + ".1", block.first), (name + ".2", normalizations[norm]),
        (name + ".5", block.second), (name + ".6", normalizations[norm + 1]),
      ]
      place += 1
    }
    for (index, layer) in up.enumerated() {
      let norm = 1 + Self.steps + 2 * blocks.count + index
      all += [("model.\(place)", layer), ("model.\(place + 1)", normalizations[norm])]
      place += 3
    }
    return all + [("model.\(place + 1)", last)]
  }

  /// Translates images.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of 8.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var rest = normalizations[...]
    func normalized(_ x: Tensor) -> Tensor { rest.popFirst()?(x, in: context) ?? x }
    func mirrored(_ x: Tensor, _ width: Int) -> Tensor {
      let around = [Int](repeating: width, count: configuration.dimensions)
      return padded(x, before: around, after: around, mode: .reflect)
    }
    var y = relu(normalized(first(mirrored(x, 3), in: context)))
    for layer in down { y = relu(normalized(layer(y, in: context))) }
    for block in blocks {
      let inner = relu(normalized(block.first(mirrored(y, 1), in: context)))
      y = y + normalized(block.second(mirrored(inner, 1), in: context))
    }
    for layer in up { y = relu(normalized(layer(y, in: context))) }
    y = last(mirrored(y, 3), in: context)
    return configuration.endsWithTanh ? tanh(y) : y
  }

  /// 2 for each step down, and twice that: borders are mirrored at a quarter of the size, where an axis
  /// must have two cells.
  public var sizeMultiple: Int { 8 }
}

extension CycleGANConfiguration: NetworkValues {
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require((1...64).contains(blocks), "\(blocks) blocks")
    try check.require((1...1024).contains(features), "\(features) features")
    try check.require(
      normalization.fits(channels: features),
      "a normalisation \(normalization) of \(features) channels"
    )
    try check.weights(
      widest: max(inputChannels, outputChannels, 4 * features),
      window: dimensions == 3 ? 343 : 49,
      layers: 2 * blocks + 6
    )
  }

  func network(random: inout RandomStream) -> any Network {
    CycleGANGenerator(self, random: &random)
  }
}
