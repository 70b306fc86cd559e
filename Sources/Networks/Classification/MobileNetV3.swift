import Layers
import Support
import Tensors

/// The values that define a MobileNetV3.
public struct MobileNetV3Configuration: Codable, Sendable, Equatable {
  /// Which of the paper's two networks.
  public enum Size: String, Codable, Sendable, CaseIterable {
    /// Table 2.
    case small
    /// Table 1.
    case large
  }

  /// Channels of the image.
  public var inputChannels: Int
  /// Classes, or values of an embedding.
  public var outputChannels: Int
  /// Which of the paper's two networks.
  public var size: Size
  /// What the paper's numbers of channels are multiplied by.
  public var widthFactor = 1.0
  /// Share of values dropped before the last layer while training.
  public var dropoutProbability = 0.2
  /// How the image is taken in; the small stem leaves the first convolution's stride out.
  public var stem: ClassifierStem

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - size: Which of the paper's two networks.
  ///   - stem: How the image is taken in.
  public init(
    inputChannels: Int = 3,
    outputChannels: Int,
    size: Size,
    stem: ClassifierStem = .standard
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.size = size
    self.stem = stem
  }

  /// A number of channels times the width factor, rounded to a multiple of 8, down by at most a tenth.
  func channels(_ count: Int) -> Int { Self.multipleOf8(Double(count) * widthFactor) }

  /// The multiple of 8 that is nearest, or the next one where that is more than a tenth less.
  static func multipleOf8(_ value: Double) -> Int {
    let rounded = max(8, Int(value + 4) / 8 * 8)
    return Double(rounded) < 0.9 * value ? rounded + 8 : rounded
  }

  /// Values before the last layer.
  var lastFeatures: Int { channels(size == .small ? 1024 : 1280) }

  /// The blocks with their channels.
  var blocks: [MobileNetV3Block] {
    (size == .small ? MobileNetV3Block.small : MobileNetV3Block.large).map { block in
      var block = block
      block.expanded = channels(block.expanded)
      block.output = channels(block.output)
      return block
    }
  }
}

/// A row of the paper's tables.
struct MobileNetV3Block: Sendable {
  /// Window of the convolution of single channels.
  let window: Int
  /// Channels inside.
  var expanded: Int
  /// Channels of the result.
  var output: Int
  /// Whether channels are weighted by what the whole map shows.
  let isSqueezed: Bool
  /// Whether hard-swish rather than a rectifier is applied.
  let isHardSwish: Bool
  let stride: Int

  private init(_ window: Int, _ expanded: Int, _ output: Int, _ marks: String, stride: Int) {
    self.window = window
    self.expanded = expanded
    self.output = output
    isSqueezed = marks.contains("S")
    isHardSwish = marks.contains("H")
    self.stride = stride
  }

  /// Table 2; S for squeeze and excite, H for hard-swish.
  static let small = [
    MobileNetV3Block(3, 16, 16, "S", stride: 2), MobileNetV3Block(3, 72, 24, "", stride: 2),
    MobileNetV3Block(3, 88, 24, "", stride: 1), MobileNetV3Block(5, 96, 40, "SH", stride: 2),
    MobileNetV3Block(5, 240, 40, "SH", stride: 1), MobileNetV3Block(5, 240, 40, "SH", stride: 1),
    MobileNetV3Block(5, 120, 48, "SH", stride: 1), MobileNetV3Block(5, 144, 48, "SH", stride: 1),
    MobileNetV3Block(5, 288, 96, "SH", stride: 2), MobileNetV3Block(5, 576, 96, "SH", stride: 1),
    MobileNetV3Block(5, 576, 96, "SH", stride: 1),
  ]

  /// Table 1.
  static let large = [
    MobileNetV3Block(3, 16, 16, "", stride: 1), MobileNetV3Block(3, 64, 24, "", stride: 2),
    MobileNetV3Block(3, 72, 24, "", stride: 1), MobileNetV3Block(5, 72, 40, "S", stride: 2),
    MobileNetV3Block(5, 120, 40, "S", stride: 1), MobileNetV3Block(5, 120, 40, "S", stride: 1),
    MobileNetV3Block(3, 240, 80, "H", stride: 2), MobileNetV3Block(3, 200, 80, "H", stride: 1),
    MobileNetV3Block(3, 184, 80, "H", stride: 1), MobileNetV3Block(3, 184, 80, "H", stride: 1),
    MobileNetV3Block(3, 480, 112, "SH", stride: 1), MobileNetV3Block(3, 672, 112, "SH", stride: 1),
    MobileNetV3Block(5, 672, 160, "SH", stride: 2), MobileNetV3Block(5, 960, 160, "SH", stride: 1),
    MobileNetV3Block(5, 960, 160, "SH", stride: 1),
  ]
}

/// MobileNetV3: inverted residual blocks, found by a search for accuracy and speed.
///
/// Howard, Sandler, Chu et al. 2019, "Searching for MobileNetV3", tables 1 and 2; squeeze and excite
/// after Hu, Shen and Sun 2018 with the hard sigmoid min(max(x + 3, 0), 6) / 6. Parameters have the
/// names of torchvision's state dictionaries (`features.1.block.0.0.weight`).
public final class MobileNetV3: VectorNetwork {
  /// The values that define the network.
  public let configuration: MobileNetV3Configuration
  private let first: NormalizedConvolution
  private let blocks: [InvertedResidual]
  private let last: NormalizedConvolution
  private let hidden: Linear
  private let head: Linear

