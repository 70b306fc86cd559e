import Foundation
import Layers
import Support
import Tensors

/// The values that define a diffusion model's network.
public struct DiffusionUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the noisy image, which the output has too.
  public var channels: Int
  /// Channels of what the image is to follow, such as a scan to be restored; 0 for none.
  public var conditionChannels: Int
  /// Channels of each level, full resolution first; multiples of `groups`.
  public var features: [Int]
  /// Residual blocks of each level on the way down, 2 in the paper; one more on the way up.
  public var blocksPerLevel: Int
  /// Groups of the normalisations; 32 in the paper.
  public var groups: Int
  /// Heads of the attention at the lowest level; 1 in the paper.
  public var heads: Int
  /// Steps of the noise's schedule; 1000 in the paper.
  public var steps: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a configuration; the defaults make a small network.
  /// - Parameters:
  ///   - channels: Channels of the noisy image.
  ///   - conditionChannels: Channels of what the image is to follow.
  ///   - features: Channels of each level, full resolution first; multiples of `groups`.
  ///   - blocksPerLevel: Residual blocks of each level on the way down.
  ///   - groups: Groups of the normalisations.
  ///   - heads: Heads of the attention at the lowest level.
  ///   - steps: Steps of the noise's schedule.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(
    channels: Int = 1,
    conditionChannels: Int = 0,
    features: [Int] = [32, 64, 128],
    blocksPerLevel: Int = 1,
    groups: Int = 8,
    heads: Int = 1,
    steps: Int = 1000,
    dimensions: Int = 2
  ) {
    self.channels = channels
    self.conditionChannels = conditionChannels
    self.features = features
    self.blocksPerLevel = blocksPerLevel
    self.groups = groups
    self.heads = heads
    self.steps = steps
    self.dimensions = dimensions
  }
}

