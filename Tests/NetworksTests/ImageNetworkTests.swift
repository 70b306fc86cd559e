import Foundation
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// Networks that turn images into images, of which PyTorch computed prediction, loss and gradients.
enum StoredImageNetworks {
  static let all: [StoredNetwork] = [
    ("dncnn-plain", dnCNN(2, features: 6, hasNormalization: false)),
    ("dncnn-slices", dnCNN(1, features: 5) { $0.contextSlices = 1 }),
    ("dncnn-3d", dnCNN(1, features: 4, hasNormalization: false) { $0.dimensions = 3 }),
    (
      "dncnn-epsilon",
      dnCNN(1, features: 5) { values in
        values.biases = .all
        values.normalizationEpsilon = 1e-4
      }
    ), ("dncnn-no-bias", dnCNN(1, features: 5) { $0.biases = .none }),
    ("ffdnet", .ffdNet(FFDNetConfiguration(channels: 1, depth: 4, features: 6))),
    (
      "ffdnet-slices",
      .ffdNet(FFDNetConfiguration(channels: 2, depth: 3, features: 6, contextSlices: 1))
    ),
    (
      "ffdnet-3d",
      .ffdNet(FFDNetConfiguration(channels: 1, depth: 3, features: 6, dimensions: 3))
    ), ("vdsr", .vdsr(VDSRConfiguration(channels: 1, depth: 5, features: 6))),
    (
      "vdsr-slices",
      .vdsr(VDSRConfiguration(channels: 2, depth: 4, features: 6, contextSlices: 1))
    ), ("vdsr-3d", .vdsr(VDSRConfiguration(channels: 1, depth: 4, features: 4, dimensions: 3))),
    ("srcnn", .srcnn(SRCNNConfiguration(features: [6, 4], kernelSizes: [9, 1, 5]))),
    (
      "srcnn-3d",
      .srcnn(SRCNNConfiguration(features: [4, 3], kernelSizes: [5, 1, 3], dimensions: 3))
    ),
    (
      "fsrcnn",
      .fsrcnn(FSRCNNConfiguration(features: 8, shrunkFeatures: 4, mappings: 2, scale: 3))
    ),
    (
      "fsrcnn-3d",
      .fsrcnn(
        FSRCNNConfiguration(features: 5, shrunkFeatures: 3, mappings: 1, scale: 2, dimensions: 3)
      )
    ), ("espcn", .espcn(ESPCNConfiguration(features: [6, 4], scale: 3))),
    ("espcn-3d", .espcn(ESPCNConfiguration(features: [5, 4], scale: 2, dimensions: 3))),
    ("edsr", .edsr(EDSRConfiguration(blocks: 2, features: 6, scale: 4, shiftsMean: true))),
    (
      "edsr-scaled",
      .edsr(EDSRConfiguration(channels: 1, blocks: 2, features: 6, scale: 3, residualScale: 0.1))
    ),
    (
      "edsr-3d",
      .edsr(EDSRConfiguration(channels: 1, blocks: 1, features: 4, scale: 2, dimensions: 3))
    ), ("msrresnet", .msrResNet(MSRResNetConfiguration(blocks: 2, features: 6, scale: 4))),
    (
      "msrresnet-slices",
      .msrResNet(
        MSRResNetConfiguration(channels: 1, blocks: 1, features: 6, scale: 3, contextSlices: 1)
      )
    ),
    (
      "msrresnet-3d",
      .msrResNet(
        MSRResNetConfiguration(channels: 1, blocks: 1, features: 4, scale: 2, dimensions: 3)
      )
    ), ("srresnet", .srResNet(SRResNetConfiguration(channels: 2, blocks: 2, features: 6))),
    (
      "srresnet-3d",
      .srResNet(
        SRResNetConfiguration(channels: 1, blocks: 1, features: 4, scale: 2, dimensions: 3)
      )
    ), ("compact-sr", .compactSR(CompactSRConfiguration(depth: 2, features: 6, scale: 2))),
    (
      "autoencoder",
      .denoisingAutoencoder(
        DenoisingAutoencoderConfiguration(channels: 1, features: [6, 4], contextSlices: 1)
      )
    ),
    (
      "autoencoder-3d",
      .denoisingAutoencoder(DenoisingAutoencoderConfiguration(features: [4], dimensions: 3))
    ), ("rrdb-four", rrdb(3, blocks: 2, features: 6, growth: 4)),
    ("rrdb-two", rrdb(3, blocks: 1, features: 6, growth: 4) { $0.unshuffling = 2 }),
    ("rrdb-once", rrdb(1, blocks: 1, features: 5, growth: 3) { $0.doublings = 1 }),
    (
      "rrdb-3d",
      rrdb(1, blocks: 1, features: 4, growth: 2) { values in
        values.doublings = 1
        values.dimensions = 3
      }
    ), ("pix2pix", pix2Pix(2, features: 4, depth: 3, dimensions: 2)),
    ("pix2pix-3d", pix2Pix(1, features: 3, depth: 2, dimensions: 3)),
    (
      "cyclegan",
      .cycleGAN(CycleGANConfiguration(inputChannels: 2, outputChannels: 1, features: 4, blocks: 2))
    ),
    (
      "cyclegan-3d",
      .cycleGAN(
        CycleGANConfiguration(
          inputChannels: 1,
          outputChannels: 1,
          features: 2,
          blocks: 1,
          dimensions: 3
        )
      )
    ),
    ("style-transfer", .styleTransfer(StyleTransferConfiguration(features: 4, blocks: 2))),
    (
      "adain",
      .adaIN(AdaINConfiguration(features: [4, 6, 8], convolutionsPerStage: [1, 2]))
    ),
    (
      "diffusion",
      .diffusionUNet(
        DiffusionUNetConfiguration(
          conditionChannels: 1,
          features: [8, 12],
          blocksPerLevel: 2,
          groups: 4,
          heads: 2
        )
      )
    ),
    (
      "diffusion-3d",
      .diffusionUNet(DiffusionUNetConfiguration(features: [4, 8], groups: 2, dimensions: 3))
    ),
  ].map { StoredNetwork(name: $0.0, configuration: $0.1, folder: "restoration") }

