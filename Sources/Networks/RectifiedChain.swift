import Layers
import Support
import Tensors

/// Convolutions of window 3 with rectifiers between them, numbered as in PyTorch's sequence of both.
final class RectifiedChain: Layer {
  private let layers: [Convolution]

  /// - Precondition: At least two layers.
  init(
    _ inputChannels: Int,
    _ outputChannels: Int,
    features: Int,
    depth: Int,
    dimensions: Int,
    hasBias: Bool,
    random: inout RandomStream
  ) {
    layers = (0..<depth).map { index in
      Convolution(
        inputChannels: index == 0 ? inputChannels : features,
        outputChannels: index == depth - 1 ? outputChannels : features,
        kernelSize: [Int](repeating: 3, count: dimensions),
        hasBias: hasBias,
        random: &random
      )
    }
  }

  var children: [(name: String, layer: any Layer)] {
    layers.enumerated().map { ("\(2 * $0.offset)", $0.element) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    layers.dropFirst().reduce(layers[0](x, in: context)) { $1(relu($0), in: context) }
  }
}
