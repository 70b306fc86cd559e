import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// Autoencoders of which PyTorch computed prediction, loss and gradients.
@Suite("Autoencoders and the U-Net of partial convolutions")
struct AutoencoderNetworkTests {
  /// A dozen layers in single precision against PyTorch in double.
  private static let close = Tolerance(absolute: 1e-5, relative: 1e-5)

  private static let configurations: [(name: String, values: NetworkConfiguration)] = [
    (
      "autoencoder",
      .convolutionalAutoencoder(
        ConvolutionalAutoencoderConfiguration(shape(2, [4, 6]))
      )
    ),
    ("vae", .variationalAutoencoder(VariationalAutoencoderConfiguration(shape(1, [4, 5])))),
    (
      "vq",
      .vectorQuantizedAutoencoder(
        VectorQuantizedAutoencoderConfiguration(
          shape(1, [4, 6]),
          codes: 7,
          decay: 0.9,
          revivalShare: 0
        )
      )
    ),
    (
      "linear",
      .linearAutoencoder(
        LinearAutoencoderConfiguration(channels: 2, patch: [3, 4], components: 5)
      )
    ),
    (
      "partial",
      .partialConvolutionUNet(
        PartialConvolutionUNetConfiguration(channels: 2, features: [4, 6, 8])
      )
    ),
  ]

  static let all = configurations.map {
    StoredNetwork(name: $0.name, configuration: $0.values, folder: "autoencoders")
  }

  private static func shape(_ channels: Int, _ features: [Int]) -> AutoencoderShape {
    AutoencoderShape(channels: channels, features: features, latentChannels: 3)
  }

  private func loaded(_ test: StoredNetwork) throws -> (any Network, [String: Tensor]) {
    let (stored, weights) = try test.stored()
    let network = try test.network()
    try network.load(weights, from: test.name)
    return (network, stored)
  }

  @Test("predictions equal PyTorch's", arguments: all)
  func predictions(_ test: StoredNetwork) throws {
    let (network, stored) = try loaded(test)
    let output = network(try #require(stored["input"]), in: .inference)
    expectClose(output, try #require(stored["output"]), Self.close)
    #expect(test.configuration.givesImages)
  }

  @Test("loss and gradients equal PyTorch's", arguments: all)
  func gradientsOfAll(_ test: StoredNetwork) throws {
    let (network, stored) = try loaded(test)
    let input = try #require(stored["input"])
    let loss: Tensor
    switch network {
    case let network as VariationalAutoencoder:
      let latent = network.encoded(input, in: Context(.training))
      expectClose(latent.mean, try #require(stored["mean"]), Self.close)
      expectClose(latent.logVariance, try #require(stored["logVariance"]), Self.close)
      expectClose(latent.divergence.reshaped([1]), try #require(stored["divergence"]), Self.close)
      let output = network.decoded(
        latent.sampled(try #require(stored["noise"])),
        in: Context(.training)
      )
      loss = output.squared().mean + latent.divergence * 0.1
    case let network as VectorQuantizedAutoencoder:
      let found = network.quantized(input, in: Context(.training))
      expectClose(found.commitment.reshaped([1]), try #require(stored["commitment"]), Self.close)
      loss =
        network.decoded(found.codes, in: Context(.training)).squared().mean
        + found.commitment * 0.25
    default: loss = network(input, in: Context(.training)).squared().mean
    }
    expectClose(
      loss.reshaped([1]),
      try #require(stored["loss"]),
      Tolerance(absolute: 2e-5, relative: 2e-5)
    )
    let found = gradients(of: loss)
    for (name, parameter) in network.namedParameters where parameter.isTrainable {
      let expected = try #require(stored["gradients." + name], "\(name)")
      let gradient = try #require(found[parameter.key], "\(name)")
      let largest = Double(expected.values.map(abs).max() ?? 0)
      expectClose(
        gradient,
        expected,
        Tolerance(absolute: 5e-5 + 2e-6 * largest, relative: 1e-4),
        name
      )
    }
    for (name, parameter) in network.namedParameters where name.hasPrefix("book.") {
      let after = try #require(stored["after." + name.dropFirst("book.".count)], "\(name)")
      expectClose(parameter.value, after, Tolerance(absolute: 1e-4, relative: 1e-4), name)
    }
  }

  @Test("codes that nothing chooses are drawn anew from the vectors at hand")
  func deadCodesAreRevived() throws {
    var random = RandomStream(seed: 3)
    let values = VectorQuantizedAutoencoderConfiguration(
      AutoencoderShape(channels: 1, features: [4], latentChannels: 3),
      codes: 16,
      revivalShare: 0.2
    )
    let network = VectorQuantizedAutoencoder(values, random: &random)
    let before = try #require(network.namedParameters.first { $0.name == "book.codes" })
      .parameter.value.values
    let pixels = (0..<2 * 64).map { _ in Float(random.normal()) }
    let x = Tensor(pixels, shape: [2, 1, 8, 8])
    let found = network.quantized(x, in: Context(.training, random: RandomStream(seed: 4)))
    // Before the first step all codes are dead, so that each becomes a vector of the batch.
    let after = try #require(network.namedParameters.first { $0.name == "book.codes" })
      .parameter.value.values
    #expect(after != before)
    let commitment = found.commitment.scalar
    #expect(commitment < 0.5 * found.encoded.squared().mean.scalar)
    let again = network.quantized(x, in: .inference)
    #expect(again.codes.values.allSatisfy { $0.isFinite })
  }

  @Test("the weights of principal components give projections")
  func principalComponents() throws {
    var random = RandomStream(seed: 1)
    let network = LinearAutoencoder(
      LinearAutoencoderConfiguration(channels: 1, patch: [2, 2], components: 1),
      random: &random
    )
    network.set(mean: [1, 2, 3, 4], components: [0.5, 0.5, 0.5, 0.5])
    // (2, 2, 3, 5) less the mean is (1, 0, 0, 1); along the component that is 1, back 0.5 each.
    let output = network(Tensor([2, 2, 3, 5], shape: [1, 1, 2, 2]), in: .inference)
    #expect(output.values == [1.5, 2.5, 3.5, 4.5])
  }

  @Test("what is hidden does not matter to partial convolutions")
  func hiddenValuesDoNotMatter() throws {
    var random = RandomStream(seed: 2)
    let network = PartialConvolutionUNet(
      PartialConvolutionUNetConfiguration(channels: 1, features: [4, 6]),
      random: &random
    )
    let mask = (0..<64).map { Float($0 % 8 < 3 ? 0 : 1) }
    let image = (0..<64).map { _ in Float(random.normal()) }
    let other = zip(image, mask).map { $1 == 0 ? 100 : $0 }
    func output(_ image: [Float], _ mask: [Float]) -> [Float] {
      network(Tensor(image + mask, shape: [1, 2, 8, 8]), in: .inference).values
    }
    #expect(output(image, mask) == output(other, mask))
    let nothing = output(image, [Float](repeating: 0, count: 64))
    #expect(nothing.allSatisfy { $0 == 0 })
  }
}
