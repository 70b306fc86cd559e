import Layers
import Support
import Tensors

/// nnU-Net's U-Net with a residual encoder.
///
/// Isensee, Wald, Ulrich et al. 2024, "nnU-Net revisited: a call for rigorous validation in 3D medical
/// image segmentation" (ResEnc presets). A stem of one convolution, then stages of blocks of two
/// convolutions whose shortcut averages where the block steps (He, Zhang et al. 2019, "Bag of tricks
/// for image classification with convolutional neural networks", figure 2c, ResNet-D) and projects
/// where the number of channels changes. The way up is that of `PlainConvUNet`. Parameters have the
/// names of nnU-Net's checkpoints.
public final class ResidualEncoderUNet: HeadedNetwork, DeeplySupervisedNetwork {
  /// The values that define the network.
  public let configuration: NNUNetConfiguration
  private let stem: StackedUnits
  private let encoder: [[ResidualBlock]]
  let decoder: NNUNetDecoder

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: NNUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    stem = StackedUnits(
      1,
      inputChannels: c.inputChannels,
      outputChannels: c.features[0],
      kernelSize: c.kernelSizes[0],
      like: c,
      random: &random
    )
    encoder = c.features.indices.map { stage in
      (0..<c.unitsPerStage[stage]).map { block in
        ResidualBlock(
          inputChannels: c.features[block == 0 ? max(0, stage - 1) : stage],
          outputChannels: c.features[stage],
          kernelSize: c.kernelSizes[stage],
          stride: block == 0 ? c.strides[stage] : c.strides[stage].map { _ in 1 },
          like: c,
          random: &random
        )
      }
    }
    decoder = NNUNetDecoder(c, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("encoder.stem", stem)]
      + encoder.enumerated().flatMap { stage, blocks in
        blocks.enumerated().map {
          ("encoder.stages.\(stage).blocks.\($0.offset)", $0.element as any Layer)
        }
      } + decoder.children
  }

  /// Computes class scores at full resolution.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    decoder.scores(of: skips(of: x, in: context), allHeads: false, in: context)[0]
  }

  /// Computes the class scores of every head.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, the highest resolution first; one without `hasDeepSupervision`.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func allScores(_ x: Tensor, in context: Context) -> [Tensor] {
    decoder.scores(of: skips(of: x, in: context), allHeads: true, in: context)
  }

  /// What the head of full resolution reads.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: Features, `[N, features[0], H, W]` or with depth.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    decoder.features(of: skips(of: x, in: context), in: context)
  }

  /// The head of full resolution.
  public var head: Convolution { decoder.lastHead }

  /// The product of the strides.
  public var sizeMultiple: Int { configuration.sizeMultiple }
  /// The product of each axis's strides.
  public var axisMultiples: [Int] { configuration.axisMultiples }

  func skips(of x: Tensor, in context: Context) -> [Tensor] {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = stem(x, in: context)
    return encoder.map { blocks in
      y = blocks.reduce(y) { $1($0, in: context) }
      return y
    }
  }
}

/// Two convolutions and a shortcut: leaky(norm(conv(unit(x))) + shortcut(x)).
private final class ResidualBlock: Layer {
  private let first: ConvolutionUnit
  private let second: ConvolutionUnit
  private let projection: ConvolutionUnit?
  private let stride: [Int]
  private let negativeSlope: Float

  init(
    inputChannels: Int,
    outputChannels: Int,
    kernelSize: [Int],
    stride: [Int],
    like configuration: NNUNetConfiguration,
    random: inout RandomStream
  ) {
    func unit(
      _ input: Int,
      _ window: [Int],
      _ step: [Int]?,
      bias: Bool,
      slope: Float
    ) -> ConvolutionUnit {
      ConvolutionUnit(
        inputChannels: input,
        outputChannels: outputChannels,
        kernelSize: window,
        stride: step,
        hasBias: bias,
        normalization: configuration.normalization,
        negativeSlope: slope,
        random: &random
      )
    }
    let bias = configuration.hasBias
    first = unit(
      inputChannels,
      kernelSize,
      stride,
      bias: bias,
      slope: configuration.negativeSlope
    )
    second = unit(outputChannels, kernelSize, nil, bias: bias, slope: 1)
    projection =
      inputChannels == outputChannels
      ? nil : unit(inputChannels, kernelSize.map { _ in 1 }, nil, bias: false, slope: 1)
    self.stride = stride
    negativeSlope = configuration.negativeSlope
  }

  private var isStepping: Bool { stride.contains { $0 != 1 } }

  var children: [(name: String, layer: any Layer)] {
    // The shortcut is a sequence in PyTorch, in which the pooling takes the first place.
    [("conv1", first), ("conv2", second)]
      + (projection.map { [("skip.\(isStepping ? 1 : 0)", $0 as any Layer)] } ?? [])
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var shortcut = x
    if isStepping { shortcut = averagePooling(shortcut, shape: PoolingShape(kernel: stride)) }
    if let projection { shortcut = projection(shortcut, in: context) }
    let y = second(first(x, in: context), in: context)
    return leakyReLU(y + shortcut, negativeSlope: negativeSlope)
  }
}
