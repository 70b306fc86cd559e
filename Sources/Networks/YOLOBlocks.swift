import Layers
import Support
import Tensors

/// A convolution without bias, batch normalisation and SiLU.
final class YOLOConvolution: Layer {
  /// Added to the variance of the normalisation, and a batch's share in the running statistics.
  private static let (epsilon, momentum): (Float, Float) = (1e-3, 0.03)

  private let convolution: Convolution
  private let normalization: BatchNormalization

  init(
    _ input: Int,
    _ output: Int,
    window: Int = 1,
    stride: Int = 1,
    random: inout RandomStream
  ) {
    convolution = Convolution(
      inputChannels: input,
      outputChannels: output,
      kernelSize: [window, window],
      stride: [stride, stride],
      hasBias: false,
      random: &random
    )
    normalization = BatchNormalization(
      channels: output,
      epsilon: Self.epsilon,
      momentum: Self.momentum
    )
  }

  var children: [(name: String, layer: any Layer)] {
    [("conv", convolution), ("bn", normalization)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    silu(normalization(convolution(x, in: context), in: context))
  }
}

/// Two convolutions of window 3, the input added where wanted.
private final class YOLOBottleneck: Layer {
  private let first: YOLOConvolution
  private let second: YOLOConvolution
  private let addsInput: Bool

  init(_ features: Int, addsInput: Bool, random: inout RandomStream) {
    first = YOLOConvolution(features, features, window: 3, random: &random)
    second = YOLOConvolution(features, features, window: 3, random: &random)
    self.addsInput = addsInput
  }

  var children: [(name: String, layer: any Layer)] { [("cv1", first), ("cv2", second)] }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = second(first(x, in: context), in: context)
    return addsInput ? x + y : y
  }
}

/// A cross-stage block whose last convolution sees the output of every bottleneck ("C2f").
///
/// Half of the first convolution's channels go through the bottlenecks; these channels, the other
/// half, and each bottleneck's output are joined. After the cross-stage networks of Wang et al. 2020.
final class YOLOStage: Layer {
  private let first: YOLOConvolution
  private let last: YOLOConvolution
  private let bottlenecks: [YOLOBottleneck]
  private let half: Int

  init(
    _ input: Int,
    _ output: Int,
    depth: Int,
    addsInput: Bool,
    random: inout RandomStream
  ) {
    half = output / 2
    let features = half
    first = YOLOConvolution(input, 2 * features, random: &random)
    last = YOLOConvolution((2 + depth) * features, output, random: &random)
    bottlenecks = (0..<depth).map { _ in
      YOLOBottleneck(features, addsInput: addsInput, random: &random)
    }
  }

  var children: [(name: String, layer: any Layer)] {
    [("cv1", first), ("cv2", last)]
      + bottlenecks.enumerated().map { ("m.\($0.offset)", $0.element as any Layer) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let both = first(x, in: context)
    var parts = [both]
    var y = both.sliced(axis: 1, start: half)
    for bottleneck in bottlenecks {
      y = bottleneck(y, in: context)
      parts.append(y)
    }
    return last(concatenation(parts), in: context)
  }
}

/// Spatial pyramid pooling by three maxima of 5 x 5, one after the other.
///
/// He et al. 2015, "Spatial pyramid pooling in deep convolutional networks"; maxima of maxima see
/// windows of 5, 9 and 13.
final class YOLOPyramid: Layer {
  private static let window = PoolingShape(kernel: [5, 5], stride: [1, 1], padding: [2, 2])
  private let first: YOLOConvolution
  private let last: YOLOConvolution

  init(_ features: Int, random: inout RandomStream) {
    first = YOLOConvolution(features, features / 2, random: &random)
    last = YOLOConvolution(features / 2 * 4, features, random: &random)
  }

  var children: [(name: String, layer: any Layer)] { [("cv1", first), ("cv2", last)] }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    var parts = [first(x, in: context)]
    for index in 0..<3 { parts.append(maxPooling(parts[index], shape: Self.window)) }
    return last(concatenation(parts), in: context)
  }
}

/// Two convolutions of window 3 and one of window 1: one branch of the head at one resolution.
final class YOLOBranch: Layer {
  private let hidden: [YOLOConvolution]
  private let last: Convolution

  init(
    _ input: Int,
    _ features: Int,
    _ output: Int,
    bias: Float,
    random: inout RandomStream
  ) {
    hidden = [
      YOLOConvolution(input, features, window: 3, random: &random),
      YOLOConvolution(features, features, window: 3, random: &random),
    ]
    last = Convolution(
      inputChannels: features,
      outputChannels: output,
      kernelSize: [1, 1],
      random: &random
    )
    last.bias?.value = Tensor(repeating: bias, shape: [output])
  }

  var children: [(name: String, layer: any Layer)] {
    [("0", hidden[0]), ("1", hidden[1]), ("2", last)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    last(hidden[1](hidden[0](x, in: context), in: context), in: context)
  }
}
