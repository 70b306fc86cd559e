import Layers
import Support
import Tensors

/// The values that define a network for compression.
public struct ImageCodecConfiguration: Codable, Sendable, Equatable {
  /// Channels of the image.
  public var channels: Int
  /// Channels of the maps within.
  public var features: Int
  /// Channels of the code; each has one number for 8 x 8 pixels.
  public var codeChannels: Int
  /// Residual blocks on each side.
  public var blocks: Int
  /// How many rates it was trained for.
  public var rates: Int

  /// Creates a configuration.
  /// - Parameters:
  ///   - channels: Channels of the image.
  ///   - features: Channels of the maps within.
  ///   - codeChannels: Channels of the code.
  ///   - blocks: Residual blocks on each side.
  ///   - rates: How many rates it is trained for.
  public init(
    channels: Int = 1,
    features: Int = 64,
    codeChannels: Int = 48,
    blocks: Int = 2,
    rates: Int = 5
  ) {
    self.channels = channels
    self.features = features
    self.codeChannels = codeChannels
    self.blocks = blocks
    self.rates = rates
  }
}

/// An autoencoder whose code is whole numbers, for compression at several rates.
///
/// Ballé, Laparra and Simoncelli 2017, "End-to-end Optimized Image Compression": an analysis, rounding,
/// and a synthesis, trained for rate and distortion at once with noise in the place of rounding. Blocks of
/// 4 x 4 pixels become channels first and last (Shi et al. 2016). What runs through is linear, so that a
/// block transform is within reach from the start; residual blocks (He et al. 2016) with leaky rectifiers, which
/// begin small, add the rest. Gains of each channel make one network serve several rates (Cui et al. 2021,
/// "Asymmetric Gained Deep Image Compression"), and numbers between those that were trained. The channels'
/// logistic distributions are those that the rate is estimated by in training.
public final class ImageCodec: Network {
  /// Pixels along each axis for one number of the code.
  public static let reduction = 8
  /// Slope of the rectifiers below 0.
  public static let negativeSlope: Float = 0.1
  private static let (outerFactor, innerFactor) = (4, 2)
  /// Exponents are stored divided by this, so that the optimiser moves them as fast as they need.
  public static let exponentUnit: Float = 8
  /// What residual blocks begin with, as a part of He's weights.
  private static let blockScale: Float = 0.1

