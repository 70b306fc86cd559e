import Layers
import Support
import Tensors

/// The values that define a feed-forward network of one style.
public struct StyleTransferConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input and the output.
  public var channels: Int
  /// Channels at full resolution, 32 in the paper.
  public var features: Int
  /// Residual blocks at a quarter of the size, 5 in the paper.
  public var blocks: Int

  /// Creates a configuration.
  /// - Parameters:
  ///   - channels: Channels of the input and the output.
  ///   - features: Channels at full resolution.
  ///   - blocks: Residual blocks.
  public init(channels: Int = 3, features: Int = 32, blocks: Int = 5) {
    (self.channels, self.features, self.blocks) = (channels, features, blocks)
  }
}

/// A feed-forward network that paints pictures in one style.
///
/// Johnson, Alahi and Fei-Fei 2016, "Perceptual losses for real-time style transfer and
/// super-resolution", with instance normalisation (Ulyanov, Vedaldi and Lempitsky 2017, "Improved
/// texture networks") and, instead of transposed convolutions, whose windows overlap unevenly and
/// leave a grid, the nearest neighbour and a convolution (Odena, Dumoulin and Olah 2016,
/// "Deconvolution and checkerboard artifacts"). Borders are mirrored. Parameters have the names of
/// PyTorch's example `fast_neural_style` (`res1.conv1.conv2d.weight`).
public final class StyleTransferNet: Network {
  /// The values that define the network.
  public let configuration: StyleTransferConfiguration
  private let down: [Unit]
  private let blocks: [(first: Unit, second: Unit)]
  private let up: [Unit]
  private let last: Convolution

  /// A convolution over mirrored borders and its normalisation.
  private struct Unit {
    let convolution: Convolution
    let normalization: InstanceNormalization

    init(_ input: Int, _ output: Int, _ window: Int, stride: Int = 1, random: inout RandomStream) {
      convolution = StyleTransferNet.convolution(input, output, window, stride, &random)
      normalization = InstanceNormalization(channels: output, isAffine: true)
    }

    func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
      normalization(StyleTransferNet.mirrored(x, convolution, in: context), in: context)
    }
  }

  /// Steps down and up.
  private static let steps = 2

  private static func convolution(
    _ input: Int,
    _ output: Int,
    _ window: Int,
    _ stride: Int,
    _ random: inout RandomStream
  ) -> Convolution {
    Convolution(
      inputChannels: input,
      outputChannels: output,
      kernelSize: [window, window],
      stride: [stride, stride],
      padding: [0, 0],
      random: &random
    )
  }

  private static func mirrored(
    _ x: Tensor,
    _ convolution: Convolution,
    in context: Context
  ) -> Tensor {
    let reach = convolution.weight.shape[2] / 2
    let around = [reach, reach]
    return convolution(padded(x, before: around, after: around, mode: .reflect), in: context)
  }

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: StyleTransferConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let widths = (0...Self.steps).map { configuration.features << $0 }
    var down = [Unit(configuration.channels, widths[0], 9, random: &random)]
    for step in 0..<Self.steps {
      down.append(Unit(widths[step], widths[step + 1], 3, stride: 2, random: &random))
    }
    self.down = down
    let inner = widths[Self.steps]
    blocks = (0..<configuration.blocks).map { _ in
      (Unit(inner, inner, 3, random: &random), Unit(inner, inner, 3, random: &random))
    }
    up = (0..<Self.steps).reversed().map { Unit(widths[$0 + 1], widths[$0], 3, random: &random) }
    last = Self.convolution(widths[0], configuration.channels, 9, 1, &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = []
    for (index, unit) in down.enumerated() {
      all += [
        ("conv\(index + 1).conv2d", unit.convolution), ("in\(index + 1)", unit.normalization),
      ]
    }
    for (index, block) in blocks.enumerated() {
      for (number, unit) in [block.first, block.second].enumerated() {
        all += [
          ("res\(index + 1).conv\(number + 1).conv2d", unit.convolution),
          ("res\(index + 1).in\(number + 1)", unit.normalization),
        ]
      }
    }
    for (index, unit) in up.enumerated() {
      all += [
        ("deconv\(index + 1).conv2d", unit.convolution),
        ("in\(down.count + index + 1)", unit.normalization),
      ]
    }
    return all + [("deconv\(up.count + 1).conv2d", last)]
  }

  /// Paints pictures.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`; PyTorch's example takes 0 to 255.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`, not limited to a range.
  /// - Precondition: Both axes are multiples of 8.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.channels,
      "the input \(x.shape) for a network of \(configuration.channels) channels"
    )
    var y = x
    for unit in down { y = relu(unit(y, in: context)) }
    for block in blocks { y = y + block.second(relu(block.first(y, in: context)), in: context) }
    for unit in up {
      let size = y.shape.dropFirst(2).map { 2 * $0 }
      y = relu(unit(upsampled(y, to: size, interpolation: .nearest), in: context))
    }
    return Self.mirrored(y, last, in: context)
  }

  /// 2 for each step down, and twice that: borders are mirrored at a quarter of the size, where an
  /// axis must have two cells.
  public var sizeMultiple: Int { 8 }
}

extension StyleTransferConfiguration: NetworkValues {
  var inputChannels: Int { channels }
  var outputChannels: Int { channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(channels, channels)
    try check.require((1...64).contains(blocks), "\(blocks) blocks")
    try check.require((1...1024).contains(features), "\(features) features")
    try check.weights(widest: max(channels, 4 * features), window: 81, layers: 2 * blocks + 6)
  }

  func network(random: inout RandomStream) -> any Network {
    StyleTransferNet(self, random: &random)
  }
}
