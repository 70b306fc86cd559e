import Layers
import Support
import Tensors

/// The values that define a U-Net of partial convolutions.
public struct PartialConvolutionUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var channels: Int
  /// Channels of each level, each of half the size of the one before.
  public var features: [Int]

  /// Creates a configuration.
  /// - Parameters:
  ///   - channels: Channels of the image.
  ///   - features: Channels of each level, each of half the size of the one before.
  public init(channels: Int = 1, features: [Int] = [32, 64, 128, 128]) {
    self.channels = channels
    self.features = features
  }
}

/// A U-Net that fills holes in images by partial convolutions.
///
/// Liu, Reda, Shih, Wang, Tao and Catanzaro 2018, "Image Inpainting for Irregular Holes Using Partial
/// Convolutions": a convolution sees known values only and is scaled by the share of its window that is
/// known; a place is known from then on when its window held anything known (equations 1 and 2; what lies
/// outside the image is unknown). The way up repeats pixels and joins the way down's maps with their masks,
/// at last the image itself (section 3.2). All windows are of 3, where the paper has 7 and 5 in the first
/// levels. The input's last channel is the mask, 1 where the image is known.
public final class PartialConvolutionUNet: Network {
  /// The values that define the network.
  public let configuration: PartialConvolutionUNetConfiguration
  private let down: [(convolution: PartialConvolution, normalization: BatchNormalization?)]
  private let up: [(convolution: PartialConvolution, normalization: BatchNormalization?)]

  /// Slope for negative values on the way up.
  private static let negativeSlope: Float = 0.2

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: PartialConvolutionUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let (channels, features) = (configuration.channels, configuration.features)
    down = features.indices.map { level in
      (
        PartialConvolution(
          level == 0 ? channels : features[level - 1],
          features[level],
          stride: 2,
          random: &random
        ),
        level == 0 ? nil : BatchNormalization(channels: features[level], negativeSlope: 0)
      )
    }
    up = features.indices.reversed().map { level in
      let output = level == 0 ? channels : features[level - 1]
      return (
        PartialConvolution(features[level] + output, output, stride: 1, random: &random),
        level == 0
          ? nil : BatchNormalization(channels: output, negativeSlope: Self.negativeSlope)
      )
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    func named(
      _ name: String,
      _ steps: [(convolution: PartialConvolution, normalization: BatchNormalization?)]
    ) -> [(name: String, layer: any Layer)] {
      steps.enumerated().flatMap { index, step -> [(name: String, layer: any Layer)] in
        [("\(name).\(index).conv", step.convolution)]
          + (step.normalization.map { [("\(name).\(index).norm", $0)] } ?? [])
      }
    }
    return named("down", down) + named("up", up)
  }

  /// Fills images; also what was known is the network's and should be put back.
  /// - Parameters:
  ///   - x: `[N, channels + 1, H, W]`, the mask last: more than ½ where the image is known.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]`.
  /// - Precondition: Rows and columns are multiples of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let channels = configuration.channels
    precondition(
      x.rank == 4 && x.shape[1] == channels + 1,
      "the input \(x.shape) for an image of \(channels) channels and its mask"
    )
    let known = isGreater(
      x.sliced(axis: 1, start: channels, end: channels + 1),
      Tensor(repeating: 0.5, shape: [1])
    )
    var maps = MaskedMaps(values: x.sliced(axis: 1, start: 0, end: channels), known: known)
    var skips: [MaskedMaps] = []
    for (level, step) in down.enumerated() {
      skips.append(maps)
      let (values, known) = step.convolution([maps], in: context)
      // Normalisations come with their rectifiers.
      maps = MaskedMaps(
        values: step.normalization?(values, in: context) ?? (level == 0 ? relu(values) : values),
        known: known
      )
    }
    for step in up {
      guard let skip = skips.popLast() else { break }
      let large = MaskedMaps(
        values: maps.values.enlarged(2, .nearest),
        known: maps.known.enlarged(2, .nearest)
      )
      let (values, known) = step.convolution([large, skip], in: context)
      maps = MaskedMaps(
        values: step.normalization?(values, in: context) ?? values,
        known: known
      )
    }
    return maps.values
  }

  /// 2 for each level.
  public var sizeMultiple: Int { 1 << configuration.features.count }
}

/// Feature maps, and where they are known.
private struct MaskedMaps {
  /// `[N, C, H, W]`.
  let values: Tensor
  /// `[N, 1, H, W]`, 0 or 1.
  let known: Tensor
}

/// A convolution of what is known.
private final class PartialConvolution: Layer {
  private let convolution: Convolution
  private let bias: Parameter

  init(_ input: Int, _ output: Int, stride: Int, random: inout RandomStream) {
    convolution = Convolution(
      inputChannels: input,
      outputChannels: output,
      kernelSize: [3, 3],
      stride: [stride, stride],
      padding: [1, 1],
      hasBias: false,
      random: &random
    )
    bias = Parameter(Tensor(repeating: 0, shape: [output]))
  }

  var ownParameters: [(name: String, parameter: Parameter)] {
    convolution.ownParameters + [("bias", bias)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor { convolution(x, in: context) }

  /// Convolves maps that are joined, each with its own mask.
  func callAsFunction(
    _ parts: [MaskedMaps],
    in context: Context
  ) -> (values: Tensor, known: Tensor) {
    let masked = parts.map { $0.values * $0.known }
    // The number of known values in each window, whole.
    let weights = Tensor(repeating: 1, shape: [1, 1, 3, 3])
    let counted = parts.dropFirst().reduce(parts[0].known * Float(parts[0].values.shape[1])) {
      $0 + $1.known * Float($1.values.shape[1])
    }
    let count = Tensors.convolution(counted, weight: weights, bias: nil, shape: convolution.shape)
    let known = count.clamped(low: 0, high: 1)
    let all = Float(9 * parts.reduce(0) { $0 + $1.values.shape[1] })
    let scale = known * all / count.clamped(low: 1, high: .infinity)
    let sum = convolution(
      masked.count == 1 ? masked[0] : concatenation(masked, axis: 1),
      in: context
    )
    let shift = bias.value(in: context).reshaped([1, bias.shape[0], 1, 1])
    return (sum * scale + shift * known, known)
  }
}

extension PartialConvolutionUNetConfiguration: NetworkValues {
  var inputChannels: Int { channels + 1 }
  var outputChannels: Int { channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(channels, channels)
    try check.features(features, count: 1...8)
    try check.weights(
      widest: 2 * max(channels, features.max() ?? 1),
      window: 9,
      layers: 2 * features.count
    )
  }

  func network(random: inout RandomStream) -> any Network {
    PartialConvolutionUNet(self, random: &random)
  }
}
