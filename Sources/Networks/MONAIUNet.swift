import Layers
import Support
import Tensors

/// The values that define MONAI's U-Net.
public struct MONAIUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input; `in_channels` in MONAI.
  public var inputChannels: Int
  /// Classes, background included; `out_channels`.
  public var outputChannels: Int
  /// Channels of each level, the highest resolution first; `channels`.
  public var features: [Int]
  /// Step from each level but the last to the next, along each spatial axis; `strides`.
  public var strides: [[Int]]
  /// Window of the convolutions along each spatial axis; odd; `kernel_size`.
  public var kernelSize: [Int]
  /// Window of the transposed convolutions along each spatial axis; odd; `up_kernel_size`.
  public var upsamplingKernelSize: [Int]
  /// Convolutions of each residual unit, 0 for plain convolutions; `num_res_units`.
  public var residualUnits = 0
  /// What follows the convolutions.
  public var style = MONAIUnitStyle()

  /// Creates a configuration of 3-wide windows with the same step along every axis.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each level.
  ///   - strides: Step from each level but the last to the next.
  ///   - dimensions: Spatial axes, 2 or 3; `spatial_dims` in MONAI.
  ///   - residualUnits: Convolutions of each residual unit, 0 for plain convolutions.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: [Int],
    strides: [Int],
    dimensions: Int,
    residualUnits: Int = 0
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.strides = strides.map { [Int](repeating: $0, count: dimensions) }
    self.residualUnits = residualUnits
    kernelSize = [Int](repeating: 3, count: dimensions)
    upsamplingKernelSize = kernelSize
  }

  /// Spatial axes.
  public var dimensions: Int { kernelSize.count }
}

/// MONAI's U-Net, with residual units or plain convolutions.
///
/// Kerfoot, Clough, Oksuz, Lee, King and Schnabel 2019, "Left-ventricle quantification using residual
/// U-Net", as MONAI's `UNet` has it: steps lie in the first convolution of each level, the way up
/// begins with a strided transposed convolution of the joined maps, the skip first. Parameters have
/// the names of MONAI's state dictionaries.
public final class MONAIUNet: Network {
  /// The values that define the network.
  public let configuration: MONAIUNetConfiguration
  /// Levels from the top, the last of them the bottom.
  private let down: [any Layer]
  /// The way up of each level but the bottom, from the top.
  private let up: [MONAIConvolution]
  private let refinements: [MONAIResidualUnit]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: MONAIUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let bottom = c.features.count - 1
    let ones = c.kernelSize.map { _ in 1 }
    down = (0...bottom).map { level -> any Layer in
      let input = level == 0 ? c.inputChannels : c.features[level - 1]
      let stride = level == bottom ? ones : c.strides[level]
      if c.residualUnits > 0 {
        return MONAIResidualUnit(
          inputChannels: input,
          outputChannels: c.features[level],
          kernelSize: c.kernelSize,
          stride: stride,
          units: c.residualUnits,
          style: c.style,
          random: &random
        )
      }
      return MONAIConvolution(
        inputChannels: input,
        outputChannels: c.features[level],
        kernelSize: c.kernelSize,
        stride: stride,
        style: c.style,
        random: &random
      )
    }
    // What a level's way up gives is as wide as the level above; the top gives the classes.
    func width(above level: Int) -> Int { level == 0 ? c.outputChannels : c.features[level - 1] }
    up = (0..<bottom).map { level in
      MONAIConvolution(
        inputChannels: c.features[level]
          + (level == bottom - 1 ? c.features[bottom] : c.features[level]),
        outputChannels: width(above: level),
        kernelSize: c.upsamplingKernelSize,
        stride: c.strides[level],
        isTransposed: true,
        hasBias: c.style.hasBias,
        style: level == 0 && c.residualUnits == 0 ? nil : c.style,
        random: &random
      )
    }
    refinements =
      c.residualUnits == 0
      ? []
      : (0..<bottom).map { level in
        MONAIResidualUnit(
          inputChannels: width(above: level),
          outputChannels: width(above: level),
          kernelSize: c.kernelSize,
          stride: ones,
          units: 1,
          lastIsBare: level == 0,
          style: c.style,
          random: &random
        )
      }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var prefix = "model"
    var all: [(name: String, layer: any Layer)] = []
    for level in up.indices {
      all.append((prefix + ".0", down[level]))
      let name = prefix + ".2"
      all.append((refinements.isEmpty ? name : name + ".0", up[level]))
      if !refinements.isEmpty { all.append((name + ".1", refinements[level])) }
      prefix += ".1.submodule"
    }
    return all + [(prefix, down[down.count - 1])]
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
    var y = x
    var skips: [Tensor] = []
    for layer in down {
      y = layer(y, in: context)
      skips.append(y)
    }
    for level in up.indices.reversed() {
      y = up[level](concatenation([skips[level], y]), in: context)
      if !refinements.isEmpty { y = refinements[level](y, in: context) }
    }
    return y
  }

  /// The least common multiple of the axes' products of strides.
  public var sizeMultiple: Int { SizeMultiple.of(strides: configuration.strides) }

  /// Each axis's product of strides.
  public var axisMultiples: [Int] { SizeMultiple.byAxis(strides: configuration.strides) }
}

/// What sizes must be multiples of.
enum SizeMultiple {
  /// Each axis's product of strides.
  static func byAxis(strides: [[Int]]) -> [Int] {
    (0..<(strides.first?.count ?? 0)).map { axis in strides.reduce(1) { $0 * $1[axis] } }
  }

  /// The least common multiple of the axes' products of strides.
  static func of(strides: [[Int]]) -> Int {
    byAxis(strides: strides).reduce(1) { a, b in
      var (x, y) = (a, b)
      while y != 0 { (x, y) = (y, x % y) }
      return a / x * b
    }
  }
}

extension MONAIUNetConfiguration: NetworkValues {
  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 2...10)
    try check.require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try check.windows([kernelSize, upsamplingKernelSize], dimensions: dimensions)
    try check.strides(strides, dimensions: dimensions)
    try check.require(
      strides.count == features.count - 1,
      "\(strides.count) strides for \(features.count) levels"
    )
    try check.require((0...64).contains(residualUnits), "\(residualUnits) residual units")
    let top = residualUnits > 0 ? [outputChannels] : []
    try style.check(check, channels: features + top)
    try check.weights(
      widest: max(inputChannels, outputChannels, 2 * (features.max() ?? 1)),
      window: max(kernelSize.reduce(1, *), upsamplingKernelSize.reduce(1, *)),
      layers: features.count * (residualUnits + 3)
    )
  }

  func network(random: inout RandomStream) -> any Network { MONAIUNet(self, random: &random) }
}
