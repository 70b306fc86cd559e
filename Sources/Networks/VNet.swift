import Layers
import Support
import Tensors

/// The values that define MONAI's V-Net.
public struct VNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input, a divisor of those at full resolution; `in_channels` in MONAI.
  public var inputChannels: Int
  /// Classes, background included; `out_channels`.
  public var outputChannels: Int
  /// Spatial axes, 2 or 3; `spatial_dims`.
  public var dimensions: Int
  /// Channels at full resolution, which the way down doubles four times; 16 in MONAI.
  public var initialFeatures: Int
  /// Which activation follows each convolution; `act`.
  public var activation = FeatureActivation.elu(alpha: 1)
  /// Whether convolutions have a bias; those of the way up have none, transposed ones always; `bias`.
  public var hasBias = false
  /// Share of channels dropped in the two deepest levels while training; `dropout_prob_down`, `_up`.
  public var dropoutProbability: Double

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - dimensions: Spatial axes, 2 or 3.
  ///   - initialFeatures: Channels at full resolution.
  ///   - dropoutProbability: Share of channels dropped while training.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    dimensions: Int = 3,
    initialFeatures: Int = 16,
    dropoutProbability: Double = 0.5
  ) {
    self.initialFeatures = initialFeatures
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.dimensions = dimensions
    self.dropoutProbability = dropoutProbability
  }
}

/// V-Net: residual levels of 5-wide convolutions, joined skips.
///
/// Milletari, Navab and Ahmadi 2016, "V-Net: fully convolutional neural networks for volumetric medical
/// image segmentation", figure 2, with batch normalisation and padding, as MONAI's `VNet` has it.
/// Parameters have the names of MONAI's state dictionaries, which speak of the paper's 16 to 256
/// channels.
public final class VNet: Network {
  /// The values that define the network.
  public let configuration: VNetConfiguration
  private let first: NormalizedUnit
  private let down: [DownTransition]
  private let up: [UpTransition]
  private let last: NormalizedUnit
  private let head: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: VNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let width = c.initialFeatures
    first = NormalizedUnit(
      c.inputChannels,
      width,
      hasBias: c.hasBias,
      like: c,
      random: &random
    )
    down = [1, 2, 3, 2].enumerated().map { level, count in
      DownTransition(
        width << level,
        units: count,
        dropoutProbability: level >= 2 ? c.dropoutProbability : 0,
        like: c,
        random: &random
      )
    }
    // Multiples of the channels at full resolution, and units.
    up = [(16, 16, 2), (16, 8, 2), (8, 4, 1), (4, 2, 1)].enumerated().map { step, sizes in
      UpTransition(
        sizes.0 * width,
        sizes.1 * width,
        units: sizes.2,
        dropoutProbability: step < 2 ? c.dropoutProbability : 0,
        like: c,
        random: &random
      )
    }
    last = NormalizedUnit(
      2 * width,
      c.outputChannels,
      hasBias: c.hasBias,
      like: c,
      random: &random
    )
    head = Convolution(
      inputChannels: c.outputChannels,
      outputChannels: c.outputChannels,
      kernelSize: [Int](repeating: 1, count: c.dimensions),
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("in_tr", first)]
      + zip([32, 64, 128, 256], down).map { ("down_tr\($0)", $1 as any Layer) }
      + zip([256, 128, 64, 32], up).map { ("up_tr\($0)", $1 as any Layer) }
      + [("out_tr", last.renamed("act_function1")), ("out_tr.conv2", head)]
  }

  /// Computes class scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]` or with depth.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[N, outputChannels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    let copies = [Tensor](
      repeating: x,
      count: configuration.initialFeatures / configuration.inputChannels
    )
    var y = first.activated(
      first.normalized(x, in: context) + (copies.count == 1 ? x : concatenation(copies)),
      in: context
    )
    var skips: [Tensor] = []
    for transition in down {
      skips.append(y)
      y = transition(y, in: context)
    }
    for transition in up {
      guard let skip = skips.popLast() else { preconditionFailure("a skip is missing") }
      y = transition(y, skip: skip, in: context)
    }
    return head(last(y, in: context), in: context)
  }

  /// Four steps halve the size.
  public var sizeMultiple: Int { 16 }
}

/// Convolution, batch normalisation (`conv_block`), activation (`act_function`).
private final class NormalizedUnit: Layer {
  private let convolution: Convolution
  private let normalization: BatchNormalization
  private let activation: ActivationLayer

  init(
    _ input: Int,
    _ output: Int,
    hasBias: Bool,
    like c: VNetConfiguration,
    random: inout RandomStream
  ) {
    convolution = Convolution(
      inputChannels: input,
      outputChannels: output,
      kernelSize: [Int](repeating: 5, count: c.dimensions),
      hasBias: hasBias,
      random: &random
    )
    normalization = BatchNormalization(channels: output)
    activation = c.activation.layer(channels: output)
  }

