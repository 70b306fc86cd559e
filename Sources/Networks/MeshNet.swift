import Layers
import Support
import Tensors

/// The values that define a MeshNet.
public struct MeshNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// Channels of each hidden layer.
  public var features: [Int]
  /// Distance of neighbouring window cells in each hidden layer, the same along every axis.
  public var dilations: [Int]
  /// Spatial axes, 2 or 3.
  public var dimensions: Int
  /// Window of the hidden layers along every axis; odd.
  public var kernelSize = 3
  /// Which normalisation follows each hidden convolution.
  public var normalization = FeatureNormalization.none
  /// Which activation follows that.
  public var activation = FeatureActivation.relu
  /// Whether hidden convolutions have a bias.
  public var hasBias = true
  /// Whether the last convolution has a bias.
  public var hasOutputBias = true
  /// Share of channels dropped after each hidden layer while training.
  public var dropoutProbability = 0.0

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each hidden layer.
  ///   - dilations: Dilation of each hidden layer.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: [Int],
    dilations: [Int],
    dimensions: Int = 3
  ) {
    self.dimensions = dimensions
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.dilations = dilations
  }
}

/// MeshNet: convolutions at full resolution whose dilations grow and shrink again.
///
/// Yu and Koltun 2016, "Multi-scale context aggregation by dilated convolutions", for volumes: Fedorov,
/// Johnson, Damaraju, Ozerin, Calhoun and Plis 2017, "End-to-end learning of brain tissue segmentation
/// from imperfect labeling", table 1. There is no pooling: a whole volume goes through as it is, and
/// every layer's map has its size. Depth, number of channels, normalisation and activation are
/// configuration, as programs in use (Masoud, Hu and Plis 2023, "Brainchop") vary them.
///
/// The paper's layers are `layers.0` to `layers.N`, each with `conv` and perhaps `norm`;
/// `MeshNetNames` finds them in state dictionaries that number the parts of a sequence.
public final class MeshNet: Network {
  /// The values that define the network.
  public let configuration: MeshNetConfiguration
  private let hidden: [HiddenLayer]
  private let output: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: MeshNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    hidden = c.features.indices.map { index in
      HiddenLayer(
        inputChannels: index == 0 ? c.inputChannels : c.features[index - 1],
        outputChannels: c.features[index],
        dilation: c.dilations[index],
        like: c,
        random: &random
      )
    }
    output = Convolution(
      inputChannels: c.features.last ?? c.inputChannels,
      outputChannels: c.outputChannels,
      kernelSize: [Int](repeating: 1, count: c.dimensions),
      hasBias: c.hasOutputBias,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    hidden.enumerated().map { ("layers.\($0.offset)", $0.element as any Layer) }
      + [("layers.\(hidden.count).conv", output)]
  }

  /// Computes class scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    scores(of: features(of: x, in: context), in: context)
  }

  /// Computes what the last layer classifies, cell by cell.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: `[N, C, H, W]` or with depth, with the channels of the last hidden layer.
  public func features(of x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    return hidden.reduce(x) { $1($0, in: context) }
  }

  /// Classifies features cell by cell, so that parts of a volume can be classified one by one.
  /// - Parameters:
  ///   - features: What `features(of:in:)` gives, or any part of the space of it.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth.
  public func scores(of features: Tensor, in context: Context) -> Tensor {
    output(features, in: context)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }
}

/// Convolution, normalisation, activation, dropout.
private final class HiddenLayer: Layer {
  private let convolution: Convolution
  private let normalization: (any Layer)?
  private let activation: ActivationLayer
  private let dropoutProbability: Double

  init(
    inputChannels: Int,
    outputChannels: Int,
    dilation: Int,
    like c: MeshNetConfiguration,
    random: inout RandomStream
  ) {
    convolution = Convolution(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      kernelSize: [Int](repeating: c.kernelSize, count: c.dimensions),
      dilation: [Int](repeating: dilation, count: c.dimensions),
      hasBias: c.hasBias,
      random: &random
    )
    normalization = c.normalization.layer(channels: outputChannels)
    activation = c.activation.layer(channels: outputChannels)
    dropoutProbability = c.dropoutProbability
  }

  var children: [(name: String, layer: any Layer)] {
    [("conv", convolution)] + (normalization.map { [("norm", $0)] } ?? []) + [("act", activation)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var y = convolution(x, in: context)
    if let normalization { y = normalization(y, in: context) }
    y = activation(y, in: context)
    return context.dropping(y, probability: dropoutProbability, wholeChannels: true)
  }
}

extension MeshNetConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 1...128)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require(
      dilations.count == features.count && dilations.allSatisfy((1...256).contains),
      "dilations \(dilations) of \(features.count) layers"
    )
    try check.require(
      (1...15).contains(kernelSize) && kernelSize % 2 == 1,
      "a window of \(kernelSize)"
    )
    try check.require(
      features.allSatisfy { normalization.fits(channels: $0) },
      "features \(features) in groups of \(normalization)"
    )
    try check.require(activation.isPossible, "the activation \(activation)")
    try check.require(
      (0..<1).contains(dropoutProbability),
      "a dropout of \(dropoutProbability)"
    )
    let window = (0..<dimensions).reduce(1) { product, _ in product * kernelSize }
    let widest = max(inputChannels, outputChannels, features.max() ?? 1)
    try check.weights(widest: widest, window: window, layers: features.count + 1)
  }

  func network(random: inout RandomStream) -> any Network { MeshNet(self, random: &random) }
}
