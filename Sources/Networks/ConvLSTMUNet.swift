import Layers
import Support
import Tensors

/// A U-Net of slices with a convolutional LSTM that runs through them.
///
/// Every window and step leaves the first axis, the slices, alone, so that the way down and the way up see
/// slice by slice what nnU-Net's U-Net of plain convolutions sees; normalisation is over the whole
/// patch. At the deepest resolution an LSTM of convolutions (Shi et al. 2015) runs through the slices in
/// both directions, and what it finds is added to the maps: as Chen et al. 2016, "Combining fully
/// convolutional and recurrent neural networks for 3D biomedical image segmentation", but within one
/// network, as Novikov et al. 2019, "Deep sequential segmentation of organs in volumetric medical scans".
/// Any number of slices will do.
public final class ConvLSTMUNet: HeadedNetwork, DeeplySupervisedNetwork {
  /// The values that define the network.
  public let configuration: NNUNetConfiguration
  private let encoder: [StackedUnits]
  private let forward: ConvolutionalLSTM
  private let backward: ConvolutionalLSTM
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
    let width = c.features[c.features.count - 1]
    forward = ConvolutionalLSTM(inputChannels: width, width: width / 2, random: &random)
    backward = ConvolutionalLSTM(inputChannels: width, width: width / 2, random: &random)
    decoder = NNUNetDecoder(c, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    encoder.enumerated().map { ("encoder.stages.\($0.offset).0", $0.element as any Layer) }
      + [("forward", forward), ("backward", backward)] + decoder.children
  }

  /// Computes class scores at full resolution.
  /// - Parameters:
  ///   - x: `[N, inputChannels, slices, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, slices, H, W]`.
  /// - Precondition: H and W are multiples of `axisMultiples`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    decoder.scores(of: skips(of: x, in: context), allHeads: false, in: context)[0]
  }

  /// Computes the class scores of every head.
  /// - Parameters:
  ///   - x: `[N, inputChannels, slices, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: Logits, the highest resolution first; one without `hasDeepSupervision`.
  public func allScores(_ x: Tensor, in context: Context) -> [Tensor] {
    decoder.scores(of: skips(of: x, in: context), allHeads: true, in: context)
  }

  /// What the head of full resolution reads.
  /// - Parameters:
  ///   - x: `[N, inputChannels, slices, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: Features, `[N, features[0], slices, H, W]`.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    decoder.features(of: skips(of: x, in: context), in: context)
  }

  /// The head of full resolution.
  public var head: Convolution { decoder.lastHead }

  /// The product of the strides.
  public var sizeMultiple: Int { configuration.sizeMultiple }
  /// The product of each axis's strides; 1 of the slices.
  public var axisMultiples: [Int] { configuration.axisMultiples }

  private func skips(of x: Tensor, in context: Context) -> [Tensor] {
    precondition(
      x.rank == 5 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    var y = x
    var maps = encoder.map { stage in
      y = stage(y, in: context)
      return y
    }
    let found = concatenation([
      forward(y, from: nil, in: context).output,
      backward(y, from: nil, isReversed: true, in: context).output,
    ])
    maps[maps.count - 1] = y + found
    return maps
  }
}

extension NNUNetConfiguration {
  /// The same stages on slices: windows and steps leave the first of three axes alone.
  ///
  /// A deepest stage of an odd number of channels gets one more, half of them for each direction.
  public var throughSlices: NNUNetConfiguration {
    var values = self
    values.kernelSizes = kernelSizes.map { [1] + $0.dropFirst() }
    values.strides = strides.map { [1] + $0.dropFirst() }
    if let last = values.features.last {
      values.features[values.features.count - 1] = last + last % 2
    }
    return values
  }

  /// Checks that the network is one of slices.
  func checkThroughSlices(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.require(dimensions == 3, "\(dimensions) dimensions")
    try check.require(
      kernelSizes.allSatisfy { $0[0] == 1 } && strides.allSatisfy { $0[0] == 1 },
      "windows or steps across slices, \(kernelSizes) and \(strides)"
    )
    try check.require(
      (features.last ?? 0) % 2 == 0,
      "\(features.last ?? 0) channels for two directions"
    )
  }
}
