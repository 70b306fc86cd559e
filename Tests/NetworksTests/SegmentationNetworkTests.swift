import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

extension NamedConfiguration {
  /// Each switch of the networks of `NetworkCatalog+Segmentation.swift` thrown once, and the FCN's variants.
  static var segmentationVariants: [NamedConfiguration] {
    var single = UNetPlusPlusConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      features: [4, 6],
      dimensions: 3
    )
    single.hasDeepSupervision = false
    single.normalization = .instance
    var fine = DeepLabConfiguration(inputChannels: 2, outputChannels: 3, features: 8)
    fine.block = .bottleneck
    fine.blocksPerStage = [1, 1, 2, 1]
    fine.outputStride = 8
    fine.rates = [1, 2, 3]
    fine.pyramidFeatures = 12
    fine.dropoutProbability = 0.1
    func fcn(_ variant: FCNConfiguration.Variant) -> NetworkConfiguration {
      var values = FCNConfiguration(
        inputChannels: 1,
        outputChannels: 2,
        features: [6, 8, 9],
        classifierFeatures: 12
      )
      values.variant = variant
      return .fcn(values)
    }
    return [
      NamedConfiguration("unet++-3d", .unetPlusPlus(single)),
      NamedConfiguration(
        "resunet-3d",
        .resUNet(
          ResUNetConfiguration(
            inputChannels: 2,
            outputChannels: 3,
            features: [6, 6, 9],
            dimensions: 3
          )
        )
      ),
      NamedConfiguration("deeplabv3+-fine", .deepLab(fine)),
      NamedConfiguration("fcn-16s", fcn(.lastTwo)),
      NamedConfiguration("fcn-32s", fcn(.last)),
    ]
  }
}

@Suite("Relatives of the U-Net")
struct SegmentationNetworkTests {
  private static func image(_ shape: [Int]) -> Tensor {
    var random = RandomStream(seed: 3)
    return Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }, shape: shape)
  }

  @Test("a U-Net++ gives the mean of its heads, and for losses each of them, the deepest first")
  func heads() throws {
    var random = RandomStream(seed: 1)
    let values = UNetPlusPlusConfiguration(
      inputChannels: 1,
      outputChannels: 2,
      features: [4, 5, 6, 7]
    )
    let network = UNetPlusPlus(values, random: &random)
    let x = Self.image([1, 1, 16, 24])
    let scores = network(x, in: .inference)
    let all = network.allScores(x, in: .inference)
    #expect(all.count == 4 && all[3].values == scores.values)
    let sum = all[0] + all[1] + all[2]
    expectClose(scores * 3, sum, Tolerance(absolute: 1e-5, relative: 1e-5))
    // The deepest map's weights reach the deepest head alone.
    let deepest = try #require(
      network.namedParameters.first { $0.name == "node.3.0.0.conv.weight" }?.parameter
    )
    deepest.value = Tensor(repeating: 0.5, shape: deepest.shape)
    let changed = network.allScores(x, in: .inference)
    #expect(changed[0].values != all[0].values)
    #expect(changed[1].values == all[1].values && changed[2].values == all[2].values)
  }

  @Test("a U-Net++ has as many weights as the paper's: 9.04 million")
  func weights() throws {
    // The paper states the number beside its results, for 32 to 512 channels.
    let values = UNetPlusPlusConfiguration(
      inputChannels: 3,
      outputChannels: 1,
      features: [32, 64, 128, 256, 512]
    )
    var random = RandomStream(seed: 1)
    let network = try Parameter.withoutRandomWeights {
      try NetworkConfiguration.unetPlusPlus(values).makeNetwork(random: &random)
    }
    #expect((9_040_000..<9_050_000).contains(network.weightCount), "\(network.weightCount)")
  }

  @Test("DeepLab keeps the resolution of the last stages by dilation")
  func strides() throws {
    for (stride, multiple) in [(8, 8), (16, 16)] {
      var values = DeepLabConfiguration(inputChannels: 1, outputChannels: 2, features: 4)
      values.outputStride = stride
      var random = RandomStream(seed: 1)
      let network = DeepLab(values, random: &random)
      #expect(network.sizeMultiple == multiple)
      let size = 3 * multiple
      #expect(
        network(Self.image([1, 1, size, multiple]), in: .inference).shape == [1, 2, size, multiple]
      )
      // The same weights at both strides: dilation adds none.
      #expect(network.weightCount == DeepLabWeights.expected)
    }
  }

  /// By hand for `features: 4`, one input channel and two classes.
  private enum DeepLabWeights {
    static var expected: Int {
      func unit(_ input: Int, _ output: Int, _ window: Int) -> Int {
        input * output * window * window + 2 * output
      }
      var sum = unit(1, 4, 7)
      var input = 4
      for width in [4, 8, 16, 32] {
        sum += unit(input, width, 3) + 3 * unit(width, width, 3)
        if input != width { sum += unit(input, width, 1) }
        input = width
      }
      // The pyramid with the image's mean, its projection, the reduction, the decoder and the head.
      sum += 2 * unit(32, 16, 1) + 3 * unit(32, 16, 3) + unit(5 * 16, 16, 1)
      return sum + unit(4, 3, 1) + unit(19, 16, 3) + unit(16, 16, 3) + 16 * 2 + 2
    }
  }

  static let invalid: [NetworkConfiguration] = {
    func changed<Values>(_ values: Values, _ change: (inout Values) -> Void) -> Values {
      var values = values
      change(&values)
      return values
    }
    let nested = UNetPlusPlusConfiguration(inputChannels: 1, outputChannels: 2, features: [4, 8])
    let residual = ResUNetConfiguration(inputChannels: 1, outputChannels: 2, features: [4, 8])
    let deepLab = DeepLabConfiguration(inputChannels: 1, outputChannels: 2)
    return [
      .unetPlusPlus(changed(nested) { $0.features = [4] }),
      .unetPlusPlus(changed(nested) { $0.features = [4, 0] }),
      .unetPlusPlus(changed(nested) { $0.dimensions = 1 }),
      .unetPlusPlus(changed(nested) { $0.inputChannels = 0 }),
      .resUNet(changed(residual) { $0.features = [] }),
      .resUNet(changed(residual) { $0.outputChannels = 0 }),
      .resUNet(changed(residual) { $0.dimensions = 4 }),
      .deepLab(changed(deepLab) { $0.outputStride = 4 }),
      .deepLab(changed(deepLab) { $0.rates = [] }),
      .deepLab(changed(deepLab) { $0.rates = [0] }),
      .deepLab(changed(deepLab) { $0.blocksPerStage = [1, 1, 1] }),
      .deepLab(changed(deepLab) { $0.features = .max }),
      .deepLab(changed(deepLab) { $0.lowLevelFeatures = 0 }),
      .deepLab(changed(deepLab) { $0.dropoutProbability = .nan }),
    ]
  }()

  @Test("impossible configurations are refused", arguments: invalid.indices)
  func invalidConfigurations(_ index: Int) throws {
    var random = RandomStream(seed: 1)
    let error = #expect(throws: NetworksError.self) {
      try Self.invalid[index].makeNetwork(random: &random)
    }
    #expect(error?.failure == .damagedInput)
  }
}