  /// Added to the variance of the normalisations, as torchvision has it.
  fileprivate static let epsilon: Float = 0.001
  /// The share of a batch in the running statistics.
  fileprivate static let momentum: Float = 0.01

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: MobileNetV3Configuration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    var input = c.channels(16)
    first = NormalizedConvolution(
      c.inputChannels,
      input,
      window: 3,
      stride: c.stem == .standard ? 2 : 1,
      epsilon: Self.epsilon,
      momentum: Self.momentum,
      isRectified: false,
      random: &random
    )
    blocks = c.blocks.map { values in
      let block = InvertedResidual(input, values, random: &random)
      input = values.output
      return block
    }
    last = NormalizedConvolution(
      input,
      6 * input,
      window: 1,
      epsilon: Self.epsilon,
      momentum: Self.momentum,
      isRectified: false,
      random: &random
    )
    hidden = Linear(inputs: 6 * input, outputs: c.lastFeatures, random: &random)
    head = Linear(inputs: c.lastFeatures, outputs: c.outputChannels, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("features.0", first)]
      + blocks.enumerated().map { ("features.\($0.offset + 1)", $0.element as any Layer) }
      + [
        ("features.\(blocks.count + 1)", last), ("classifier.0", hidden), ("classifier.3", head),
      ]
  }

  /// Finds features.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: The last maps, of a 32nd of the size, or a 16th with the small stem.
  public func features(_ x: Tensor, in context: Context) -> Tensor {
    requireImage(x, channels: configuration.inputChannels)
    let y = blocks.reduce(hardSwish(first(x, in: context))) { $1($0, in: context) }
    return hardSwish(last(y, in: context))
  }

  /// Averages the feature maps and applies the layer before the last.
  /// - Parameters:
  ///   - features: What `features` gave.
  ///   - context: To train or to predict.
  /// - Returns: What the last layer sees, `[N, F]`.
  public func embedding(of features: Tensor, in context: Context) -> Tensor {
    let y = hardSwish(hidden(spatialMean(features), in: context))
    return droppedOut(y, configuration.dropoutProbability, in: context)
  }

  /// The last layer.
  /// - Parameters:
  ///   - embedding: What `embedding` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func scores(of embedding: Tensor, in context: Context) -> Tensor {
    head(embedding, in: context)
  }
}

/// A block: channels are multiplied, filtered one by one, weighted, and brought together.
private final class InvertedResidual: Layer {
  private let expansion: NormalizedConvolution?
  private let filter: NormalizedConvolution
  private let squeeze: SqueezeExcitation?
  private let projection: NormalizedConvolution
  private let isHardSwish: Bool
  private let isResidual: Bool

  init(_ input: Int, _ values: MobileNetV3Block, random: inout RandomStream) {
    func unit(
      _ input: Int,
      _ output: Int,
      window: Int = 1,
      stride: Int = 1,
      groups: Int = 1,
      isRectified: Bool
    ) -> NormalizedConvolution {
      NormalizedConvolution(
        input,
        output,
        window: window,
        stride: stride,
        groups: groups,
        epsilon: MobileNetV3.epsilon,
        momentum: MobileNetV3.momentum,
        isRectified: isRectified,
        random: &random
      )
    }
    let isRectified = !values.isHardSwish
    expansion =
      values.expanded == input ? nil : unit(input, values.expanded, isRectified: isRectified)
    filter = unit(
      values.expanded,
      values.expanded,
      window: values.window,
      stride: values.stride,
      groups: values.expanded,
      isRectified: isRectified
    )
    squeeze = values.isSqueezed ? SqueezeExcitation(values.expanded, random: &random) : nil
    projection = unit(values.expanded, values.output, isRectified: false)
    isHardSwish = values.isHardSwish
    isResidual = values.stride == 1 && input == values.output
  }

  var children: [(name: String, layer: any Layer)] {
    let layers: [(any Layer)?] = [expansion, filter, squeeze, projection]
    return layers.compactMap { $0 }.enumerated().map { ("block.\($0.offset)", $0.element) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var y = x
    for unit in [expansion, filter].compactMap({ $0 }) {
      y = unit(y, in: context)
      if isHardSwish { y = hardSwish(y) }
    }
    y = projection(squeeze?(y, in: context) ?? y, in: context)
    return isResidual ? x + y : y
  }
}

/// Channels are multiplied by numbers that the means of all channels give.
private final class SqueezeExcitation: Layer {
  private let narrowing: Convolution
  private let widening: Convolution

  /// Between which the hard sigmoid grows.
  private static let bounds = (low: Tensor([0], shape: []), high: Tensor([6], shape: []))

  init(_ channels: Int, random: inout RandomStream) {
    let middle = MobileNetV3Configuration.multipleOf8(Double(channels / 4))
    narrowing = Convolution(
      inputChannels: channels,
      outputChannels: middle,
      kernelSize: [1, 1],
      random: &random
    )
    widening = Convolution(
      inputChannels: middle,
      outputChannels: channels,
      kernelSize: [1, 1],
      random: &random
    )
  }

  var children: [(name: String, layer: any Layer)] { [("fc1", narrowing), ("fc2", widening)] }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = widening(relu(narrowing(globalAveragePooling(x), in: context)), in: context)
    let gate = minimum(maximum(y + 3, Self.bounds.low), Self.bounds.high) * (1 / 6)
    return x * gate
  }
}

extension MobileNetV3Configuration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { MobileNetV3(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require((0.05...8).contains(widthFactor), "a width factor of \(widthFactor)")
    try check.dropout(dropoutProbability)
  }
}
