import Layers
import Support
import Tensors

/// nnU-Net's U-Net of plain convolutions.
///
/// Isensee, Jaeger, Kohl, Petersen and Maier-Hein 2021, "nnU-Net: a self-configuring method for deep
/// learning-based biomedical image segmentation", methods, "Architecture template": convolution,
/// instance normalisation and leaky ReLU; a step in a stage's first convolution halves the
/// resolution, transposed convolutions restore it. Parameters have the names of nnU-Net's
/// checkpoints (`StateDictionaryNames.pyTorch`).
public final class PlainConvUNet: HeadedNetwork, DeeplySupervisedNetwork {
  /// The values that define the network.
  public let configuration: NNUNetConfiguration
  private let encoder: [StackedUnits]
  let decoder: NNUNetDecoder

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: NNUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    encoder = c.features.indices.map { stage in
      StackedUnits(
        c.unitsPerStage[stage],
        inputChannels: stage == 0 ? c.inputChannels : c.features[stage - 1],
        outputChannels: c.features[stage],
        kernelSize: c.kernelSizes[stage],
        stride: c.strides[stage],
        like: c,
        random: &random
      )
    }
    decoder = NNUNetDecoder(c, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    encoder.enumerated().map { ("encoder.stages.\($0.offset).0", $0.element as any Layer) }
      + decoder.children
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
    var y = x
    return encoder.map { stage in
      y = stage(y, in: context)
      return y
    }
  }
}
