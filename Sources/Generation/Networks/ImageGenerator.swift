import Layers
import Support
import Tensors

/// DCGAN's generator: a random vector becomes an image by transposed convolutions.
///
/// Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional
/// Generative Adversarial Networks", section 3. A class comes as a vector of 0 and a 1 behind the
/// random one (Mirza and Osindero 2014, "Conditional Generative Adversarial Nets").
package final class DCGANGenerator: Layer {
  private let start: Linear
  private let norms: [BatchNormalization]
  private let doublings: [TransposedConvolution]
  private let last: Convolution
  private let grid: [Int]

  /// Creates a network with random weights.
  package init(_ c: GenerationConfiguration, random: inout RandomStream) {
    let widths = (0...c.levels).map { c.features << (c.levels - $0) }
    grid = [widths[0], c.height >> c.levels, c.width >> c.levels]
    start = Linear(
      inputs: c.latent + c.classNames.count,
      outputs: grid.reduce(1, *),
      random: &random
    )
    norms = widths.map { BatchNormalization(channels: $0, negativeSlope: 0) }
    doublings = (0..<c.levels).map {
      TransposedConvolution(
        inputChannels: widths[$0],
        outputChannels: widths[$0 + 1],
        kernelSize: [4, 4],
        stride: [2, 2],
        padding: [1, 1],
        outputPadding: [0, 0],
        hasBias: false,
        random: &random
      )
    }
    last = Convolution(
      inputChannels: c.features,
      outputChannels: c.channels,
      kernelSize: [3, 3],
      random: &random
    )
  }

  package var children: [(name: String, layer: any Layer)] {
    [("start", start)] + norms.enumerated().map { ("norms.\($0.offset)", $0.element) }
      + doublings.enumerated().map { ("doublings.\($0.offset)", $0.element) } + [("last", last)]
  }

  /// Makes images.
  /// - Parameters:
  ///   - x: `[N, latent + classes]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, C, H, W]`, −1 to 1.
  package func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var y = norms[0](start(x, in: context).reshaped([x.shape[0]] + grid), in: context)
    for (doubling, norm) in zip(doublings, norms.dropFirst()) {
      y = norm(doubling(y, in: context), in: context)
    }
    return tanh(last(y, in: context))
  }
}

/// A convolution whose kernels a style scales, each output channel brought back to unit variance.
///
/// Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", equations 1 to 3.
/// Scaling the input's channels and dividing the output's gives the same as kernels of each sample's own.
package final class ModulatedConvolution: Layer {
  private let weight: Parameter
  private let affine: Linear
  private let demodulates: Bool

  /// Creates a layer with random weights.
  package init(
    _ input: Int,
    _ output: Int,
    window: Int,
    style: Int,
    demodulates: Bool = true,
    random: inout RandomStream
  ) {
    weight = .heNormal(
      [output, input, window, window],
      fanIn: input * window * window,
      random: &random
    )
    affine = Linear(inputs: style, outputs: input, random: &random)
    self.demodulates = demodulates
  }

  package var ownParameters: [(name: String, parameter: Parameter)] { [("weight", weight)] }
  package var children: [(name: String, layer: any Layer)] { [("affine", affine)] }

  package func callAsFunction(_ x: Tensor, in context: Context) -> Tensor { x }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, input, H, W]`, or `[1, input, H, W]` for all samples.
  ///   - style: `[N, style]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, output, H, W]`.
  package func callAsFunction(_ x: Tensor, style: Tensor, in context: Context) -> Tensor {
    let scales = affine(style, in: context) + 1
    let kernels = weight.value(in: context)
    let (samples, window) = (style.shape[0], kernels.shape[2])
    let y = convolution(
      x * scales.reshaped([samples, scales.shape[1], 1, 1]),
      weight: kernels,
      bias: nil,
      shape: ConvolutionShape(
        stride: [1, 1],
        padding: [window / 2, window / 2],
        dilation: [1, 1]
      )
    )
    guard demodulates else { return y }
    let energy = linear(scales.squared(), weight: kernels.squared().sum(axes: [2, 3]))
    let factors = 1 / (energy + 1e-8).squareRoot()
    return y * factors.reshaped([samples, factors.shape[1], 1, 1])
  }
}

/// A small generator after StyleGAN2: a mapping network, modulated convolutions, images added up
/// over levels.
///
/// Karras et al. 2020, sections 2 and 4 (skip generator). There is no noise of each pixel, no
/// mixing of styles and no penalty on path lengths.
package final class StyleGenerator: Layer {
  private let mapping: [Linear]
  private let constant: Parameter
  private let blocks: [(convolutions: [ModulatedConvolution], biases: [Parameter])]
  private let images: [ModulatedConvolution]

  private static let slope: Float = 0.2
  private static let gain = Float(2).squareRoot()

  /// Creates a network with random weights.
  package init(_ c: GenerationConfiguration, random: inout RandomStream) {
    let widths = (0...c.levels).map { c.features << (c.levels - $0) }
    mapping = (0..<3).map {
      Linear(
        inputs: $0 == 0 ? c.latent + c.classNames.count : c.latent,
        outputs: c.latent,
        random: &random
      )
    }
    constant = .uniform(
      [1, widths[0], c.height >> c.levels, c.width >> c.levels],
      limit: 1,
      random: &random
    )
    blocks = widths.indices.map { level in
      let convolutions = (0..<2).map {
        ModulatedConvolution(
          $0 == 0 && level > 0 ? widths[level - 1] : widths[level],
          widths[level],
          window: 3,
          style: c.latent,
          random: &random
        )
      }
      return (
        convolutions,
        (0..<2).map { _ in Parameter(Tensor(repeating: 0, shape: [1, widths[level], 1, 1])) }
      )
    }
    images = widths.map {
      ModulatedConvolution(
        $0,
        c.channels,
        window: 1,
        style: c.latent,
        demodulates: false,
        random: &random
      )
    }
  }

  package var ownParameters: [(name: String, parameter: Parameter)] {
    [("constant", constant)]
      + blocks.enumerated().flatMap { level, block in
        block.biases.enumerated().map { ("bias.\(level).\($0.offset)", $0.element) }
      }
  }

  package var children: [(name: String, layer: any Layer)] {
    mapping.enumerated().map { ("mapping.\($0.offset)", $0.element as any Layer) }
      + blocks.enumerated().flatMap { level, block in
        block.convolutions.enumerated().map { ("blocks.\(level).\($0.offset)", $0.element) }
      } + images.enumerated().map { ("images.\($0.offset)", $0.element) }
  }

  /// Makes images.
  /// - Parameters:
  ///   - x: `[N, latent + classes]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, C, H, W]`, −1 to 1.
  package func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var style = x / (x.squared().mean(axes: [1], keepingAxes: true) + 1e-8).squareRoot()
    for map in mapping { style = leakyReLU(map(style, in: context), negativeSlope: Self.slope) }
    var y = constant.value(in: context)
    var image: Tensor?
    for (level, block) in blocks.enumerated() {
      if level > 0 {
        y = upsampled(y, to: y.shape.dropFirst(2).map { 2 * $0 }, interpolation: .linear)
      }
      for (layer, bias) in zip(block.convolutions, block.biases) {
        let value = layer(y, style: style, in: context) + bias.value(in: context)
        y = leakyReLU(value, negativeSlope: Self.slope) * Self.gain
      }
      let part = images[level](y, style: style, in: context)
      image =
        image.map {
          upsampled($0, to: part.shape.dropFirst(2).map { $0 }, interpolation: .linear) + part
        } ?? part
    }
    return tanh(image ?? y)
  }
}