  private static func dnCNN(
    _ channels: Int,
    features: Int,
    hasNormalization: Bool = true,
    change: (inout DnCNNConfiguration) -> Void = { _ in }
  ) -> NetworkConfiguration {
    var values = DnCNNConfiguration(
      channels: channels,
      depth: 4,
      features: features,
      hasNormalization: hasNormalization
    )
    change(&values)
    return .dnCNN(values)
  }

  private static func rrdb(
    _ channels: Int,
    blocks: Int,
    features: Int,
    growth: Int,
    change: (inout RRDBConfiguration) -> Void = { _ in }
  ) -> NetworkConfiguration {
    var values = RRDBConfiguration(
      channels: channels,
      blocks: blocks,
      features: features,
      growth: growth
    )
    change(&values)
    return .rrdb(values)
  }

  private static func pix2Pix(
    _ channels: Int,
    features: Int,
    depth: Int,
    dimensions: Int
  ) -> NetworkConfiguration {
    var values = Pix2PixConfiguration(
      inputChannels: channels,
      outputChannels: 1,
      features: features,
      depth: depth,
      dimensions: dimensions
    )
    values.dropoutProbability = 0
    return .pix2Pix(values)
  }

  /// The configuration of a fixture.
  static func configuration(_ name: String) throws -> NetworkConfiguration {
    try #require(all.first { $0.name == name }).configuration
  }
}

@Suite("Networks that turn images into images")
struct ImageNetworkTests {
  /// A dozen layers in single precision against PyTorch in double.
  private static let close = Tolerance(absolute: 1e-5, relative: 1e-5)
  /// Winograd's filtering, which only plans use, loses about two decimal digits of seven.
  private static let filtered = Tolerance(absolute: 1e-4, relative: 1e-4)

