import Layers
import Support
import Tensors

/// The values that define a network after LeNet-5.
public struct LeNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Classes.
  public var outputChannels: Int
  /// Rows and columns of the input, which the first linear layer depends on; the maps of other images are
  /// pooled to what this one's would be.
  public var imageSize: [Int]
  /// Channels of the two convolutions; 6 and 16 in the paper.
  public var features = [6, 16]
  /// Outputs of the two hidden linear layers; 120 and 84 in the paper.
  public var hidden = [120, 84]
  /// Share of the last hidden layer's outputs that are dropped while training; 0 in the paper.
  public var dropoutProbability = 0.0

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes.
  ///   - imageSize: Rows and columns of the input.
  public init(inputChannels: Int, outputChannels: Int, imageSize: [Int]) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.imageSize = imageSize
  }

  /// Rows and columns after the two poolings; the first convolution keeps the size, the second has no
  /// border.
  var pooledSize: [Int] { imageSize.map { ($0 / 2 - 4) / 2 } }
}

/// A small network for classification of small images.
///
/// LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition",
/// section II.B: two 5 x 5 convolutions with pooling and three linear layers. As is usual since, with ReLU
/// instead of a sigmoid, maxima instead of trained means, full connections between maps, and a softmax
/// instead of radial basis functions; the first convolution has a border of 2, as the paper's 28 x 28
/// digits are padded to 32 x 32.
public final class LeNet: VectorNetwork {
  /// The values that define the network.
  public let configuration: LeNetConfiguration
  private let convolutions: [Convolution]
  private let linears: [Linear]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: LeNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let inputs = [c.inputChannels, c.features[0]]
    convolutions = (0..<2).map { index in
      Convolution(
        inputChannels: inputs[index],
        outputChannels: c.features[index],
        kernelSize: [5, 5],
        padding: index == 0 ? [2, 2] : [0, 0],
        random: &random
      )
    }
    let sizes = [c.features[1] * c.pooledSize.reduce(1, *)] + c.hidden + [c.outputChannels]
    linears = (0..<3).map { index in
      Linear(inputs: sizes[index], outputs: sizes[index + 1], random: &random)
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    convolutions.enumerated().map { ("conv\($0 + 1)", $1 as any Layer) }
      + linears.enumerated().map { ("fc\($0 + 1)", $1 as any Layer) }
  }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`, at least 12 pixels wide and high.
  ///   - context: To train or to predict.
  /// - Returns: The second convolution's maps, rectified, before they are pooled.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    let y = relu(convolutions[0](x, in: context))
    return relu(
      convolutions[1](maxPooling(y, shape: PoolingShape(kernel: [2, 2])), in: context)
    )
  }

  /// Pools the maps and applies the hidden layers.
  /// - Parameters:
  ///   - features: What `features` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, hidden[1]]`.
  public func embedding(of features: Tensor, in context: Context) -> Tensor {
    let pooled = adaptiveMaxPooling(features, to: configuration.pooledSize)
    var y = pooled.reshaped([pooled.shape[0], pooled.shape.dropFirst().reduce(1, *)])
    for layer in linears.dropLast() { y = relu(layer(y, in: context)) }
    let probability = configuration.dropoutProbability
    guard context.mode == .training, probability > 0 else { return y }
    let whole = y
    return context.withRandom {
      dropout(whole, probability: probability, wholeChannels: false, random: &$0)
    }
  }

  /// The last layer.
  /// - Parameters:
  ///   - embedding: What `embedding` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`.
  public func scores(of embedding: Tensor, in context: Context) -> Tensor {
    linears[2](embedding, in: context)
  }
}

extension LeNetConfiguration: NetworkValues {
  /// Slices or pictures.
  public var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require(
      imageSize.count == 2 && imageSize.allSatisfy((16...512).contains),
      "an image of \(imageSize)"
    )
    try check.features(features, count: 2...2)
    try check.features(hidden, count: 2...2)
    try check.require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    try check.weights(
      widest: max(features[1] * pooledSize.reduce(1, *), hidden[0]),
      window: 1,
      layers: 2
    )
  }

  func network(random: inout RandomStream) -> any Network { LeNet(self, random: &random) }
}
