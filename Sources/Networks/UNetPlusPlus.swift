import Layers
import Support
import Tensors

/// The values that define a U-Net++.
public struct UNetPlusPlusConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// Channels of each level, full resolution first; 32 to 512 in the paper.
  public var features: [Int]
  /// Spatial axes, 2 or 3.
  public var dimensions: Int
  /// Which normalisation follows each convolution.
  public var normalization = NormalizationKind.batch
  /// Whether each nested U-Net has scores of its own, of which the network gives the mean.
  public var hasDeepSupervision = true

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each level.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(inputChannels: Int, outputChannels: Int, features: [Int], dimensions: Int = 2) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.dimensions = dimensions
  }
}

/// U-Net++: nested U-Nets of all depths that share their maps.
///
/// Zhou, Siddiquee, Tajbakhsh and Liang 2018, "UNet++: a nested U-Net architecture for medical image
/// segmentation", equation 1 and figure 1a: the map X(i, j) of level i sees all X(i, k) with k < j and
/// the enlarged X(i + 1, j − 1). As in the authors' program, learned transposed convolutions enlarge.
/// With deep supervision every X(0, j) with j > 0 has a head; the paper's accurate mode averages
/// probabilities, we average logits, so that losses and predictors see a network like others.
public final class UNetPlusPlus: Network, DeeplySupervisedNetwork {
  /// The values that define the network.
  public let configuration: UNetPlusPlusConfiguration
  /// Of each level from the left; a level has one node less than the level above it.
  private let nodes: [[UnitPair]]
  /// Into the nodes of a level but the first.
  private let upsamplers: [[TransposedConvolution]]
  /// From the shallowest U-Net; the deepest alone without deep supervision.
  private let heads: [Convolution]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: UNetPlusPlusConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let depth = c.features.count
    nodes = c.features.indices.map { level in
      (0..<depth - level).map { place in
        let input =
          place > 0
          ? (place + 1) * c.features[level]
          : level > 0 ? c.features[level - 1] : c.inputChannels
        return UnitPair(
          input,
          c.features[level],
          c.normalization,
          dimensions: c.dimensions,
          random: &random
        )
      }
    }
    upsamplers = c.features.indices.dropLast().map { level in
      (1..<depth - level).map { _ in
        TransposedConvolution(
          inputChannels: c.features[level + 1],
          outputChannels: c.features[level],
          stride: [Int](repeating: 2, count: c.dimensions),
          random: &random
        )
      }
    }
    heads = (0..<(c.hasDeepSupervision ? depth - 1 : 1)).map { _ in
      Convolution(
        inputChannels: c.features[0],
        outputChannels: c.outputChannels,
        kernelSize: [Int](repeating: 1, count: c.dimensions),
        random: &random
      )
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    nodes.enumerated().flatMap { level, nodes in
      nodes.enumerated().map { ("node.\(level).\($0.offset)", $0.element as any Layer) }
    }
      + upsamplers.enumerated().flatMap { level, layers in
        layers.enumerated().map { ("up.\(level).\($0.offset + 1)", $0.element as any Layer) }
      } + heads.enumerated().map { ("head.\($0.offset)", $0.element as any Layer) }
  }

  /// Computes class scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth; with deep supervision the mean of all
  ///   heads.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    mean(headScores(x, in: context))
  }

  /// Computes the class scores of every head, all at full resolution.
  ///
  /// Their mean comes last, where losses give no weight: it has no weights of its own.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, of the deepest U-Net first.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func allScores(_ x: Tensor, in context: Context) -> [Tensor] {
    let scores = headScores(x, in: context)
    return scores.count == 1 ? scores : scores.reversed() + [mean(scores)]
  }

  /// Each level but the first halves the size.
  public var sizeMultiple: Int { 1 << (configuration.features.count - 1) }

  private func mean(_ scores: [Tensor]) -> Tensor {
    let sum = scores.dropFirst().reduce(scores[0]) { $0 + $1 }
    return scores.count == 1 ? sum : sum * (1 / Float(scores.count))
  }

  private func headScores(_ x: Tensor, in context: Context) -> [Tensor] {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    let window = PoolingShape(kernel: [Int](repeating: 2, count: configuration.dimensions))
    var maps: [[Tensor]] = []
    for (level, nodes) in nodes.enumerated() {
      let input = level == 0 ? x : maxPooling(maps[level - 1][0], shape: window)
      maps.append([nodes[0](input, in: context)])
    }
    for place in nodes.indices.dropFirst() {
      for level in 0..<nodes.count - place {
        let below = upsamplers[level][place - 1](maps[level + 1][place - 1], in: context)
        maps[level].append(nodes[level][place](concatenation(maps[level] + [below]), in: context))
      }
    }
    return zip(maps[0].suffix(heads.count), heads).map { $1($0, in: context) }
  }
}

/// Two convolutions with normalisation and rectifier.
private final class UnitPair: Layer {
  private let units: [ConvolutionUnit]

  init(
    _ input: Int,
    _ output: Int,
    _ normalization: NormalizationKind,
    dimensions: Int,
    random: inout RandomStream
  ) {
    units = [input, output].map { channels in
      ConvolutionUnit(
        inputChannels: channels,
        outputChannels: output,
        kernelSize: [Int](repeating: 3, count: dimensions),
        normalization: normalization,
        negativeSlope: 0,
        random: &random
      )
    }
  }

  var children: [(name: String, layer: any Layer)] {
    units.enumerated().map { ("\($0.offset)", $0.element) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    units.reduce(x) { $1($0, in: context) }
  }
}

extension UNetPlusPlusConfiguration: NetworkValues {
  func network(random: inout RandomStream) -> any Network { UNetPlusPlus(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.features(features, count: 2...8)
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: dimensions == 2 ? 9 : 27,
      layers: features.count * (features.count + 3)
    )
  }
}