/// The U-Net that finds the noise in a diffusion model.
///
/// Ho, Jain and Abbeel 2020, "Denoising Diffusion Probabilistic Models", appendix B: residual blocks with
/// group normalisation and SiLU, to which an embedding of the step (Vaswani et al. 2017, section 3.5) is
/// added, attention at the lowest level, strided convolutions down and repeated pixels up. The step is the
/// input's last channel, the same number everywhere; between whole numbers its embedding is interpolated.
/// A condition's channels follow the noisy image's, after Saharia et al. 2022, "Image Super-Resolution via
/// Iterative Refinement", section 2.
public final class DiffusionUNet: Network {
  /// The values that define the network.
  public let configuration: DiffusionUNetConfiguration
  /// Sinusoids of every step, `[features[0], steps]`.
  private let sinusoids: Tensor
  private let stepNumbers: Tensor
  private let embedding: [Linear]
  private let first: Convolution
  private let down: [(blocks: [DiffusionBlock], halving: Convolution?)]
  private let middle: [DiffusionBlock]
  private let attention: DiffusionAttention
  private let up: [(blocks: [DiffusionBlock], doubling: Convolution?)]
  private let normalization: GroupNormalization
  private let last: Convolution

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: DiffusionUNetConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let widths = c.features
    let lowest = widths[widths.count - 1]
    sinusoids = Self.sinusoids(steps: c.steps, width: widths[0])
    stepNumbers = Tensor((0..<c.steps).map { Float($0) }, shape: [1, c.steps])
    let embedded = 4 * widths[0]
    embedding = [(widths[0], embedded), (embedded, embedded)].map {
      Linear(inputs: $0.0, outputs: $0.1, random: &random)
    }
    func convolution(_ input: Int, _ output: Int, stride: Int = 1) -> Convolution {
      Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: 3, count: c.dimensions),
        stride: [Int](repeating: stride, count: c.dimensions),
        random: &random
      )
    }
    func block(_ input: Int, _ output: Int) -> DiffusionBlock {
      DiffusionBlock(input, output, embedded: embedded, like: c, random: &random)
    }
    first = convolution(c.inputChannels - 1, widths[0])
    // What each step on the way down gives, for the way up.
    var skips = [widths[0]]
    down = widths.indices.map { level in
      let input = level == 0 ? widths[0] : widths[level - 1]
      let blocks = (0..<c.blocksPerLevel).map {
        block($0 == 0 ? input : widths[level], widths[level])
      }
      skips += blocks.map { _ in widths[level] }
      guard level < widths.count - 1 else { return (blocks, nil) }
      skips.append(widths[level])
      return (blocks, convolution(widths[level], widths[level], stride: 2))
    }
    middle = (0..<2).map { _ in block(lowest, lowest) }
    var width = lowest
    up = widths.indices.reversed().map { level in
      let blocks = (0...c.blocksPerLevel).map { _ in
        let made = block(width + (skips.popLast() ?? 0), widths[level])
        width = widths[level]
        return made
      }
      return (blocks, level > 0 ? convolution(width, width) : nil)
    }
    normalization = GroupNormalization(groups: c.groups, channels: widths[0])
    last = convolution(widths[0], c.channels)
    attention = DiffusionAttention(lowest, like: c, random: &random)
  }

  /// Sines, then cosines, of a step at wavelengths from 2π to 10 000 · 2π.
  private static func sinusoids(steps: Int, width: Int) -> Tensor {
    let half = width / 2
    let values = (0..<width).flatMap { place -> [Float] in
      let index = place < half ? place : place - half
      let frequency = exp(-log(10000.0) * Double(index) / Double(max(1, half - 1)))
      return (0..<steps).map { step in
        if place >= 2 * half { return 0 }
        let angle = Double(step) * frequency
        return Float(place < half ? sin(angle) : cos(angle))
      }
    }
    return Tensor(values, shape: [width, steps])
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    var all: [(name: String, layer: any Layer)] = [
      ("embedding.0", embedding[0]), ("embedding.1", embedding[1]), ("first", first),
    ]
    for (level, part) in down.enumerated() {
      all += part.blocks.enumerated().map { ("down.\(level).blocks.\($0.offset)", $0.element) }
      if let halving = part.halving { all.append(("down.\(level).halving", halving)) }
    }
    all += [("middle.0", middle[0]), ("attention", attention), ("middle.1", middle[1])]
    for (index, part) in up.enumerated() {
      all += part.blocks.enumerated().map { ("up.\(index).blocks.\($0.offset)", $0.element) }
      if let doubling = part.doubling { all.append(("up.\(index).doubling", doubling)) }
    }
    return all + [("normalization", normalization), ("last", last)]
  }

  /// Finds the noise.
  /// - Parameters:
  ///   - x: `[N, channels + conditionChannels + 1, H, W]` or with depth; last the step, from 0 on.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  /// - Precondition: Every axis is a multiple of `sizeMultiple`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    precondition(
      x.rank == configuration.dimensions + 2 && x.shape[1] == configuration.inputChannels,
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels"
    )
    let images = x.shape[1] - 1
    let corner = AxisSlice(start: 0, end: 1)
    let step = x.sliced(
      [AxisSlice(), AxisSlice(start: images)]
        + [AxisSlice](repeating: corner, count: configuration.dimensions)
    ).reshaped([x.shape[0], 1])
    let time = embedded(step, in: context)
    var y = first(x.sliced(axis: 1, end: images), in: context)
    var skips = [y]
    for part in down {
      for block in part.blocks {
        y = block(y, time, in: context)
        skips.append(y)
      }
      if let halving = part.halving {
        y = halving(y, in: context)
        skips.append(y)
      }
    }
    y = attention(middle[0](y, time, in: context), in: context)
    y = middle[1](y, time, in: context)
    for part in up {
      for block in part.blocks {
        if let skip = skips.popLast() { y = concatenation([y, skip]) }
        y = block(y, time, in: context)
      }
      if let doubling = part.doubling { y = doubling(y.enlarged(2, .nearest), in: context) }
    }
    return last(silu(normalization(y, in: context)), in: context)
  }

  /// Finds the noise of images at steps of the schedule.
  /// - Parameters:
  ///   - images: The noisy images and their conditions, `[N, channels + conditionChannels, H, W]`.
  ///   - steps: The step of each sample, from 0 on.
  ///   - context: To train or to predict.
  /// - Returns: `[N, channels, H, W]` or with depth.
  public func callAsFunction(_ images: Tensor, steps: [Int], in context: Context) -> Tensor {
    self(images.withConstantChannel(steps.map { Float($0) }), in: context)
  }

  /// The embedding of steps `[N, 1]`: a weight of 1 for a step's own row of the table.
  private func embedded(_ step: Tensor, in context: Context) -> Tensor {
    let ends = [0, Float(configuration.steps - 1)].map { Tensor([$0], shape: [1, 1]) }
    let within = minimum(maximum(step, ends[0]), ends[1])
    let distance = (within - stepNumbers).magnitude()
    let rows = relu(Tensor(repeating: 1, shape: [1, 1]) - distance)
    let hidden = silu(embedding[0](linear(rows, weight: sinusoids), in: context))
    return silu(embedding[1](hidden, in: context))
  }

  /// 2 for each level but the first.
  public var sizeMultiple: Int { 1 << (configuration.features.count - 1) }
}

