import Layers
import Support
import Tensors

/// What follows the convolutions of a network of MONAI, and in which order.
public struct MONAIUnitStyle: Codable, Sendable, Hashable {
  /// Which normalisation; `norm` in MONAI.
  public var normalization: FeatureNormalization
  /// Which activation; `act` in MONAI.
  public var activation: FeatureActivation
  /// Share of values dropped while training; `dropout` in MONAI.
  public var dropoutProbability: Double
  /// Whether convolutions have a bias.
  public var hasBias: Bool
  /// The order of normalisation (N), dropout (D) and activation (A); `adn_ordering` in MONAI.
  public var order: String

  /// Creates a style; the defaults are MONAI's.
  /// - Parameters:
  ///   - normalization: Which normalisation.
  ///   - activation: Which activation.
  ///   - dropoutProbability: Share of values dropped while training.
  ///   - hasBias: Whether convolutions have a bias.
  ///   - order: The order of N, D and A; letters may be left out.
  public init(
    normalization: FeatureNormalization = .instance(isAffine: false),
    activation: FeatureActivation = .parametricReLU(perChannel: false),
    dropoutProbability: Double = 0,
    hasBias: Bool = true,
    order: String = "NDA"
  ) {
    self.normalization = normalization
    self.activation = activation
    self.dropoutProbability = dropoutProbability
    self.hasBias = hasBias
    self.order = order
  }

  func check(_ check: ValueCheck, channels: [Int]) throws(NetworksError) {
    try check.require(
      channels.allSatisfy { normalization.fits(channels: $0) },
      "channels \(channels) in groups of \(normalization)"
    )
    try check.require(activation.isPossible, "the activation \(activation)")
    try check.require(
      (0..<1).contains(dropoutProbability),
      "a dropout of \(dropoutProbability)"
    )
    try check.require(
      Set(order).count == order.count && order.allSatisfy { "NDA".contains($0) },
      "the order \(order)"
    )
  }
}

/// MONAI's `Convolution`: a convolution (`conv`), then what its style says (`adn`).
final class MONAIConvolution: Layer {
  private let convolution: Convolution?
  private let transposed: TransposedConvolution?
  private let style: MONAIUnitStyle?
  private let normalization: (any Layer)?
  private let activation: ActivationLayer?

  /// Creates a convolution whose padding keeps the size but for the stride.
  ///
  /// `style` is nil for the convolution alone, which then has the given bias.
  init(
    inputChannels: Int,
    outputChannels: Int,
    kernelSize: [Int],
    stride: [Int],
    padding: [Int]? = nil,
    isTransposed: Bool = false,
    hasBias: Bool = true,
    style: MONAIUnitStyle?,
    random: inout RandomStream
  ) {
    let padding = padding ?? kernelSize.map { ($0 - 1) / 2 }
    let hasBias = style?.hasBias ?? hasBias
    if isTransposed {
      convolution = nil
      transposed = TransposedConvolution(
        inputChannels: inputChannels,
        outputChannels: outputChannels,
        kernelSize: kernelSize,
        stride: stride,
        padding: padding,
        // The input's size times the stride for odd windows.
        outputPadding: zip(zip(kernelSize, stride), padding).map { $0.1 + 2 * $1 - $0.0 },
        hasBias: hasBias,
        random: &random
      )
    } else {
      transposed = nil
      convolution = Convolution(
        inputChannels: inputChannels,
        outputChannels: outputChannels,
        kernelSize: kernelSize,
        stride: stride,
        padding: padding,
        hasBias: hasBias,
        random: &random
      )
    }
    self.style = style
    normalization = style?.normalization.layer(channels: outputChannels)
    activation = style.map { $0.activation.layer(channels: outputChannels) }
  }

  var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = []
    if let convolution { all.append(("conv", convolution)) }
    if let transposed { all.append(("conv", transposed)) }
    if let normalization { all.append(("adn.N", normalization)) }
    if let activation { all.append(("adn.A", activation)) }
    return all
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var y = convolution?(x, in: context) ?? transposed?(x, in: context) ?? x
    guard let style else { return y }
    for step in style.order {
      switch step {
      case "N": y = normalization?(y, in: context) ?? y
      case "A": y = activation?(y, in: context) ?? y
      default: y = dropped(y, probability: style.dropoutProbability, in: context)
      }
    }
    return y
  }
}

/// Dropout while training and in samples.
func dropped(
  _ x: Tensor,
  probability: Double,
  wholeChannels: Bool = false,
  in context: Context
) -> Tensor {
  context.dropping(x, probability: probability, wholeChannels: wholeChannels)
}

/// MONAI's `ResidualUnit`: convolutions (`conv.unit0`, …) and a shortcut, which is a convolution
/// (`residual`) where the size or the number of channels changes.
final class MONAIResidualUnit: Layer {
  private let units: [MONAIConvolution]
  private let shortcut: Convolution?

