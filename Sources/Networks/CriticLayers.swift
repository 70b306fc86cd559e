import Layers
import Support
import Tensors

/// A convolution whose weight may be divided by its largest singular value.
final class CriticConvolution: Layer {
  private let convolution: Convolution
  private let norm: SpectralNormalization?

  init(
    _ inputChannels: Int,
    _ outputChannels: Int,
    window: Int,
    stride: Int = 1,
    dimensions: Int,
    hasBias: Bool,
    isSpectral: Bool,
    random: inout RandomStream
  ) {
    convolution = Convolution(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      kernelSize: [Int](repeating: window, count: dimensions),
      stride: [Int](repeating: stride, count: dimensions),
      padding: [Int](repeating: 1, count: dimensions),
      hasBias: hasBias,
      random: &random
    )
    norm = isSpectral ? SpectralNormalization(of: convolution.weight, random: &random) : nil
  }

  var ownParameters: [(name: String, parameter: Parameter)] {
    guard let norm else { return convolution.ownParameters }
    return norm.parameters(for: "weight") + (convolution.bias.map { [("bias", $0)] } ?? [])
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    guard let norm else { return convolution(x, in: context) }
    return Tensors.convolution(
      x,
      weight: norm.value(in: context),
      bias: convolution.bias?.value(in: context),
      shape: convolution.shape
    )
  }
}

/// A linear map whose weight may be divided by its largest singular value.
final class CriticLinear: Layer {
  private let map: Linear
  private let norm: SpectralNormalization?

  init(_ inputs: Int, _ outputs: Int, isSpectral: Bool, random: inout RandomStream) {
    map = Linear(inputs: inputs, outputs: outputs, random: &random)
    norm = isSpectral ? SpectralNormalization(of: map.weight, random: &random) : nil
  }

  var ownParameters: [(name: String, parameter: Parameter)] {
    guard let norm else { return map.ownParameters }
    return norm.parameters(for: "weight") + (map.bias.map { [("bias", $0)] } ?? [])
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    guard let norm else { return map(x, in: context) }
    return linear(x, weight: norm.value(in: context), bias: map.bias?.value(in: context))
  }
}
