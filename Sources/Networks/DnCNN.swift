import Layers
import Support
import Tensors

/// The values that define a denoising network.
public struct DnCNNConfiguration: Codable, Sendable, Equatable {
  /// Which convolutions add a bias.
  public enum Biases: String, Codable, Sendable, CaseIterable {
    /// None.
    case none
    /// The first and the last, as normalisations follow the others.
    case ends
    /// All.
    case all
  }

  /// Channels of input and output.
  public var channels: Int
  /// Convolutions, the first and the last included; 17 in the paper for one noise level.
  public var depth: Int
  /// Channels in between, 64 in the paper.
  public var features: Int
  /// Whether batch normalisation follows all but the first and the last convolution.
  public var hasNormalization = true
  /// Which convolutions add a bias.
  public var biases = Biases.ends
  /// Added to the variance by the normalisation.
  public var normalizationEpsilon: Float = 1e-5
  /// Slices on each side that enter as channels.
  public var contextSlices = 0
  /// Spatial axes, 2 or 3.
  public var dimensions = 2

  /// Creates a configuration; the defaults are the paper's for grey images and one noise level.
  ///
  /// The paper's blind network has a depth of 20. Without normalisation all convolutions have a bias, as in
  /// the weights that the authors published later.
  /// - Parameters:
  ///   - channels: Channels of input and output.
  ///   - depth: Convolutions.
  ///   - features: Channels in between.
  ///   - hasNormalization: Whether batch normalisation follows the inner convolutions.
  public init(
    channels: Int = 1,
    depth: Int = 17,
    features: Int = 64,
    hasNormalization: Bool = true
  ) {
    self.channels = channels
    self.depth = depth
    self.features = features
    self.hasNormalization = hasNormalization
    biases = hasNormalization ? .ends : .all
  }

  /// Reads values; those that earlier versions did not write have their defaults.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      channels: try container.decode(Int.self, forKey: .channels),
      depth: try container.decode(Int.self, forKey: .depth),
      features: try container.decode(Int.self, forKey: .features),
      hasNormalization: try container.value(.hasNormalization, or: true)
    )
    biases = try container.value(.biases, or: biases)
    normalizationEpsilon = try container.value(.normalizationEpsilon, or: normalizationEpsilon)
    contextSlices = try container.value(.contextSlices, or: 0)
    dimensions = try container.value(.dimensions, or: 2)
  }
}

/// Denoising by a network that predicts the noise.
///
/// Zhang, Zuo, Chen, Meng and Zhang 2017, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN
/// for Image Denoising", section III and figure 1: the input less the output of a chain of 3-wide
/// convolutions with batch normalisation and ReLU, or without normalisation. Of neighbouring slices the
/// one in the middle is what the output is taken from. Parameters are numbered as in PyTorch's sequence of
/// these (`layers.2.weight`).
public final class DnCNN: Network {
  /// The values that define the network.
  public let configuration: DnCNNConfiguration
  private let first: Convolution
  private let inner: [(convolution: Convolution, normalization: BatchNormalization?)]
  private let last: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: `configuration.check()` throws nothing.
  public init(_ configuration: DnCNNConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    func convolution(_ input: Int, _ output: Int, hasBias: Bool) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: 3, count: c.dimensions),
        hasBias: hasBias,
        random: &random
      )
    }
    first = convolution(c.inputChannels, c.features, hasBias: c.biases != .none)
    inner = (0..<c.depth - 2).map { _ in
      (
        convolution(c.features, c.features, hasBias: c.biases == .all),
        c.hasNormalization
          ? BatchNormalization(
            channels: c.features,
            epsilon: c.normalizationEpsilon,
            negativeSlope: 0
          ) : nil
      )
    }
    last = convolution(c.features, c.channels, hasBias: c.biases != .none)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    // The first two places are the first convolution and its ReLU.
    let step = configuration.hasNormalization ? 3 : 2
    return [("layers.0", first)]
      + inner.enumerated().flatMap { index, pair -> [(name: String, layer: any Layer)] in
        let place = 2 + step * index
        return [("layers.\(place)", pair.convolution)]
          + (pair.normalization.map { [("layers.\(place + 1)", $0)] } ?? [])
      } + [("layers.\(2 + step * inner.count)", last)]
  }

  /// Removes noise.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = relu(first(x, in: context))
    for (convolution, normalization) in inner {
      y = convolution(y, in: context)
      y = normalization?(y, in: context) ?? relu(y)
    }
    return x.middleChannels(configuration.channels) - last(y, in: context)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }
}

extension DnCNNConfiguration: NetworkValues {
  /// Channels of the image and of its neighbours.
  public var inputChannels: Int { channels * (1 + 2 * contextSlices) }
  /// The channels.
  public var outputChannels: Int { channels }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: contextSlices, dimensions: dimensions)
    try check.require((2...256).contains(depth), "a depth of \(depth)")
    try check.require((1...4096).contains(features), "\(features) features")
    try check.require(normalizationEpsilon > 0, "an epsilon of \(normalizationEpsilon)")
    try check.weights(
      widest: max(inputChannels, features),
      window: dimensions == 3 ? 27 : 9,
      layers: depth
    )
  }

  func network(random: inout RandomStream) -> any Network { DnCNN(self, random: &random) }
}
