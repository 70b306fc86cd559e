import Layers
import Support
import Tensors

/// Tells real images from made ones: strided convolutions and one score.
///
/// Spectral norms after Miyato et al. 2018; a class by projection (Miyato and Koyama 2018, "cGANs
/// with
/// Projection Discriminator", equation 3). No batch normalisation, so that slopes of samples are
/// their own.
package final class ImageCritic: Layer {
  private let convolutions: [Convolution]
  private let score: Linear
  private let norms: [SpectralNormalization]
  private let classes: Embedding?

  /// Creates a network with random weights.
  package init(_ c: GenerationConfiguration, random: inout RandomStream) {
    let widths = (0...c.levels).map { c.features << $0 }
    convolutions = (0...c.levels).map {
      let halves = $0 > 0
      return Convolution(
        inputChannels: halves ? widths[$0 - 1] : c.channels,
        outputChannels: widths[$0],
        kernelSize: halves ? [4, 4] : [3, 3],
        stride: halves ? [2, 2] : [1, 1],
        padding: [1, 1],
        random: &random
      )
    }
    let cells = (c.height >> c.levels) * (c.width >> c.levels)
    score = Linear(inputs: widths[c.levels] * cells, outputs: 1, random: &random)
    var norms: [SpectralNormalization] = []
    if c.model == .dcgan {
      for weight in convolutions.map(\.weight) + [score.weight] {
        norms.append(SpectralNormalization(of: weight, random: &random))
      }
    }
    self.norms = norms
    classes =
      c.classNames.isEmpty
      ? nil
      : Embedding(count: c.classNames.count, width: widths[c.levels], random: &random)
  }

  package var ownParameters: [(name: String, parameter: Parameter)] {
    norms.enumerated().flatMap { index, norm in
      norm.parameters(for: "weight").dropFirst().map { ("norms.\(index)." + $0.name, $0.parameter) }
    }
  }

  package var children: [(name: String, layer: any Layer)] {
    convolutions.enumerated().map { ("convolutions.\($0.offset)", $0.element as any Layer) }
      + [("score", score)] + (classes.map { [("classes", $0)] } ?? [])
  }

  package func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(x, classes: nil, in: context)
  }

  /// Judges images.
  /// - Parameters:
  ///   - x: `[N, C, H, W]`.
  ///   - labels: The class of each; nil for a model without.
  ///   - context: To train or to predict.
  /// - Returns: `[N, 1]`.
  package func callAsFunction(_ x: Tensor, classes labels: [Int]?, in context: Context) -> Tensor {
    var y = x
    for (index, layer) in convolutions.enumerated() {
      y = convolution(
        y,
        weight: norms.isEmpty ? layer.weight.value(in: context) : norms[index].value(in: context),
        bias: layer.bias?.value(in: context),
        shape: layer.shape
      )
      y = leakyReLU(y, negativeSlope: 0.2)
    }
    let result = linear(
      y.flattened(from: 1),
      weight: norms.last?.value(in: context) ?? score.weight.value(in: context),
      bias: score.bias?.value(in: context)
    )
    guard let classes, let labels else { return result }
    let wanted = classes(IndexTensor(labels, shape: [labels.count]), in: context)
    return result + (wanted * y.mean(axes: [2, 3])).sum(axes: [1], keepingAxes: true)
  }
}
