import Layers
import Support
import Tensors

/// The values that define a denoising network.
public struct DnCNNConfiguration: Codable, Sendable, Equatable {
  /// Channels of input and output.
  public var channels: Int
  /// Convolutions, the first and the last included; 17 in the paper for one noise level.
  public var depth: Int
  /// Channels in between, 64 in the paper.
  public var features: Int

  /// Creates a configuration; the defaults are the paper's for grey images and one noise level.
  /// - Parameters:
  ///   - channels: Channels of input and output.
  ///   - depth: Convolutions.
  ///   - features: Channels in between.
  public init(channels: Int = 1, depth: Int = 17, features: Int = 64) {
    self.channels = channels
    self.depth = depth
    self.features = features
  }
}

/// Denoising by a network that predicts the noise.
///
/// Zhang, Zuo, Chen, Meng and Zhang 2017, "Beyond a Gaussian Denoiser: Residual Learning of Deep CNN
/// for Image Denoising", section III and figure 1: the input less the output of a chain of 3-wide
/// convolutions with batch normalisation and ReLU. Parameters are numbered as in PyTorch's sequence
/// of these (`layers.2.weight`).
public final class DnCNN: Network {
  /// The values that define the network.
  public let configuration: DnCNNConfiguration
  private let first: Convolution
  private let inner: [(convolution: Convolution, normalization: BatchNormalization)]
  private let last: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: `configuration.check()` throws nothing.
  public init(_ configuration: DnCNNConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let (channels, features) = (configuration.channels, configuration.features)
    func convolution(_ input: Int, _ output: Int, hasBias: Bool) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [3, 3],
        hasBias: hasBias,
        random: &random
      )
    }
    first = convolution(channels, features, hasBias: true)
    inner = (0..<configuration.depth - 2).map { _ in
      (
        convolution(features, features, hasBias: false),
        BatchNormalization(channels: features, negativeSlope: 0)
      )
    }
    last = convolution(features, channels, hasBias: true)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    // The first two places are the first convolution and its ReLU.
    [("layers.0", first)]
      + inner.enumerated().flatMap { index, pair -> [(name: String, layer: any Layer)] in
        [
          ("layers.\(2 + 3 * index)", pair.convolution),
          ("layers.\(3 + 3 * index)", pair.normalization),
        ]
      } + [("layers.\(2 + 3 * inner.count)", last)]
  }

  /// Removes noise.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The shape of `x`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.channels,
      "the input \(x.shape) for a network of \(configuration.channels) channels"
    )
    var y = relu(first(x, in: context))
    for (convolution, normalization) in inner {
      y = normalization(convolution(y, in: context), in: context)
    }
    return x - last(y, in: context)
  }

  /// Any size will do.
  public var sizeMultiple: Int { 1 }
}

extension DnCNNConfiguration {
  func check() throws(NetworksError) {
    func require(_ condition: Bool, _ reason: String) throws(NetworksError) {
      if !condition { throw .invalidConfiguration(network: "dncnn", reason: reason) }
    }
    try require((1...1024).contains(channels), "\(channels) channels")
    try require((2...256).contains(depth), "a depth of \(depth)")
    try require((1...4096).contains(features), "\(features) features")
    let widest = Double(max(channels, features))
    try require(
      widest * widest * 9 * Double(depth) <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}
