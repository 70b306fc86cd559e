import Layers
import Networks
import Support
import Testing

@Suite struct NetworkCostTests {
  @Test func aUNetsCostIsCountedByHand() throws {
    // 8 x 8 pixels, one channel in, 2 and 4 channels, one convolution a stage, 3 classes:
    // down 1·2·9·64 and 2·4·9·16, up 4·2·64, then 4·2·9·64, head 2·3·64.
    var values = UNetConfiguration(inputChannels: 1, outputChannels: 3, features: [2, 4])
    values.convolutionsPerStage = 1
    let cost = try #require(NetworkConfiguration.unet(values).cost(inputSize: [8, 8]))
    #expect(cost.multiplications == 1152 + 1152 + 512 + 4608 + 384)
    #expect(cost.mapValues == 2 * 64 + 4 * 16 + 2 * 64 + 2 * 64 + 3 * 64)
  }

  @Test func stepsAndWindowsOfSomeAxesCount() throws {
    // 4 x 8 x 8 voxels; the second stage halves two axes, the first has flat windows.
    var values = NNUNetConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [2, 3],
      dimensions: 3,
      unitsPerStage: [1, 1],
      decoderUnitsPerStage: [1]
    )
    values.kernelSizes = [[1, 3, 3], [3, 3, 3]]
    values.strides = [[1, 1, 1], [1, 2, 2]]
    let cost = try #require(NetworkConfiguration.plainConvUNet(values).cost(inputSize: [4, 8, 8]))
    #expect(
      cost.multiplications
        == 2 * 9 * 256 + 2 * 3 * 27 * 64 + 3 * 2 * 256 + 4 * 2 * 9 * 256 + 2 * 2 * 256
    )
  }

  @Test func theWeightsAreThoseOfTheNetwork() throws {
    var deep = NNUNetConfiguration(
      inputChannels: 2,
      outputChannels: 4,
      features: [8, 16, 24],
      dimensions: 3,
      unitsPerStage: [2, 1, 2],
      decoderUnitsPerStage: [1, 2]
    )
    deep.hasDeepSupervision = true
    var flat = deep
    flat.hasDeepSupervision = false
    let unet = UNetConfiguration(inputChannels: 3, outputChannels: 5, features: [8, 16, 32, 40])
    for (network, size) in [
      (NetworkConfiguration.plainConvUNet(deep), [8, 8, 8]),
      (.plainConvUNet(flat), [8, 8, 8]), (.unet(unet), [16, 16]),
    ] {
      var random = RandomStream(seed: 1)
      let made = try network.makeNetwork(random: &random)
      #expect(network.cost(inputSize: size)?.parameters == made.trainableCount)
    }
  }

  /// The formula and a traced pass count the same convolutions.
  @Test func tracedPassesCountAsTheFormulasDo() throws {
    var steps = NNUNetConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      features: [4, 6, 8],
      dimensions: 3,
      unitsPerStage: [1, 2, 1],
      decoderUnitsPerStage: [1, 1]
    )
    steps.kernelSizes = [[1, 3, 3], [3, 3, 3], [3, 3, 3]]
    steps.strides = [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
    steps.hasDeepSupervision = false
    let unet = UNetConfiguration(inputChannels: 3, outputChannels: 5, features: [4, 8, 12])
    for (network, size) in [
      (NetworkConfiguration.plainConvUNet(steps), [4, 8, 16]), (.unet(unet), [16, 24]),
    ] {
      #expect(network.tracedCost(size) == network.cost(inputSize: size))
    }
  }

  @Test func aNetworkWithoutAFormulaIsCountedFromAPass() throws {
    // 3 -> 64 by 7 x 7 with step 2 on 32 x 32 pixels and so on: ResNet-18 has 1.814 billion
    // multiplications of convolutions at 224 x 224 (1.819 billion with the last layer's 512 000,
    // which is no convolution here, and the normalisations', as torchvision's documentation says).
    let network = NetworkConfiguration.resNet(.resNet18(inputChannels: 3, outputChannels: 1000))
    let cost = try #require(network.cost(inputSize: [224, 224]))
    #expect(cost.parameters == 11_689_512)
    #expect(abs(Double(cost.multiplications) / 1.814e9 - 1) < 0.001)
  }

  @Test func sizesThatANetworkDoesNotTakeHaveNoCost() {
    let network = NetworkConfiguration.fcn(
      FCNConfiguration(
        inputChannels: 1,
        outputChannels: 2,
        features: [8, 8, 8],
        classifierFeatures: 16
      )
    )
    #expect(network.cost(inputSize: [64, 64]) != nil)
    #expect(network.cost(inputSize: [64, 63]) == nil)
    #expect(network.cost(inputSize: [64, 64, 64]) == nil)
    #expect(network.cost(inputSize: [0, 64]) == nil)
  }
}
