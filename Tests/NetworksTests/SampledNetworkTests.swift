import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("Networks drawn by dropout")
struct SampledNetworkTests {
  private static func network(_ configuration: NetworkConfiguration) throws -> any Network {
    var random = RandomStream(seed: 5)
    return try configuration.makeNetwork(random: &random)
  }

  private static let input = Tensor(
    (0..<2 * 16 * 16).map { Float($0 * 37 % 101) / 50 - 1 },
    shape: [2, 1, 16, 16]
  )

  static var unet: UNetConfiguration {
    var values = UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [8, 16])
    values.dropoutProbability = 0.5
    return values
  }

  static var plain: NNUNetConfiguration {
    var values = NNUNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [8, 16],
      dimensions: 2,
      unitsPerStage: [1, 1],
      decoderUnitsPerStage: [1]
    )
    values.dropoutProbability = 0.25
    return values
  }

  @Test(
    "plans compute what the layers compute, the same for a seed and another for another",
    arguments: [NetworkConfiguration.unet(unet), .plainConvUNet(plain)]
  )
  func plans(_ configuration: NetworkConfiguration) throws {
    #expect(configuration.hasDropout)
    let network = try Self.network(configuration)
    let planned = try PlannedNetwork(network)
    let found = planned.sampled(seed: 7)(Self.input)
    let wanted = network(Self.input, in: .sample(seed: 7))
    // Plans sum in another order: a few units in the last place of values about 1.
    for (a, b) in zip(found.values, wanted.values) { #expect(abs(a - b) < 1e-4) }
    #expect(found.values == planned.sampled(seed: 7)(Self.input).values)
    #expect(found.values != planned.sampled(seed: 8)(Self.input).values)
    #expect(found.values != planned(Self.input).values)
  }

  @Test("an image's scores do not depend on its place in the batch")
  func places() throws {
    let planned = try PlannedNetwork(Self.network(.unet(Self.unet))).sampled(seed: 7)
    let values = Self.input.values
    let turned = Tensor(Array(values[256...] + values[..<256]), shape: Self.input.shape)
    let (one, other) = (planned(Self.input).values, planned(turned).values)
    #expect(Array(one.prefix(512)) == Array(other.suffix(512)))
  }

  @Test("a network without dropout is what it is")
  func withoutDropout() throws {
    let configuration = NetworkConfiguration.unet(
      UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [8, 16])
    )
    #expect(!configuration.hasDropout)
    let planned = try PlannedNetwork(Self.network(configuration))
    #expect(planned.sampled(seed: 7)(Self.input).values == planned(Self.input).values)
  }

  @Test("dropout is given to the networks that have it")
  func dropping() {
    let plain = NetworkConfiguration.unet(
      UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [8, 16])
    )
    #expect(plain.dropping(0.5) == .unet(Self.unet))
    #expect(plain.dropping(0)?.hasDropout == false)
    #expect(
      NetworkConfiguration.dnCNN(
        DnCNNConfiguration(channels: 1, depth: 3, features: 8)
      ).dropping(0.5) == nil
    )
  }
}
