import Support
import Tensors

/// Two- or three-dimensional convolution.
public final class Convolution: Layer {
  /// Kernels, `[outputChannels, inputChannels / groups, k…]`.
  public let weight: Parameter
  /// `[outputChannels]`, or nil.
  public let bias: Parameter?
  /// Stride, padding, dilation and groups.
  public let shape: ConvolutionShape

  /// Creates a layer with He's random weights and zero bias.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Channels of the output.
  ///   - kernelSize: Window along each spatial axis.
  ///   - stride: Step along each spatial axis, 1 when nil.
  ///   - padding: Zeros on both sides of each spatial axis, half the window's reach when nil ("same").
  ///   - dilation: Distance of neighbouring window cells along each spatial axis, 1 when nil.
  ///   - groups: Number of groups.
  ///   - hasBias: Whether a bias is added.
  ///   - random: The stream to draw weights from.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    kernelSize: [Int],
    stride: [Int]? = nil,
    padding: [Int]? = nil,
    dilation: [Int]? = nil,
    groups: Int = 1,
    hasBias: Bool = true,
    random: inout RandomStream
  ) {
    let ones = [Int](repeating: 1, count: kernelSize.count)
    let dilation = dilation ?? ones
    shape = ConvolutionShape(
      stride: stride ?? ones,
      padding: padding ?? zip(kernelSize, dilation).map { ($0 - 1) * $1 / 2 },
      dilation: dilation,
      groups: groups
    )
    weight = .heNormal(
      [outputChannels, inputChannels / groups] + kernelSize,
      fanIn: inputChannels / groups * kernelSize.reduce(1, *),
      random: &random
    )
    bias = hasBias ? Parameter(Tensor(repeating: 0, shape: [outputChannels])) : nil
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("weight", weight)] + (bias.map { [("bias", $0)] } ?? [])
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, inputChannels, spatial…]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels, spatial′…]`, n′ = ⌊(n + 2p − d(k−1) − 1)/s⌋ + 1.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    convolution(
      x,
      weight: weight.value(in: context),
      bias: bias?.value(in: context),
      shape: shape
    )
  }
}

/// Two- or three-dimensional transposed convolution.
public final class TransposedConvolution: Layer {
  /// Kernels, `[inputChannels, outputChannels, k…]`.
  public let weight: Parameter
  /// `[outputChannels]`, or nil.
  public let bias: Parameter?
  /// Stride and padding of the convolution that is transposed.
  public let shape: ConvolutionShape
  /// Cells added at the far end of each spatial axis.
  public let outputPadding: [Int]

  /// Creates a layer.
  /// - Parameters:
  ///   - weight: Kernels, `[inputChannels, outputChannels, k…]`.
  ///   - bias: `[outputChannels]`, or nil.
  ///   - shape: Stride and padding.
  ///   - outputPadding: Cells added at the far end of each spatial axis, none when nil.
  public init(
    weight: Parameter,
    bias: Parameter?,
    shape: ConvolutionShape,
    outputPadding: [Int]? = nil
  ) {
    self.weight = weight
    self.bias = bias
    self.shape = shape
    self.outputPadding = outputPadding ?? shape.stride.map { _ in 0 }
  }

  /// Creates a layer with weights drawn after He et al.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Channels of the output.
  ///   - kernelSize: Window along each spatial axis.
  ///   - stride: Step along each spatial axis.
  ///   - padding: Cells left out on both sides of each spatial axis of the output.
  ///   - outputPadding: Cells added at the far end of each spatial axis.
  ///   - hasBias: Whether a bias is added.
  ///   - random: The stream to draw weights from.
  public convenience init(
    inputChannels: Int,
    outputChannels: Int,
    kernelSize: [Int],
    stride: [Int],
    padding: [Int],
    outputPadding: [Int],
    hasBias: Bool = true,
    random: inout RandomStream
  ) {
    // Each output cell sees about this share of the window.
    let cells = kernelSize.reduce(1, *) / max(1, stride.reduce(1, *))
    self.init(
      weight: .heNormal(
        [inputChannels, outputChannels] + kernelSize,
        fanIn: inputChannels * max(1, cells),
        random: &random
      ),
      bias: hasBias ? Parameter(Tensor(repeating: 0, shape: [outputChannels])) : nil,
      shape: ConvolutionShape(
        stride: stride,
        padding: padding,
        dilation: stride.map { _ in 1 }
      ),
      outputPadding: outputPadding
    )
  }

  /// Creates a layer whose window equals its stride, with weights drawn after He et al.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Channels of the output.
  ///   - stride: Window and step along each spatial axis.
  ///   - hasBias: Whether a bias is added.
  ///   - random: The stream to draw weights from.
  public convenience init(
    inputChannels: Int,
    outputChannels: Int,
    stride: [Int],
    hasBias: Bool = true,
    random: inout RandomStream
  ) {
    self.init(
      weight: .heNormal(
        [inputChannels, outputChannels] + stride,
        fanIn: inputChannels,
        negativeSlope: 1,
        random: &random
      ),
      bias: hasBias ? Parameter(Tensor(repeating: 0, shape: [outputChannels])) : nil,
      shape: ConvolutionShape(
        stride: stride,
        padding: stride.map { _ in 0 },
        dilation: stride.map { _ in 1 }
      )
    )
  }

  /// The layer's own parameters by name.
  public var ownParameters: [(name: String, parameter: Parameter)] {
    [("weight", weight)] + (bias.map { [("bias", $0)] } ?? [])
  }

  /// Applies the layer.
  /// - Parameters:
  ///   - x: `[N, inputChannels, spatial…]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels, spatial′…]`, n′ = (n − 1)s − 2p + k + o.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    transposedConvolution(
      x,
      weight: weight.value(in: context),
      bias: bias?.value(in: context),
      shape: shape,
      outputPadding: outputPadding
    )
  }
}
