import Layers
import Networks
import Support
import Tensors

/// A network that makes images, with what is drawn for it.
package struct GeneratorModel: Sendable {
  /// Its values.
  package let configuration: GenerationConfiguration
  /// The network.
  package let layer: any Layer
  /// The way from noise to images, of diffusion models.
  package let process = DiffusionProcess()

  /// Creates a model with random weights.
  /// - Throws: `GenerationError.unfit`; `NetworksError`.
  package init(_ configuration: GenerationConfiguration, random: inout RandomStream) throws {
    try configuration.check()
    self.configuration = configuration
    switch configuration.model {
    case .dcgan, .wganGP: layer = DCGANGenerator(configuration, random: &random)
    case .styleGAN2: layer = StyleGenerator(configuration, random: &random)
    case .diffusion:
      let f = configuration.features
      layer = try NetworkConfiguration.diffusionUNet(
        DiffusionUNetConfiguration(
          channels: configuration.channels,
          conditionChannels: configuration.classNames.count,
          features: [f, 2 * f, 2 * f] + (configuration.levels > 2 ? [2 * f] : []),
          steps: process.schedule.steps
        )
      ).makeNetwork(random: &random)
    }
  }

  /// Vectors of 0 with a 1 at the class.
  func oneHot(_ labels: [Int]) -> Tensor {
    let count = configuration.classNames.count
    return Tensor(
      labels.flatMap { label in (0..<count).map { $0 == label ? Float(1) : 0 } },
      shape: [labels.count, count]
    )
  }

  /// Draws a generator's input; values beyond `truncation` are drawn again.
  func input(
    _ count: Int,
    labels: [Int]?,
    truncation: Double?,
    random: inout RandomStream
  ) -> Tensor {
    let values = (0..<count * configuration.latent).map { _ -> Float in
      var value = random.normal()
      if let truncation { while abs(value) > truncation { value = random.normal() } }
      return Float(value)
    }
    let drawn = Tensor(values, shape: [count, configuration.latent])
    return labels.map { concatenation([drawn, oneHot($0)], axis: 1) } ?? drawn
  }

  /// What a diffusion network sees: noisy images and planes of the class.
  func conditioned(_ noisy: Tensor, labels: [Int]?) -> Tensor {
    guard let labels else { return noisy }
    let planes = oneHot(labels).reshaped([labels.count, configuration.classNames.count, 1, 1])
    let size = [labels.count, configuration.classNames.count] + noisy.shape.dropFirst(2)
    return concatenation([noisy, planes.broadcasted(to: size)], axis: 1)
  }

  /// Makes images.
  /// - Parameters:
  ///   - count: How many.
  ///   - labels: The class of each, for a model that is told classes.
  ///   - truncation: Random values beyond it are drawn again (Brock et al. 2019); nil for none.
  ///   - leaps: Leaps of a diffusion model.
  ///   - random: The stream to draw from.
  /// - Returns: `[N, C, H, W]`, −1 to 1.
  package func images(
    _ count: Int,
    labels: [Int]?,
    truncation: Double? = nil,
    leaps: Int = 50,
    random: inout RandomStream
  ) -> Tensor {
    let c = configuration
    guard let network = layer as? DiffusionUNet else {
      let x = input(count, labels: labels, truncation: truncation, random: &random)
      return layer(x, in: .inference)
    }
    let shape = [count, c.channels, c.height, c.width]
    let noise = Tensor(
      (0..<shape.reduce(1, *)).map { _ in Float(random.normal()) },
      shape: shape
    )
    return process.images(from: noise, count: leaps) { noisy, step in
      network(
        conditioned(noisy, labels: labels),
        steps: [Int](repeating: step, count: count),
        in: .inference
      )
    }.clamped(low: -1, high: 1)
  }
}