  private func loaded(_ test: StoredNetwork) throws -> (any Network, [String: Tensor]) {
    let (stored, weights) = try test.stored()
    let network = try test.network()
    try network.load(weights, from: test.name)
    return (network, stored)
  }

  /// Values of EDSR's images are about 255 times as large.
  private func tolerance(_ test: StoredNetwork) -> Tolerance {
    test.name == "edsr" ? Tolerance(absolute: 2.55e-3, relative: 1e-5) : Self.close
  }

  @Test("predictions equal PyTorch's", arguments: StoredImageNetworks.all)
  func predictions(_ test: StoredNetwork) throws {
    let (network, stored) = try loaded(test)
    let input = try #require(stored["input"])
    let output = network(input, in: .inference)
    expectClose(output, try #require(stored["output"]), tolerance(test))
    let scale = test.configuration.outputScale
    #expect(network.outputScale == scale)
    #expect(test.configuration.givesImages)
    #expect(output.shape.dropFirst(2).elementsEqual(input.shape.dropFirst(2).map { $0 * scale }))
    #expect(input.shape[1] == test.configuration.inputChannels)
    #expect(output.shape[1] == test.configuration.outputChannels)
  }

  @Test("plans predict what PyTorch does", arguments: StoredImageNetworks.all)
  func plans(_ test: StoredNetwork) throws {
    let (network, stored) = try loaded(test)
    let planned = try PlannedNetwork(network)
    let output = planned(try #require(stored["input"]))
    let expected = try #require(stored["output"])
    expectClose(
      output,
      expected,
      test.name == "edsr" ? Tolerance(absolute: 1e-2, relative: 1e-4) : Self.filtered
    )
  }

  @Test("loss and gradients equal PyTorch's", arguments: StoredImageNetworks.all)
  func gradientsOfAll(_ test: StoredNetwork) throws {
    let (network, stored) = try loaded(test)
    let output = network(try #require(stored["input"]), in: Context(.training))
    let loss = (output * output).mean
    expectClose(loss, try #require(stored["loss"]), Tolerance(absolute: 2e-5, relative: 2e-5))
    let found = gradients(of: loss)
    for (name, parameter) in network.namedParameters where parameter.isTrainable {
      let expected = try #require(stored["gradients." + name], "\(name)")
      let gradient = try #require(found[parameter.key], "\(name)")
      // EDSR's loss is that of values up to 255.
      let largest = Double(expected.values.map(abs).max() ?? 0)
      expectClose(
        gradient,
        expected,
        Tolerance(absolute: 5e-5 + 2e-6 * largest, relative: 1e-4),
        name
      )
    }
  }

  @Test("a network that adds its input returns the middle channels when its head is 0")
  func unetAddsItsInput() throws {
    var values = UNetConfiguration(inputChannels: 3, outputChannels: 1, features: [4, 6])
    values.addsInput = true
    var random = RandomStream(seed: 2)
    let network = try NetworkConfiguration.unet(values).makeNetwork(random: &random)
    let x = Tensor((0..<3 * 64).map { _ in Float(random.normal()) }, shape: [1, 3, 8, 8])
    #expect(network(x, in: .inference).values != Array(x.values[64..<128]))
    for (name, parameter) in network.namedParameters where name.hasPrefix("head.") {
      parameter.value = Tensor(repeating: 0, shape: parameter.shape)
    }
    #expect(network(x, in: .inference).values == Array(x.values[64..<128]))
    #expect(NetworkConfiguration.unet(values).givesImages)
    values.addsInput = false
    #expect(!NetworkConfiguration.unet(values).givesImages)
    values.addsInput = true
    values.inputChannels = 2
    let invalid = NetworkConfiguration.unet(values)
    #expect(throws: NetworksError.self) { try invalid.makeNetwork(random: &random) }
  }

  @Test("configurations of earlier versions are read as they were meant")
  func earlierConfigurations() throws {
    func decoded(_ text: String) throws -> NetworkConfiguration {
      try JSONDecoder().decode(NetworkConfiguration.self, from: Data(text.utf8))
    }
    #expect(
      try decoded(
        #"{"name": "dncnn", "configuration": {"channels": 1, "depth": 17, "features": 64}}"#
      ) == .dnCNN(DnCNNConfiguration())
    )
    #expect(
      try decoded(
        """
        {"name": "rrdb",
         "configuration": {"channels": 3, "blocks": 23, "features": 64, "growth": 32}}
        """
      ) == .rrdb(RRDBConfiguration())
    )
    let unet = UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [8, 16])
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(NetworkConfiguration.unet(unet))
    let text = try #require(String(data: data, encoding: .utf8))
    let earlier = text.replacingOccurrences(of: #""addsInput":false,"#, with: "")
    #expect(earlier != text)
    #expect(try decoded(earlier) == .unet(unet))
  }

  @Test("the level of FFDNet's noise and the step of a diffusion model are channels")
  func furtherChannels() throws {
    var random = RandomStream(seed: 3)
    let denoiser = FFDNet(FFDNetConfiguration(depth: 3, features: 4), random: &random)
    let image = Tensor((0..<32).map { _ in Float(random.normal()) }, shape: [2, 1, 4, 4])
    let levels = concatenation(
      [0.25, 0.5].map { Tensor(repeating: $0, shape: [1, 1, 4, 4]) },
      axis: 0
    )
    #expect(
      denoiser(image, levels: [0.25, 0.5], in: .inference).values
        == denoiser(concatenation([image, levels]), in: .inference).values
    )
    let diffusion = DiffusionUNet(
      DiffusionUNetConfiguration(features: [4, 8], groups: 2, steps: 10),
      random: &random
    )
    let steps = concatenation(
      [3, 9].map { Tensor(repeating: $0, shape: [1, 1, 4, 4]) },
      axis: 0
    )
    let found = diffusion(image, steps: [3, 9], in: .inference)
    #expect(found.values == diffusion(concatenation([image, steps]), in: .inference).values)
    #expect(found.values != diffusion(image, steps: [4, 9], in: .inference).values)
    // Beyond the last step nothing more changes.
    #expect(found.values == diffusion(image, steps: [3, 12], in: .inference).values)
  }

  @Test("published networks have as many parameters as their authors say")
  func parameterCounts() throws {
    var random = RandomStream(seed: 1)
    let count = { (configuration: NetworkConfiguration) in
      try Parameter.withoutRandomWeights { try configuration.makeNetwork(random: &random) }
        .trainableCount
    }
    // Table 1 of FSRCNN: 12 464 weights; 25·56 + 56·12 + 4·9·144 + 12·56 + 81·56, and biases and slopes.
    #expect(try count(.fsrcnn(FSRCNNConfiguration())) == 12_464 + 2 * (56 + 12 * 5 + 56) + 1)
    // Table 1 of SRCNN's 9-1-5: 8 032 weights.
    #expect(try count(.srcnn(SRCNNConfiguration(kernelSizes: [9, 1, 5]))) == 8_032 + 64 + 32 + 1)
    // Eighteen layers of 64·64·9 and two of 64·9, the 665 thousand of VDSR.
    #expect(try count(.vdsr(VDSRConfiguration())) == 664_704)
    // Table 1 of EDSR: 1.5 M for the baseline (without enlargement 1.2 M), 43 M for the large network.
    #expect(try count(.edsr(EDSRConfiguration())) == 1_369_859)
    #expect(
      try count(.edsr(EDSRConfiguration(blocks: 32, features: 256, residualScale: 0.1)))
        == 40_729_603
    )
    // Fifteen layers of FFDNet: 5·64·9 + 13·64·64·9 + 64·4·9 and biases.
    #expect(try count(.ffdNet(FFDNetConfiguration())) == 485_316)
    // The 11.4 million of CycleGAN's generator, 54.4 million of Pix2Pix's.
    #expect(
      try count(.cycleGAN(CycleGANConfiguration(inputChannels: 3, outputChannels: 3)))
        == 11_378_179
    )
    #expect(
      try count(.pix2Pix(Pix2PixConfiguration(inputChannels: 3, outputChannels: 3)))
        == 54_419_459
    )
    // The 1.7 million of PyTorch's feed-forward styles; AdaIN's decoder has 3.5 of 7.0 million.
    #expect(try count(.styleTransfer(StyleTransferConfiguration())) == 1_679_235)
    #expect(try count(.adaIN(AdaINConfiguration())) == 7_010_959)
  }

  static let impossible: [NetworkConfiguration] = {
    var biased = DnCNNConfiguration(depth: 3, features: 4)
    biased.dimensions = 3
    biased.contextSlices = 1
    var epsilon = DnCNNConfiguration(depth: 3, features: 4)
    epsilon.normalizationEpsilon = 0
    var shrinking = RRDBConfiguration(blocks: 1, features: 4, growth: 2)
    shrinking.unshuffling = 8
    var dropping = Pix2PixConfiguration(inputChannels: 1, outputChannels: 1, features: 4, depth: 3)
    dropping.dropoutProbability = 1
    var grouped = CycleGANConfiguration(inputChannels: 1, outputChannels: 1, features: 4)
    grouped.normalization = .group(groups: 3)
    return [
      .dnCNN(biased), .dnCNN(epsilon), .rrdb(shrinking), .pix2Pix(dropping), .cycleGAN(grouped),
      .ffdNet(FFDNetConfiguration(channels: 0)), .ffdNet(FFDNetConfiguration(depth: 1)),
      .ffdNet(FFDNetConfiguration(dimensions: 4)), .vdsr(VDSRConfiguration(features: 0)),
      .vdsr(VDSRConfiguration(contextSlices: -1)), .srcnn(SRCNNConfiguration(features: [4])),
      .srcnn(SRCNNConfiguration(kernelSizes: [9, 2, 5])), .fsrcnn(FSRCNNConfiguration(scale: 0)),
      .fsrcnn(FSRCNNConfiguration(mappings: -1)), .espcn(ESPCNConfiguration(scale: 9)),
      .espcn(ESPCNConfiguration(features: [4, 0])), .edsr(EDSRConfiguration(scale: 5)),
      .edsr(EDSRConfiguration(residualScale: .nan)), .edsr(EDSRConfiguration(blocks: 0)),
      .msrResNet(MSRResNetConfiguration(scale: 6)), .srResNet(SRResNetConfiguration(blocks: 0)),
      .compactSR(CompactSRConfiguration(depth: -1)),
      .denoisingAutoencoder(DenoisingAutoencoderConfiguration(features: [])),
      .pix2Pix(Pix2PixConfiguration(inputChannels: 1, outputChannels: 1, depth: 1)),
      .cycleGAN(CycleGANConfiguration(inputChannels: 0, outputChannels: 1)),
      .diffusionUNet(DiffusionUNetConfiguration(features: [12], groups: 8)),
      .diffusionUNet(DiffusionUNetConfiguration(heads: 3)),
      .diffusionUNet(DiffusionUNetConfiguration(steps: 0)),
      .styleTransfer(StyleTransferConfiguration(blocks: 0)),
      .styleTransfer(StyleTransferConfiguration(features: 0)),
      .adaIN(AdaINConfiguration(features: [4])),
      .adaIN(AdaINConfiguration(features: [4, 8], convolutionsPerStage: [1, 1])),
    ]
  }()

  @Test("impossible configurations are refused", arguments: impossible.indices)
  func refused(_ index: Int) {
    var random = RandomStream(seed: 1)
    let error = #expect(throws: NetworksError.self) {
      try Self.impossible[index].makeNetwork(random: &random)
    }
    #expect(error?.failure == .damagedInput)
  }
}