  init(
    inputChannels: Int,
    outputChannels: Int,
    kernelSize: [Int],
    stride: [Int],
    units count: Int,
    lastIsBare: Bool = false,
    style: MONAIUnitStyle,
    random: inout RandomStream
  ) {
    let ones = stride.map { _ in 1 }
    units = (0..<max(1, count)).map { index in
      MONAIConvolution(
        inputChannels: index == 0 ? inputChannels : outputChannels,
        outputChannels: outputChannels,
        kernelSize: kernelSize,
        stride: index == 0 ? stride : ones,
        hasBias: style.hasBias,
        style: lastIsBare && index == max(1, count) - 1 ? nil : style,
        random: &random
      )
    }
    let steps = stride != ones
    if steps || inputChannels != outputChannels {
      shortcut = Convolution(
        inputChannels: inputChannels,
        outputChannels: outputChannels,
        kernelSize: steps ? kernelSize : ones,
        stride: stride,
        hasBias: style.hasBias,
        random: &random
      )
    } else {
      shortcut = nil
    }
  }

  var children: [(name: String, layer: any Layer)] {
    units.enumerated().map { ("conv.unit\($0.offset)", $0.element as any Layer) }
      + (shortcut.map { [("residual", $0 as any Layer)] } ?? [])
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = units.reduce(x) { $1($0, in: context) }
    return y + (shortcut?(x, in: context) ?? x)
  }
}

/// How MONAI's networks double the resolution.
public enum MONAIUpsampling: String, Codable, Sendable, CaseIterable {
  /// A transposed convolution whose window is its stride; "deconv" in MONAI.
  case transposed
  /// Linear interpolation, after a convolution of one cell where channels change; "nontrainable".
  case interpolated
  /// Sub-pixel convolution with a mean over the new cells (Aitken et al. 2017); "pixelshuffle".
  case shuffled
}

/// MONAI's `UpSample` by a factor of two along every axis, or along some.
final class MONAIUpsample: Layer {
  private let factors: [Int]
  private let transposed: TransposedConvolution?
  private let convolution: Convolution?
  private let mode: MONAIUpsampling
  private let alignCorners: Bool

  /// Creates a layer.
  ///
  /// `factors` are 1 or 2 for each axis, all 2 when nil. `kernelSize` is the odd window of a transposed
  /// convolution; the factors when nil.
  init(
    inputChannels: Int,
    outputChannels: Int,
    dimensions: Int,
    factors: [Int]? = nil,
    kernelSize: [Int]? = nil,
    mode: MONAIUpsampling,
    alignCorners: Bool,
    hasBias: Bool = true,
    random: inout RandomStream
  ) {
    let factors = factors ?? [Int](repeating: 2, count: dimensions)
    self.factors = factors
    self.mode = mode
    self.alignCorners = alignCorners
    switch (mode, kernelSize) {
    case (.transposed, let window?):
      let padding = window.map { ($0 - 1) / 2 }
      transposed = TransposedConvolution(
        inputChannels: inputChannels,
        outputChannels: outputChannels,
        kernelSize: window,
        stride: factors,
        padding: padding,
        // The input's size times the factor.
        outputPadding: zip(zip(window, factors), padding).map { $0.1 + 2 * $1 - $0.0 },
        hasBias: hasBias,
        random: &random
      )
    case (.transposed, nil):
      transposed = TransposedConvolution(
        inputChannels: inputChannels,
        outputChannels: outputChannels,
        stride: factors,
        hasBias: hasBias,
        random: &random
      )
    default: transposed = nil
    }
    switch mode {
    case .interpolated where inputChannels != outputChannels:
      convolution = Convolution(
        inputChannels: inputChannels,
        outputChannels: outputChannels,
        kernelSize: factors.map { _ in 1 },
        hasBias: hasBias,
        random: &random
      )
    case .shuffled:
      convolution = Convolution(
        inputChannels: inputChannels,
        outputChannels: outputChannels << dimensions,
        kernelSize: factors.map { _ in 3 },
        hasBias: hasBias,
        random: &random
      )
    default: convolution = nil
    }
  }

  var children: [(name: String, layer: any Layer)] {
    if let transposed { return [("deconv", transposed)] }
    let name = mode == .shuffled ? "pixelshuffle.conv_block" : "preconv"
    return convolution.map { [(name, $0)] } ?? []
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    if let transposed { return transposed(x, in: context) }
    let y = convolution?(x, in: context) ?? x
    if mode == .interpolated {
      return upsampled(
        y,
        to: zip(y.shape.dropFirst(2), factors).map { $0 * $1 },
        interpolation: .linear,
        alignCorners: alignCorners
      )
    }
    // A cell's mean with those before it, beyond the border zeros.
    let ones = factors.map { _ in 1 }
    return averagePooling(
      padded(pixelShuffled(y, factor: 2), before: ones, after: ones.map { _ in 0 }),
      shape: PoolingShape(kernel: ones.map { _ in 2 }, stride: ones)
    )
  }
}
