import Layers
import Networks
import Tensors

/// A VGG without normalisation, whose first stages become the encoder of a network of any style.
package struct StyleEncoder: Sendable {
  /// The network of any style that can take the encoder over.
  package let configuration: AdaINConfiguration
  private let convolutions: [(weight: Tensor, bias: Tensor)]
  private let means: [Double]
  private let deviations: [Double]

  /// Stages of the encoder, up to `relu4_1` (Huang and Belongie 2017, section 6.1).
  private static let stages = 4

  /// Copies a VGG's weights; nil for a VGG with normalisation, or of less than two stages.
  /// - Parameters:
  ///   - network: The VGG.
  ///   - values: Its values.
  ///   - means: Of the colours that it expects, of 0 to 1.
  ///   - deviations: Of these colours.
  package init?(_ network: VGG, _ values: VGGConfiguration, means: [Double], deviations: [Double]) {
    let stages = min(Self.stages, values.features.count, values.poolings + 1)
    guard !values.hasNormalization, stages > 1, values.inputChannels == 3 else { return nil }
    configuration = AdaINConfiguration(
      features: Array(values.features.prefix(stages)),
      convolutionsPerStage: Array(values.convolutionsPerStage.prefix(stages - 1))
    )
    let layers = Dictionary(uniqueKeysWithValues: network.children.map { ($0.name, $0.layer) })
    let count = configuration.convolutionsPerStage.reduce(1, +)
    var (found, place) = ([(weight: Tensor, bias: Tensor)](), 0)
    for (stage, units) in values.convolutionsPerStage.prefix(stages).enumerated() {
      for unit in 0..<units {
        guard let layer = layers["features.\(place + 2 * unit)"] as? Convolution else { return nil }
        let bias = layer.bias?.value ?? Tensor(repeating: 0, shape: [values.features[stage]])
        found.append((layer.weight.value, bias))
      }
      place += 2 * units + 1
    }
    convolutions = Array(found.prefix(count))
    (self.means, self.deviations) = (means, deviations)
  }

  /// Gives an encoder the weights.
  /// - Parameters:
  ///   - network: Of `configuration`.
  ///   - range: What black and white are to it.
  package func copy(to network: AdaINNetwork, range: [Double]) {
    let colours = network.colourConvolution
    let width = range[1] - range[0]
    var weights = [Float](repeating: 0, count: 9)
    for channel in 0..<3 { weights[4 * channel] = Float(1 / (width * deviations[channel])) }
    colours.weight.value = Tensor(weights, shape: colours.weight.shape)
    colours.bias?.value = Tensor(
      (0..<3).map { Float((-range[0] / width - means[$0]) / deviations[$0]) },
      shape: [3]
    )
    for (layer, stored) in zip(network.encoderConvolutions, convolutions) {
      layer.weight.value = stored.weight
      layer.bias?.value = stored.bias
    }
  }
}
