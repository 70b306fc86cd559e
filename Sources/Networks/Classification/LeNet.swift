import Layers
import Support
import Tensors

/// The values that define a LeNet-5.
public struct LeNetConfiguration: Codable, Sendable, Equatable {
  /// What follows a convolution or a fully connected layer.
  public enum Activation: String, Codable, Sendable, CaseIterable {
    /// The larger of v and 0, which trains faster.
    case relu
    /// The hyperbolic tangent, near the paper's scaled one.
    case tanh
  }

  /// What halves the size.
  public enum Pooling: String, Codable, Sendable, CaseIterable {
    /// The largest of four values.
    case maximum
    /// The mean of four values, near the paper's, which learns a factor and a shift for it.
    case average
  }

  /// Channels of the image.
  public var inputChannels: Int
  /// Classes, or values of an embedding.
  public var outputChannels: Int
  /// Rows and columns of the image, at least 12; 32 in the paper, whose digits of 28 have a border.
  public var inputSize: Int
  /// Zeros around the image: 2 where it has no border of its own, as digits of 28 pixels.
  public var padding: Int
  /// Channels of the two convolutions, 6 and 16 in the paper.
  public var features = [6, 16]
  /// Values of the two fully connected layers, 120 and 84 in the paper.
  public var hiddenFeatures = [120, 84]
  /// What follows convolutions and fully connected layers.
  public var activation = Activation.relu
  /// What halves the size.
  public var pooling = Pooling.maximum

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - inputSize: Rows and columns of the image.
  public init(inputChannels: Int, outputChannels: Int, inputSize: Int = 32) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.inputSize = inputSize
    padding = inputSize < 32 ? 2 : 0
  }

  /// Rows and columns of the last maps; each convolution's window of 5 takes 4 away.
  var mapSize: Int { ((inputSize + 2 * padding - 4) / 2 - 4) / 2 }
}

/// LeNet-5: two convolutions and three fully connected layers.
///
/// LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition",
/// section II.B, with all maps of the first joined to all of the second, and a linear last layer
/// instead of radial basis functions. Images of another size than the configuration's are allowed:
/// the last maps are averaged to the size that the fully connected layers know. Parameters have the
/// names of PyTorch's tutorials: `conv1`, `conv2`, `fc1`, `fc2`, `fc3`.
public final class LeNet: VectorNetwork {
  /// The values that define the network.
  public let configuration: LeNetConfiguration
  private let convolutions: [Convolution]
  private let maps: [Linear]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: LeNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    convolutions = [
      (c.inputChannels, c.features[0], c.padding), (c.features[0], c.features[1], 0),
    ]
    .map { input, output, padding in
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [5, 5],
        padding: [padding, padding],
        random: &random
      )
    }
    let widths = [c.features[1] * c.mapSize * c.mapSize] + c.hiddenFeatures + [c.outputChannels]
    maps = zip(widths, widths.dropFirst()).map { inputs, outputs in
      Linear(inputs: inputs, outputs: outputs, random: &random)
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    convolutions.enumerated().map { ("conv\($0.offset + 1)", $0.element as any Layer) }
      + maps.enumerated().map { ("fc\($0.offset + 1)", $0.element as any Layer) }
  }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The maps after the second pooling.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    requireImage(x, channels: configuration.inputChannels)
    let window = PoolingShape(kernel: [2, 2])
    return convolutions.reduce(x) { y, convolution in
      let y = activated(convolution(y, in: context))
      return configuration.pooling == .maximum
        ? maxPooling(y, shape: window) : averagePooling(y, shape: window)
    }
  }

  /// Sums the feature maps up.
  /// - Parameters:
  ///   - features: What `features` gave.
  ///   - context: To train or to predict.
  /// - Returns: What the last layer sees, `[N, hiddenFeatures[1]]`.
  public func embedding(of features: Tensor, in context: Context) -> Tensor {
    let size = [configuration.mapSize, configuration.mapSize]
    let fitting =
      Array(features.shape.dropFirst(2)) == size
      ? features : adaptiveAveragePooling(features, to: size)
    return maps.dropLast().reduce(fitting.flattened(from: 1)) { activated($1($0, in: context)) }
  }

  /// The last layer.
  /// - Parameters:
  ///   - embedding: What `embedding` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func scores(of embedding: Tensor, in context: Context) -> Tensor {
    maps[2](embedding, in: context)
  }

  private func activated(_ x: Tensor) -> Tensor {
    configuration.activation == .relu ? relu(x) : tanh(x)
  }
}

extension LeNetConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { LeNet(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 2...2)
    try check.features(hiddenFeatures, count: 2...2)
    try check.require((0...16).contains(padding), "a padding of \(padding)")
    try check.require(
      (1...8192).contains(inputSize) && mapSize >= 1,
      "an image of \(inputSize) x \(inputSize) pixels with a padding of \(padding)"
    )
    try check.weights(widest: max(inputChannels, features[0], features[1]), window: 25, layers: 2)
    try check.map(features[1] * mapSize * mapSize, hiddenFeatures[0])
  }
}
