import Support
import Tensors

/// Convolution, dropout, normalisation and leaky ReLU: the brick of segmentation networks.
public final class ConvolutionUnit: Layer {
  private let convolution: Convolution
  private let normalization: (any Layer)?
  private let negativeSlope: Float
  private let dropoutProbability: Double

  /// Creates a unit.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Channels of the output.
  ///   - kernelSize: Window along each spatial axis.
  ///   - stride: Step along each spatial axis, 1 when nil.
  ///   - padding: Zeros on both sides, half the window when nil.
  ///   - hasBias: Whether the convolution adds a bias.
  ///   - normalization: Which normalisation follows.
  ///   - negativeSlope: Slope of the activation for negative values; 1 for none.
  ///   - dropoutProbability: Share of channels dropped while training and in samples.
  ///   - random: The stream to draw weights from.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    kernelSize: [Int],
    stride: [Int]? = nil,
    padding: [Int]? = nil,
    hasBias: Bool = true,
    normalization: NormalizationKind,
    negativeSlope: Float,
    dropoutProbability: Double = 0,
    random: inout RandomStream
  ) {
    convolution = Convolution(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      kernelSize: kernelSize,
      stride: stride,
      padding: padding,
      hasBias: hasBias,
      random: &random
    )
    self.normalization =
      switch normalization {
      case .none: nil
      case .batch: BatchNormalization(channels: outputChannels, negativeSlope: negativeSlope)
      case .instance:
        InstanceNormalization(channels: outputChannels, negativeSlope: negativeSlope)
      }
    self.negativeSlope = negativeSlope
    self.dropoutProbability = dropoutProbability
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("conv", convolution)] + (normalization.map { [("norm", $0)] } ?? [])
  }

  /// Applies the unit.
  /// - Parameters:
  ///   - x: `[N, inputChannels, spatial…]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels, spatial′…]` by the convolution's rule.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = context.dropping(
      convolution(x, in: context),
      probability: dropoutProbability,
      wholeChannels: true
    )
    if let normalization { return normalization(y, in: context) }
    return negativeSlope == 1 ? y : leakyReLU(y, negativeSlope: negativeSlope)
  }
}
