import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("U-Net")
struct UNetTests {
  /// Six normalised layers in single precision against PyTorch in double.
  private static let close = Tolerance(absolute: 2e-5, relative: 2e-5)

  private static func network(_ configuration: UNetConfiguration) throws -> any Network {
    var random = RandomStream(seed: 1)
    return try NetworkConfiguration.unet(configuration).makeNetwork(random: &random)
  }

  @Test("scores, loss and gradients equal those of the same network in PyTorch")
  func equalsPyTorch() throws {
    let stored = try Safetensors(contentsOf: Fixtures.path("tensors/unet.safetensors")).tensors
    let network = try Self.network(
      UNetConfiguration(inputChannels: 2, outputChannels: 3, features: [4, 9])
    )
    var weights: [String: Tensor] = [:]
    for (name, tensor) in stored where name.hasPrefix("weights.") {
      weights[String(name.dropFirst("weights.".count))] = tensor
    }
    try network.load(Safetensors(tensors: weights), from: "fixture")

    let input = try #require(stored["input"])
    let scores = network(input, in: Context(.training))
    expectClose(scores, try #require(stored["output"]), Self.close, "scores")
    expectClose(
      network(input, in: .inference),
      try #require(stored["output"]),
      Self.close,
      "prediction"
    )
    let shape = [2, 8, 6]
    let labels = LabelTensor((0..<96).map { Int32($0 * 7 % 11 % 3) }, shape: shape)
    let loss = SegmentationLoss.crossEntropyAndDice(scores, labels: labels)
    expectClose(loss, try #require(stored["loss"]), Self.close, "loss")
    let found = gradients(of: loss)
    for (name, parameter) in network.namedParameters {
      let expected = try #require(stored["gradients." + name], "\(name)")
      expectClose(try #require(found[parameter.key]), expected, Self.close, "gradient of \(name)")
    }
  }

  @Test("without padding 572 pixels give 388, as in figure 1 of the paper")
  func paperSizes() throws {
    var configuration = UNetConfiguration.ronneberger(inputChannels: 1, outputChannels: 2)
    #expect(configuration.features == [64, 128, 256, 512, 1024])
    configuration.features = [2, 2, 2, 2, 2]
    let network = try Self.network(configuration)
    let y = network(Tensor(repeating: 1, shape: [1, 1, 572, 572]), in: .inference)
    #expect(y.shape == [1, 2, 388, 388])
    #expect(network.sizeMultiple == 16)
  }

  @Test("the paper's network has 31 million parameters")
  func paperParameters() throws {
    let network = try Self.network(.ronneberger(inputChannels: 1, outputChannels: 2))
    // Σ over convolutions of (9·I + 1)·O, up-convolutions of (4·I + 1)·O, and the head's 65·2.
    #expect(network.trainableCount == 31_030_658)
  }

  @Test("up-sampling and stages have as many channels as features")
  func parameterNames() throws {
    let network = try Self.network(
      UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [4, 8])
    )
    let shapes = Dictionary(
      uniqueKeysWithValues: network.namedParameters.map { ($0.name, $0.parameter.shape) }
    )
    #expect(shapes["encoder.0.0.conv.weight"] == [4, 1, 3, 3])
    #expect(shapes["encoder.1.1.conv.weight"] == [8, 8, 3, 3])
    #expect(shapes["upsampler.0.weight"] == [8, 4, 2, 2])
    #expect(shapes["decoder.0.0.conv.weight"] == [4, 8, 3, 3])
    #expect(shapes["decoder.0.1.norm.weight"] == [4])
    #expect(shapes["head.weight"] == [2, 4, 1, 1])
  }

  @Test("dropout acts in training only, and only in the encoder's two deepest stages")
  func dropout() throws {
    var configuration = UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [4, 8])
    configuration.normalization = .none
    configuration.dropoutProbability = 0.999_999
    let network = try Self.network(configuration)
    let x = Tensor((0..<64).map { Float($0 % 7) }, shape: [1, 1, 8, 8])
    #expect(Set(network(x, in: .inference).values).count > 2)
    // All of the encoder is dropped, so that only biases, which are 0 at first, remain.
    let dropped = network(x, in: Context(.training)).values
    #expect(Set(dropped) == [0])
    for (name, parameter) in network.namedParameters where name.hasSuffix("bias") {
      parameter.value = Tensor(repeating: 1, shape: parameter.shape)
    }
    // The decoder is not dropped: it turns the up-sampler's bias into more than the head's.
    #expect(Set(network(x, in: Context(.training)).values).count > 2)
  }

  static let invalid: [@Sendable (inout UNetConfiguration) -> Void] = [
    { $0.inputChannels = 0 }, { $0.outputChannels = 0 }, { $0.outputChannels = 1_000_000 },
    { $0.features = [] }, { $0.features = [4, 0] },
    { $0.features = [Int](repeating: 1, count: 11) },
    { $0.dimensions = 1 }, { $0.dimensions = 4 }, { $0.convolutionsPerStage = 0 },
    { $0.kernelSize = 2 }, { $0.kernelSize = -1 }, { $0.negativeSlope = -0.1 },
    { $0.negativeSlope = .nan }, { $0.dropoutProbability = 1 }, { $0.dropoutProbability = -0.5 },
  ]

  @Test("impossible configurations are refused", arguments: invalid.indices)
  func invalidConfigurations(_ index: Int) throws {
    var configuration = UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [4, 8])
    Self.invalid[index](&configuration)
    let error = #expect(throws: NetworksError.self) { try Self.network(configuration) }
    #expect(error?.failure == .damagedInput)
  }
}