  /// The values that define the network.
  public let configuration: ImageCodecConfiguration
  /// The convolutions of the analysis in their order: first, both of each block, last.
  public let analysis: [Convolution]
  /// Those of the synthesis: first, both of each block, the one before maps are enlarged, and the last.
  public let synthesis: [Convolution]
  /// Logarithms of the gains before rounding, `[rates, codeChannels]`, natural ones divided by 8.
  public let gain: Parameter
  /// The same after rounding.
  public let inverseGain: Parameter
  /// The same of the logistic distributions' scales.
  public let logScale: Parameter

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ImageCodecConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    func convolution(_ input: Int, _ output: Int) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [3, 3],
        random: &random
      )
    }
    let cells = Self.outerFactor * Self.outerFactor
    let inner = Self.innerFactor * Self.innerFactor
    func blocks() -> [Convolution] {
      (0..<2 * c.blocks).map { index in
        let layer = convolution(c.features, c.features)
        if index % 2 == 1 { layer.weight.value = layer.weight.value * Self.blockScale }
        return layer
      }
    }
    analysis =
      [convolution(c.channels * cells, c.features), convolution(c.features * inner, c.features)]
      + blocks() + [convolution(c.features, c.codeChannels)]
    synthesis =
      [convolution(c.codeChannels, c.features)] + blocks()
      + [
        convolution(c.features, c.features * inner), convolution(c.features, c.channels * cells),
      ]
    // Gains of the rates lie a factor of 2 apart, so that training starts with rates that differ.
    let steps = (0..<c.rates).flatMap { rate in
      [Float](repeating: 0.7 * Float(rate) / Self.exponentUnit, count: c.codeChannels)
    }
    let shape = [c.rates, c.codeChannels]
    gain = Parameter(Tensor(steps, shape: shape))
    inverseGain = Parameter(Tensor(steps.map { -$0 }, shape: shape))
    logScale = Parameter(Tensor(steps, shape: shape))
  }

  /// The gains and scales.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("gain", gain), ("inverse_gain", inverseGain), ("log_scale", logScale)]
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    analysis.enumerated().map { ("analysis.\($0)", $1 as any Layer) }
      + synthesis.enumerated().map { ("synthesis.\($0)", $1 as any Layer) }
  }

  /// Whole multiples of 8 pixels.
  public var sizeMultiple: Int { Self.reduction }

  /// The code before gains and rounding.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`, about 0 to 1.
  ///   - context: To train or to predict.
  /// - Returns: `[N, codeChannels, H / 8, W / 8]`.
  public func code(of x: Tensor, in context: Context) -> Tensor {
    var y = analysis[0](pixelUnshuffled(x, factor: Self.outerFactor), in: context)
    y = analysis[1](pixelUnshuffled(y, factor: Self.innerFactor), in: context)
    return analysis[analysis.count - 1](blocks(y, Array(analysis[2...]), in: context), in: context)
  }

  /// The image of a code.
  /// - Parameters:
  ///   - code: `[N, codeChannels, h, w]`, the inverse gains applied.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, 8 h, 8 w]`.
  public func image(of code: Tensor, in context: Context) -> Tensor {
    let y = blocks(synthesis[0](code, in: context), Array(synthesis[1...]), in: context)
    let enlarged = pixelShuffled(
      synthesis[synthesis.count - 2](y, in: context),
      factor: Self.innerFactor
    )
    return pixelShuffled(
      synthesis[synthesis.count - 1](enlarged, in: context),
      factor: Self.outerFactor
    )
  }

  /// Codes and decodes at the middle rate, without rounding.
  /// - Parameters:
  ///   - x: `[N, channels, H, W]`.
  ///   - context: To predict.
  /// - Returns: The same shape.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let level = Double(configuration.rates / 2)
    let (up, down) = (factors(gain, at: level), factors(inverseGain, at: level))
    let scaled = code(of: x, in: context) * up
    return image(of: scaled * down, in: context)
  }

  /// The factors of a gain at a rate, between the trained ones by geometric means.
  /// - Parameters:
  ///   - parameter: `gain` or `inverseGain`.
  ///   - level: The rate, 0 the lowest, to `rates` - 1.
  /// - Returns: `[1, codeChannels, 1, 1]`.
  public func factors(_ parameter: Parameter, at level: Double) -> Tensor {
    let exponents = exponents(parameter, at: level)
    return Tensor(exponents, shape: [1, exponents.count, 1, 1]).exp()
  }

  /// The natural logarithms of the factors.
  /// - Parameters:
  ///   - parameter: `gain`, `inverseGain` or `logScale`.
  ///   - level: The rate.
  /// - Returns: One for each channel of the code.
  public func exponents(_ parameter: Parameter, at level: Double) -> [Float] {
    let (rates, count) = (configuration.rates, configuration.codeChannels)
    let place = min(max(level, 0), Double(rates - 1))
    let low = min(Int(place), max(0, rates - 2))
    let high = min(low + 1, rates - 1)
    let share = Float(place - Double(low))
    let values = parameter.value.values
    return (0..<count).map {
      Self.exponentUnit
        * ((1 - share) * values[low * count + $0] + share * values[high * count + $0])
    }
  }

  /// The factors of one trained rate, tracked while training.
  /// - Parameters:
  ///   - parameter: `gain`, `inverseGain` or `logScale`.
  ///   - rate: Which rate.
  ///   - context: To train or to predict.
  /// - Returns: `[1, codeChannels, 1, 1]`.
  public func factors(_ parameter: Parameter, rate: Int, in context: Context) -> Tensor {
    let rates = configuration.rates
    let chosen = Tensor(
      (0..<rates).map { $0 == rate ? Self.exponentUnit : 0 },
      shape: [1, rates]
    )
    return matrixProduct(chosen, parameter.value(in: context))
      .reshaped([1, configuration.codeChannels, 1, 1]).exp()
  }

  /// Residual blocks of two convolutions each; further convolutions are left out.
  private func blocks(_ x: Tensor, _ layers: [Convolution], in context: Context) -> Tensor {
    (0..<configuration.blocks).reduce(x) { y, block in
      let inside = rectified(layers[2 * block](y, in: context))
      return y + layers[2 * block + 1](inside, in: context)
    }
  }

  private func rectified(_ x: Tensor) -> Tensor {
    leakyReLU(x, negativeSlope: Self.negativeSlope)
  }
}

extension ImageCodecConfiguration: NetworkValues {
  /// Channels of the image.
  public var inputChannels: Int { channels }
  /// Channels of the image.
  public var outputChannels: Int { channels }
  var dimensions: Int { 2 }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.require(channels == 1 || channels == 3, "\(channels) channels")
    try check.features([features, codeChannels], count: 2...2)
    try check.require((1...64).contains(blocks), "\(blocks) blocks")
    try check.require((1...16).contains(rates), "\(rates) rates")
    try check.weights(
      widest: max(4 * features, codeChannels, 16 * channels),
      window: 9,
      layers: 4 * blocks + 6
    )
  }

  func network(random: inout RandomStream) -> any Network { ImageCodec(self, random: &random) }
}