  var children: [(name: String, layer: any Layer)] { named("act_function") }

  private func named(_ activationName: String) -> [(name: String, layer: any Layer)] {
    [
      ("conv_block.conv", convolution), ("conv_block.adn.N", normalization),
      (activationName, activation),
    ]
  }

  /// The same parts, the activation under another name.
  func renamed(_ activationName: String) -> LayerNames { LayerNames(named(activationName)) }

  func normalized(_ x: Tensor, in context: Context) -> Tensor {
    normalization(convolution(x, in: context), in: context)
  }

  func activated(_ x: Tensor, in context: Context) -> Tensor { activation(x, in: context) }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    activation(normalized(x, in: context), in: context)
  }
}

/// Layers under names of their own; applied one after the other.
private final class LayerNames: Layer {
  let children: [(name: String, layer: any Layer)]

  init(_ children: [(name: String, layer: any Layer)]) { self.children = children }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    children.reduce(x) { $1.layer($0, in: context) }
  }
}

/// A step to half the resolution and twice the channels, and a residual level.
private final class DownTransition: Layer {
  private let step: Convolution
  private let normalization: BatchNormalization
  private let activations: [ActivationLayer]
  private let units: [NormalizedUnit]
  private let dropoutProbability: Double

  init(
    _ input: Int,
    units count: Int,
    dropoutProbability: Double,
    like c: VNetConfiguration,
    random: inout RandomStream
  ) {
    let twos = [Int](repeating: 2, count: c.dimensions)
    step = Convolution(
      inputChannels: input,
      outputChannels: 2 * input,
      kernelSize: twos,
      stride: twos,
      padding: twos.map { _ in 0 },
      hasBias: c.hasBias,
      random: &random
    )
    normalization = BatchNormalization(channels: 2 * input)
    activations = (0..<2).map { _ in c.activation.layer(channels: 2 * input) }
    units = (0..<count).map { _ in
      NormalizedUnit(2 * input, 2 * input, hasBias: c.hasBias, like: c, random: &random)
    }
    self.dropoutProbability = dropoutProbability
  }

  var children: [(name: String, layer: any Layer)] {
    [("down_conv", step), ("bn1", normalization)]
      + activations.enumerated().map { ("act_function\($0.offset + 1)", $0.element as any Layer) }
      + units.enumerated().map { ("ops.\($0.offset)", $0.element as any Layer) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = activations[0](normalization(step(x, in: context), in: context), in: context)
    let start = dropped(y, probability: dropoutProbability, wholeChannels: true, in: context)
    return activations[1](units.reduce(start) { $1($0, in: context) } + y, in: context)
  }
}

/// A step to twice the resolution, the skip, and a residual level.
private final class UpTransition: Layer {
  private let step: TransposedConvolution
  private let normalization: BatchNormalization
  private let activations: [ActivationLayer]
  private let units: [NormalizedUnit]
  private let dropoutProbability: Double
  private let skipDropoutProbability: Double

  init(
    _ input: Int,
    _ output: Int,
    units count: Int,
    dropoutProbability: Double,
    like c: VNetConfiguration,
    random: inout RandomStream
  ) {
    step = TransposedConvolution(
      inputChannels: input,
      outputChannels: output / 2,
      stride: [Int](repeating: 2, count: c.dimensions),
      random: &random
    )
    normalization = BatchNormalization(channels: output / 2)
    activations = [output / 2, output].map { c.activation.layer(channels: $0) }
    units = (0..<count).map { _ in
      NormalizedUnit(output, output, hasBias: false, like: c, random: &random)
    }
    self.dropoutProbability = dropoutProbability
    skipDropoutProbability = c.dropoutProbability
  }

  var children: [(name: String, layer: any Layer)] {
    [("up_conv", step), ("bn1", normalization)]
      + activations.enumerated().map { ("act_function\($0.offset + 1)", $0.element as any Layer) }
      + units.enumerated().map { ("ops.\($0.offset)", $0.element as any Layer) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let start = dropped(x, probability: dropoutProbability, wholeChannels: true, in: context)
    return activations[0](normalization(step(start, in: context), in: context), in: context)
  }

  func callAsFunction(_ x: Tensor, skip: Tensor, in context: Context) -> Tensor {
    let y = self(x, in: context)
    let kept = dropped(
      skip,
      probability: skipDropoutProbability,
      wholeChannels: true,
      in: context
    )
    let joined = concatenation([y, kept])
    return activations[1](units.reduce(joined) { $1($0, in: context) } + joined, in: context)
  }
}

extension VNetConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.require((1...256).contains(initialFeatures), "\(initialFeatures) first channels")
    try check.require(
      initialFeatures % inputChannels == 0,
      "\(inputChannels) input channels do not divide the \(initialFeatures) after them"
    )
    try check.require(activation.isPossible, "the activation \(activation)")
    try check.require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
  }

  func network(random: inout RandomStream) -> any Network { VNet(self, random: &random) }
}
