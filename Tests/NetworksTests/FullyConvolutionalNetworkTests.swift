import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("FCN")
struct FullyConvolutionalNetworkTests {
  private static let example = FCNConfiguration(
    inputChannels: 1,
    outputChannels: 2,
    features: [4, 4, 4, 4, 4],
    classifierFeatures: 4
  )

  private static func network(_ configuration: FCNConfiguration) throws -> any Network {
    var random = RandomStream(seed: 1)
    return try NetworkConfiguration.fcn(configuration).makeNetwork(random: &random)
  }

  @Test("five stages make FCN-8s: up-sampling by 2, 2 and 8")
  func stages() throws {
    let network = try Self.network(Self.example)
    #expect(network.sizeMultiple == 32)
    let shapes = Dictionary(
      uniqueKeysWithValues: network.namedParameters.map { ($0.name, $0.parameter.shape) }
    )
    #expect(shapes["upsampler.0.weight"] == [2, 2, 4, 4])
    #expect(shapes["upsampler.2.weight"] == [2, 2, 16, 16])
    #expect(
      network(Tensor(repeating: 1, shape: [1, 1, 64, 32]), in: .inference).shape == [1, 2, 64, 32]
    )
  }

  @Test(
    "variants end with one up-sampling from their finest scores",
    arguments: [
      (FCNConfiguration.Variant.last, [64]), (.lastTwo, [4, 32]), (.lastThree, [4, 4, 16]),
    ]
  )
  func variants(_ variant: FCNConfiguration.Variant, _ windows: [Int]) throws {
    var configuration = Self.example
    configuration.variant = variant
    let network = try Self.network(configuration)
    let found = network.namedParameters.filter { $0.name.hasPrefix("upsampler.") }
    #expect(found.map { $0.parameter.shape[3] } == windows)
    #expect(
      network.namedParameters.filter { $0.name.hasPrefix("score.") }.count == 2 * windows.count
    )
    let x = Tensor(repeating: 1, shape: [1, 1, 64, 32])
    #expect(network(x, in: .inference).shape == [1, 2, 64, 32])
  }

  @Test("files without a variant have FCN-8s")
  func olderFiles() throws {
    let text = """
      {"inputChannels": 1, "outputChannels": 2, "features": [4, 4, 4], "convolutionsPerStage": [1, 1, 1],
      "classifierFeatures": 8, "normalization": "batch", "dropoutProbability": 0.25}
      """
    let values = try JSONDecoder().decode(FCNConfiguration.self, from: Data(text.utf8))
    #expect(values.variant == .lastThree)
    #expect(values.dropoutProbability == 0.25 && values.convolutionsPerStage == [1, 1, 1])
  }

  @Test("up-sampling starts as bilinear interpolation, channel by channel")
  func bilinear() throws {
    let network = try Self.network(Self.example)
    let weight = try #require(
      network.namedParameters.first { $0.name == "upsampler.0.weight" }?.parameter.value
    )
    // The profile of a 2-fold up-sampling is 1/4, 3/4, 3/4, 1/4.
    let profile: [Float] = [0.25, 0.75, 0.75, 0.25]
    let window = profile.flatMap { row in profile.map { row * $0 } }
    let nothing = [Float](repeating: 0, count: 16)
    #expect(weight.values == window + nothing + nothing + window)
    // Inside, a constant stays a constant.
    let y = transposedConvolution(
      Tensor(repeating: 3, shape: [1, 2, 4, 4]),
      weight: weight,
      bias: nil,
      shape: ConvolutionShape(rank: 2, stride: 2, padding: 1)
    )
    #expect(y.shape == [1, 2, 8, 8])
    for row in 1..<7 { for column in 1..<7 { #expect(y.values[row * 8 + column] == 3) } }
  }

  static let invalid: [@Sendable (inout FCNConfiguration) -> Void] = [
    { $0.inputChannels = 0 }, { $0.outputChannels = 0 }, { $0.features = [4, 4] },
    { $0.features = [4, 0, 4, 4, 4] }, { $0.features = [Int](repeating: 4, count: 9) },
    { $0.convolutionsPerStage = [1] }, { $0.convolutionsPerStage = [1, 1, 0, 1, 1] },
    { $0.classifierFeatures = 0 }, { $0.dropoutProbability = 1 }, { $0.dropoutProbability = .nan },
  ]

  @Test("impossible configurations are refused", arguments: invalid.indices)
  func invalidConfigurations(_ index: Int) throws {
    var configuration = Self.example
    Self.invalid[index](&configuration)
    let error = #expect(throws: NetworksError.self) { try Self.network(configuration) }
    #expect(error?.failure == .damagedInput)
  }
}