/// Two convolutions after normalisations; the step's embedding in between, the input added.
private final class DiffusionBlock: Layer {
  private let normalizations: [GroupNormalization]
  private let convolutions: [Convolution]
  private let embedding: Linear
  private let shortcut: Convolution?

  init(
    _ input: Int,
    _ output: Int,
    embedded: Int,
    like c: DiffusionUNetConfiguration,
    random: inout RandomStream
  ) {
    normalizations = [input, output].map { GroupNormalization(groups: c.groups, channels: $0) }
    convolutions = [input, output].map {
      Convolution(
        inputChannels: $0,
        outputChannels: output,
        kernelSize: [Int](repeating: 3, count: c.dimensions),
        random: &random
      )
    }
    embedding = Linear(inputs: embedded, outputs: output, random: &random)
    shortcut =
      input == output
      ? nil
      : Convolution(
        inputChannels: input,
        outputChannels: output,
        kernelSize: [Int](repeating: 1, count: c.dimensions),
        random: &random
      )
  }

  var children: [(name: String, layer: any Layer)] {
    [
      ("norm1", normalizations[0]), ("conv1", convolutions[0]), ("embedding", embedding),
      ("norm2", normalizations[1]), ("conv2", convolutions[1]),
    ] + (shortcut.map { [("shortcut", $0)] } ?? [])
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(x, nil, in: context)
  }

  func callAsFunction(_ x: Tensor, _ time: Tensor?, in context: Context) -> Tensor {
    var y = convolutions[0](silu(normalizations[0](x, in: context)), in: context)
    if let time {
      let shift = embedding(time, in: context)
      y = y + shift.reshaped(shift.shape + y.shape.dropFirst(2).map { _ in 1 })
    }
    y = convolutions[1](silu(normalizations[1](y, in: context)), in: context)
    return (shortcut?(x, in: context) ?? x) + y
  }
}

/// Attention of every cell to every other, the input added.
///
/// Vaswani et al. 2017, "Attention Is All You Need", section 3.2.
private final class DiffusionAttention: Layer {
  private let normalization: GroupNormalization
  /// For queries, keys, values and results.
  private let maps: [Linear]
  private let heads: Int

  init(_ width: Int, like c: DiffusionUNetConfiguration, random: inout RandomStream) {
    normalization = GroupNormalization(groups: c.groups, channels: width)
    maps = (0..<4).map { _ in Linear(inputs: width, outputs: width, random: &random) }
    heads = c.heads
  }

  var children: [(name: String, layer: any Layer)] {
    [("norm", normalization)]
      + zip(["query", "key", "value", "output"], maps).map { ($0, $1 as any Layer) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let cells = normalization(x, in: context).flattened(from: 2).transposed(1, 2)
    let (samples, count, width) = (cells.shape[0], cells.shape[1], cells.shape[2])
    let parts = maps.prefix(3).map { map in
      map(cells, in: context).reshaped([samples, count, heads, width / heads]).transposed(1, 2)
    }
    let scale = 1 / Float(width / heads).squareRoot()
    let shares = softmax(
      matrixProduct(parts[0] * scale, parts[1].transposed(-2, -1)),
      axis: 3
    )
    let seen = matrixProduct(shares, parts[2]).transposed(1, 2).reshaped(cells.shape)
    return x + maps[3](seen, in: context).transposed(1, 2).reshaped(x.shape)
  }
}

extension DiffusionUNetConfiguration: NetworkValues {
  /// Channels of image and condition, and the step.
  public var inputChannels: Int { channels + conditionChannels + 1 }
  /// The channels.
  public var outputChannels: Int { channels }
  var output: NetworkOutput { .image }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.image(channels: channels, contextSlices: 0, dimensions: dimensions)
    try check.require((0...1024).contains(conditionChannels), "\(conditionChannels) conditions")
    try check.features(features, count: 1...8)
    try check.require((1...16).contains(blocksPerLevel), "\(blocksPerLevel) blocks")
    try check.require(
      groups > 0 && features.allSatisfy { $0 % groups == 0 },
      "\(features) channels in \(groups) groups"
    )
    try check.require(
      heads > 0 && (features.last ?? 1) % max(1, heads) == 0,
      "\(features.last ?? 0) channels in \(heads) heads"
    )
    try check.require((1...100_000).contains(steps), "\(steps) steps")
    try check.weights(
      widest: max(inputChannels, 2 * (features.max() ?? 1)),
      window: dimensions == 3 ? 27 : 9,
      layers: 4 * (blocksPerLevel + 2) * features.count
    )
  }

  func network(random: inout RandomStream) -> any Network { DiffusionUNet(self, random: &random) }
}
