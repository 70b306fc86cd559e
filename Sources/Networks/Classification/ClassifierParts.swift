import Layers
import Support
import Tensors

// What networks that give one vector for an image have in common.

/// How a network of classes takes its image in.
public enum ClassifierStem: String, Codable, Sendable, CaseIterable {
  /// The papers' own for photographs of some 224 pixels: the size is soon a quarter.
  case standard
  /// Without early strides and pooling, for images of 28 to 64 pixels.
  case small
}

/// A convolution without a bias (`0`), batch normalisation (`1`) and, in the same pass, a rectifier.
final class NormalizedConvolution: Layer {
  private let convolution: Convolution
  private let normalization: BatchNormalization

  init(
    _ inputChannels: Int,
    _ outputChannels: Int,
    window: Int,
    stride: Int = 1,
    dilation: Int = 1,
    groups: Int = 1,
    epsilon: Float = 1e-5,
    momentum: Float = 0.1,
    isRectified: Bool,
    random: inout RandomStream
  ) {
    convolution = Convolution(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      kernelSize: [window, window],
      stride: [stride, stride],
      padding: [window / 2 * dilation, window / 2 * dilation],
      dilation: [dilation, dilation],
      groups: groups,
      hasBias: false,
      random: &random
    )
    normalization = BatchNormalization(
      channels: outputChannels,
      epsilon: epsilon,
      momentum: momentum,
      negativeSlope: isRectified ? 0 : 1
    )
  }

  var children: [(name: String, layer: any Layer)] { children("0", "1") }

  /// The convolution and the normalisation under names of their own.
  func children(
    _ convolutionName: String,
    _ normalizationName: String
  ) -> [(name: String, layer: any Layer)] {
    [(convolutionName, convolution), (normalizationName, normalization)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    normalization(convolution(x, in: context), in: context)
  }
}

/// The mean over space: `[N, F, H, W]` to `[N, F]`.
func spatialMean(_ features: Tensor) -> Tensor {
  globalAveragePooling(features).flattened(from: 1)
}

/// Drops single values while training and in samples.
func droppedOut(_ x: Tensor, _ probability: Double, in context: Context) -> Tensor {
  context.dropping(x, probability: probability, wholeChannels: false)
}

/// Stops a program that gives a network images of another kind.
func requireImage(_ x: Tensor, channels: Int) {
  precondition(
    x.rank == 4 && x.shape[1] == channels,
    "the input \(x.shape) for a network of images of \(channels) channels"
  )
}

extension ValueCheck {
  /// A probability below 1.
  func dropout(_ probability: Double) throws(NetworksError) {
    try require((0..<1).contains(probability), "a dropout of \(probability)")
  }

  /// Blocks of each stage.
  func blocks(_ blocks: [Int], stages: Int) throws(NetworksError) {
    try require(
      blocks.count == stages && blocks.allSatisfy((1...200).contains),
      "blocks \(blocks) of \(stages) stages"
    )
  }

  /// A bound on the weights of a fully connected layer.
  func map(_ inputs: Int, _ outputs: Int) throws(NetworksError) {
    try require(
      Double(inputs) * Double(outputs) <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}
